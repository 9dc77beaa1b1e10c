package system

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// stateKeys of the scenario.
type stateKeys struct {
	Instance string   `yaml:"on"`       // instance; needed
	Paths    []string `yaml:"paths"`    // files, or folders with all that is in them
	Packages bool     `yaml:"packages"` // of dpkg, rpm or apk, with their versions
	Kernel   bool     `yaml:"kernel"`   // release; a container has that of its host
	Modules  bool     `yaml:"modules"`  // loaded ones, and the files of those of third parties
	Units    bool     `yaml:"units"`    // of systemd: what runs, and what is enabled
	Mounts   bool     `yaml:"mounts"`   // of disks, with their options
	Logins   bool     `yaml:"logins"`   // who may log in, and with which shell
	Optional bool     `yaml:"optional"` // a path may be absent, before and after alike
}

// parts are those kinds of state that are asked for.
func (k stateKeys) parts() []part {
	var all []part
	for _, x := range []struct {
		asked bool
		part  part
	}{{k.Modules, modules}, {k.Units, units}, {k.Mounts, mounts}, {k.Logins, logins}} {
		if x.asked {
			all = append(all, x.part)
		}
	}
	return all
}

// state holds the system before the upgrade against the system after the rollback.
type state struct {
	verifier.Asked
	keys stateKeys
}

// snapshot is what the system was at one time.
type snapshot struct {
	Files    map[string]string `json:"files,omitempty"`   // path → sha256, or "link to …"
	Written  map[string]int64  `json:"written,omitempty"` // path → when its content was written last, in seconds since 1970
	Image    *verifier.Image   `json:"image,omitempty"`   // from which the instance was booted
	Absent   []string          `json:"absent,omitempty"`  // of the paths asked for
	Packages map[string]string `json:"packages,omitempty"`
	Kernel   string            `json:"kernel,omitempty"`
	Shared   bool              `json:"kernel_of_host,omitempty"` // the instance is a container
	// Modules that are loaded → where they come from, and the files of third parties → sha256.
	Modules     map[string]string `json:"modules,omitempty"`
	ModuleFiles map[string]string `json:"module_files,omitempty"`
	Units       map[string]string `json:"units,omitempty"`      // that are not inactive → state
	UnitFiles   map[string]string `json:"unit_files,omitempty"` // → enabled, disabled, masked …
	Mounts      map[string]string `json:"mounts,omitempty"`     // where → what and how
	Logins      map[string]string `json:"logins,omitempty"`     // user → state and shell
	Error       string            `json:"error,omitempty"`      // the instance cannot be asked, by its own fault
}

func newState(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &state{}, spec.Settings
	problems := s.Decode(&c.keys)
	k := c.keys
	if k.Instance == "" {
		problems = append(problems, noInstance(s))
	}
	for i, p := range k.Paths {
		if !strings.HasPrefix(p, "/") || path.Clean(p) != p || strings.ContainsAny(p, "\n\x00") {
			problems = append(problems, s.Problem("paths", "paths: [/etc/app, /usr/bin/app]",
				"path %d, %q, is not absolute and plain", i+1, p))
		}
	}
	if len(k.Paths) == 0 && !k.Packages && !k.Kernel && len(k.parts()) == 0 && len(problems) == 0 {
		problems = append(problems, s.Problem("",
			"add paths, packages, kernel, modules, units, mounts or logins: true",
			"state-unchanged compares nothing"))
	}
	c.Asked = verifier.AskedOf(spec.Name, k.Instance)
	return c, problems
}

// Compares implements verifier.Comparer.
func (c *state) Compares() bool { return true }

// Observe implements verifier.Check.
func (c *state) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	now, err := c.look(ctx, t)
	switch {
	case errors.Is(err, verifier.ErrDown):
		now = snapshot{Error: err.Error()}
	case err != nil:
		return nil, err
	}
	return verifier.Encode("state-unchanged", now)
}

func (c *state) look(ctx context.Context, t verifier.Target) (snapshot, error) {
	now := snapshot{Files: map[string]string{}}
	if o, ok := t.(verifier.Origin); ok {
		if image, known := o.From(c.On()); known {
			now.Image = &image
		}
	}
	var err error
	if len(c.keys.Paths) > 0 {
		err = c.files(ctx, t, &now)
	}
	if err == nil && c.keys.Packages {
		now.Packages, err = packages(ctx, t, c.On())
	}
	if err == nil && c.keys.Kernel {
		now.Kernel, err = kernel(ctx, t, c.On())
		_, none := t.Read(ctx, c.On(), "/.dockerenv")
		now.Shared = none == nil
	}
	for _, p := range c.keys.parts() {
		if err == nil {
			err = p.see(ctx, t, c.On(), &now)
		}
	}
	return now, err
}

