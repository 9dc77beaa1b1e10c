package kernel

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"strings"
)

//go:embed forecast.sh
var forecastScript string

// Next says which kernel is to come. Exactly one is set.
type Next struct {
	Packages string // a folder of .deb files in the machine, or one of them
	Release  string // of a kernel that is installed already
}

// Forecast says which modules of third parties will load on the next kernel.
//
// What a module was compiled against is compared as the kernel does it when it
// loads one: the rest of vermagic, and the checksum of module_layout, which
// covers the structures that every module shares. Where both agree a single
// symbol may still differ. That a module of a package to come has become part
// of the next kernel's own tree is not seen: that would take unpacking all of it.
type Forecast struct {
	Running, Next string // releases
	Modules       []Outlook
}

// Outlook of one module.
type Outlook struct {
	Module string
	Why    []string // loaded | asked (for at boot) | installed
	State  State
	Words  string // why, in a line without the module's name
}

// State of an outlook.
type State string

// The states of an outlook.
const (
	Loads    State = "loads"
	Conflict State = "conflict"
	Unknown  State = "unknown"
)

// Ask has the machine tell and makes a forecast of it. *UnfitError: the machine cannot tell.
func Ask(ctx context.Context, run Exec, next Next) (Forecast, error) {
	how, what := "packages", next.Packages
	if next.Release != "" {
		how, what = "release", next.Release
	}
	r, err := run(ctx, "sh", "-c", forecastScript, "sh", how, what, "")
	if err != nil {
		return Forecast{}, fmt.Errorf("ask for the modules of third parties: %w", err)
	}
	if r.Exit != 0 {
		return Forecast{}, &UnfitError{Reason: line(r)}
	}
	facts, err := parseFacts(r.Stdout)
	if err != nil {
		return Forecast{}, fmt.Errorf("read what it says about its modules: %w", err)
	}
	return facts.forecast(), nil
}

// Conflicts are the modules that will not load.
func (f Forecast) Conflicts() []Outlook { return f.of(Conflict) }

// Unknown are the modules of which nobody can tell before the upgrade.
func (f Forecast) Unknown() []Outlook { return f.of(Unknown) }

func (f Forecast) of(s State) []Outlook {
	return slices.DeleteFunc(slices.Clone(f.Modules), func(o Outlook) bool { return o.State != s })
}

// String is the forecast in lines, the worst first.
func (f Forecast) String() string {
	if len(f.Modules) == 0 {
		return fmt.Sprintf("%s → %s: no module of a third party is loaded, asked for or installed", f.Running, f.Next)
	}
	var lines []string
	for _, s := range []State{Conflict, Unknown, Loads} {
		for _, o := range f.Modules {
			if o.State == s {
				lines = append(lines, fmt.Sprintf("%s (%s): %s", o.Module, strings.Join(o.Why, ", "), o.Words))
			}
		}
	}
	return fmt.Sprintf("%s → %s\n%s", f.Running, f.Next, strings.Join(lines, "\n"))
}

// facts are what forecast.sh prints.
type facts struct {
	running string
	target  file
	modules []file
	builds  []file
	dkms    []string
	headers bool
}

// file of a module.
type file struct {
	name, path, why  string
	vermagic, layout string
}

// parseFacts reads what forecast.sh prints; a list that was cut short is none.
func parseFacts(text string) (facts, error) {
	var f facts
	body, whole := strings.CutSuffix(text, "end\n")
	if !whole {
		return f, errors.New("it is cut short")
	}
	for l := range strings.Lines(body) {
		words := strings.Split(strings.TrimSuffix(l, "\n"), "\t")
		of := file{}
		if len(words) == 6 {
			of = file{words[1], words[2], words[3], strings.TrimSpace(words[4]), words[5]}
		}
		switch {
		case words[0] == "running" && len(words) == 2:
			f.running = words[1]
		case words[0] == "target" && of.name != "":
			f.target = of
		case words[0] == "module" && of.name != "":
			f.modules = append(f.modules, of)
		case words[0] == "build" && of.name != "":
			f.builds = append(f.builds, of)
		case words[0] == "dkms" && len(words) == 2:
			f.dkms = append(f.dkms, words[1])
		case words[0] == "headers":
			f.headers = true
		default:
			return f, fmt.Errorf("%q is not a fact", l)
		}
	}
	if f.running == "" || f.target.vermagic == "" {
		return f, errors.New("it says not which kernel runs, or what the next one expects")
	}
	return f, nil
}

// forecast is pure.
func (f facts) forecast() Forecast {
	out := Forecast{Running: f.running, Next: f.target.name}
	seen, pathless := map[string]int{}, map[string]bool{}
	for _, m := range f.modules {
		i, known := seen[m.name]
		if !known {
			i = len(out.Modules)
			seen[m.name] = i
			out.Modules = append(out.Modules, Outlook{Module: m.name})
		}
		o := &out.Modules[i]
		if !slices.Contains(o.Why, m.why) {
			o.Why = append(o.Why, m.why)
		}
		if !known || pathless[m.name] { // it may be loaded from somewhere, and installed as well
			o.State, o.Words = f.outlook(m)
			pathless[m.name] = m.path == ""
		}
	}
	return out
}

// outlook of a module on the next kernel. modprobe looks for it among that kernel's own files alone.
func (f facts) outlook(m file) (State, string) {
	next := f.target.name
	unfit := ""
	for _, b := range f.builds {
		if b.name != m.name {
			continue
		}
		if unfit = f.target.refuses(b); unfit == "" {
			return Loads, "its build for " + next + " fits"
		}
	}
	if unfit != "" {
		return Conflict, fmt.Sprintf("its build for %s does not fit (%s)", next, unfit)
	}
	if slices.Contains(f.dkms, m.name) {
		if f.headers {
			return Unknown, fmt.Sprintf("no build for %s yet: DKMS will compile it, if it compiles", next)
		}
		return Conflict, fmt.Sprintf("no build for %s, and DKMS cannot make one: its headers are missing", next)
	}
	switch refused := f.target.refuses(m); {
	case m.path == "" || m.vermagic == "":
		return Conflict, fmt.Sprintf("no build for %s; where the loaded one came from is not known", next)
	case refused != "":
		return Conflict, fmt.Sprintf("no build for %s, and the one for %s does not fit (%s)", next, f.running, refused)
	}
	return Conflict, fmt.Sprintf("no build for %s; the one for %s would fit, but it is not looked for there", next,
		f.running)
}

// refuses says why a kernel does not load a module, as its own check does: with checksums the release
// may differ and the rest of vermagic may not; without them all of it counts. "" means that it does.
func (kernel file) refuses(m file) string {
	is, want := m.vermagic, kernel.vermagic
	if m.layout != "" && kernel.layout != "" {
		if m.layout != kernel.layout {
			return fmt.Sprintf("module_layout %s against %s", m.layout, kernel.layout)
		}
		_, is, _ = strings.Cut(is, " ")
		_, want, _ = strings.Cut(want, " ")
	}
	if is != want {
		return fmt.Sprintf("vermagic %q against %q", m.vermagic, kernel.vermagic)
	}
	return ""
}