// Judge implements verifier.Check.
func (c *state) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("state-unchanged", before, after, c.judge)
}

func (c *state) judge(before *snapshot, now snapshot) verifier.Answer {
	if now.Error != "" {
		return verifier.Failed("%s: %s", c.On(), now.Error)
	}
	if why := c.incomplete(now); why != "" {
		return verifier.Crashed("%s", why)
	}
	if before == nil {
		if len(now.Absent) > 0 && !c.keys.Optional {
			return verifier.Failed("%s is not there on %s", strings.Join(now.Absent, ", "), c.On())
		}
		if now.empty() {
			return verifier.Crashed("nothing was recorded on %s", c.On())
		}
		return verifier.Passed("recorded: %s", c.size(now))
	}
	if why := c.incomplete(*before); why != "" {
		return verifier.Crashed("before the upgrade: %s", why)
	}
	diff := compare(*before, now)
	switch {
	case len(diff) > 0:
		a := verifier.Failed("%s", diff[0])
		if len(diff) > 1 {
			a = verifier.Failed("%s, and %d more", verifier.Line(diff[0], 300), len(diff)-1)
		}
		a.Diff = shown(diff)
		return a
	case len(now.Absent) > 0 && !c.keys.Optional:
		return verifier.Failed("%s is not there on %s", strings.Join(now.Absent, ", "), c.On())
	case now.empty():
		return verifier.Crashed("nothing was there to compare on %s", c.On())
	}
	return verifier.Passed("unchanged: %s", c.size(now))
}

func (s snapshot) empty() bool {
	return s.Kernel == "" && len(s.Files)+len(s.Packages)+len(s.Modules)+len(s.Units)+len(s.Mounts)+len(s.Logins) == 0
}

// incomplete says what of the state is not known: that is never unchanged.
func (c *state) incomplete(s snapshot) string {
	if s.Error != "" {
		return s.Error
	}
	absent := map[string]bool{}
	for _, p := range s.Absent {
		absent[p] = true
	}
	for _, p := range c.keys.Paths {
		if !absent[p] && !s.holds(p) {
			return fmt.Sprintf("%s was not read, or is an empty folder", p)
		}
	}
	for p, digest := range s.Files {
		if !sumPattern.MatchString(digest) && !strings.HasPrefix(digest, linkTo) {
			return fmt.Sprintf("%s has no digest", p)
		}
	}
	switch {
	case c.keys.Packages && len(s.Packages) == 0:
		return "no package was listed"
	case c.keys.Kernel && s.Kernel == "":
		return "the kernel's release is not known"
	case c.keys.Modules && len(s.Modules) == 0:
		return "no module was listed"
	case c.keys.Units && (len(s.Units) == 0 || len(s.UnitFiles) == 0):
		return "no unit was listed"
	case c.keys.Mounts && len(s.Mounts) == 0:
		return "no mount was listed"
	case c.keys.Logins && len(s.Logins) == 0:
		return "no log-in was listed"
	}
	return ""
}

// holds tells whether something was read at or below a path.
func (s snapshot) holds(p string) bool {
	if _, ok := s.Files[p]; ok {
		return true
	}
	for f := range s.Files {
		if strings.HasPrefix(f, strings.TrimSuffix(p, "/")+"/") {
			return true
		}
	}
	return false
}

func (c *state) size(s snapshot) string {
	var parts []string
	if len(c.keys.Paths) > 0 {
		parts = append(parts, fmt.Sprintf("%d files", len(s.Files)))
	}
	if len(s.Absent) > 0 {
		parts = append(parts, fmt.Sprintf("%d paths absent", len(s.Absent)))
	}
	if c.keys.Packages {
		parts = append(parts, fmt.Sprintf("%d packages", len(s.Packages)))
	}
	if c.keys.Kernel {
		kernel := "kernel %s"
		if s.Shared {
			kernel = "kernel %s (its host's: it is a container)"
		}
		parts = append(parts, fmt.Sprintf(kernel, verifier.Line(s.Kernel, 60)))
	}
	for _, x := range []struct {
		count int
		form  string
	}{{len(s.Modules), "%d modules"}, {len(s.Units), "%d units"}, {len(s.Mounts), "%d mounts"}, {len(s.Logins), "%d log-ins"}} {
		if x.count > 0 {
			parts = append(parts, fmt.Sprintf(x.form, x.count))
		}
	}
	return strings.Join(parts, ", ")
}
