package reports

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v4"

	"lifeboat/drills/evidence"
	"lifeboat/drills/record"
)

//go:embed controls/*.yaml
var controlFiles embed.FS

// framework is a standard or a law, as far as its clauses could be read: one file of controls/. What a drill measures is evidence for a clause, and
// never says that it is met.
type framework struct {
	Version int           `yaml:"version"`
	Name    record.Text   `yaml:"name"`
	Read    string        `yaml:"read"`   // on which day its sources were
	Source  string        `yaml:"source"` // of every clause that names no other; an address without its scheme
	Clauses []requirement `yaml:"clauses"`
	LeftOut []leftOut     `yaml:"left_out"`
}

// requirement is a clause. It says what is asked in our words.
type requirement struct {
	ID      string      `yaml:"id"`
	Read    string      `yaml:"read"` // what could be read: its text, a description of it, its heading alone
	Source  string      `yaml:"source"`
	Asks    record.Text `yaml:"asks"`
	ShownBy []string    `yaml:"shown_by"` // facts that are evidence for it
}

// leftOut is a clause that is not mapped.
type leftOut struct {
	ID  string      `yaml:"id"`
	Why record.Text `yaml:"why"`
}

// frameworks are read once; a broken file is a broken build.
var frameworks = sync.OnceValue(func() (all []framework) {
	files, err := controlFiles.ReadDir("controls")
	if err != nil {
		panic(fmt.Sprintf("list the built-in controls: %v", err))
	}
	for _, f := range files {
		raw, err := controlFiles.ReadFile("controls/" + f.Name())
		var x framework
		if err == nil {
			d := yaml.NewDecoder(bytes.NewReader(raw))
			d.KnownFields(true)
			err = d.Decode(&x)
		}
		if err != nil {
			panic(fmt.Sprintf("read the built-in controls %s: %v", f.Name(), err))
		}
		all = append(all, x)
	}
	return all
})

// measured is what drills show of what clauses ask, counted.
type measured map[string][2]int // fact → good of all; a fact that was not measured is not there

func (m measured) count(fact string, good, all int) {
	if all > 0 {
		m[fact] = [2]int{m[fact][0] + good, m[fact][1] + all}
	}
}

// add counts what one drill shows.
func (m measured) add(a author) {
	restored := map[string]bool{}
	for i := range a.r.Restores {
		x := &a.r.Restores[i]
		good, seen := restored[x.Backup]
		restored[x.Backup] = x.Bad() == "" && (good || !seen)
	}
	good := 0
	for _, ok := range restored {
		if ok {
			good++
		}
	}
	m.count("restored", good, len(restored))
	passed, questions := a.countChecks()
	m.count("checked", passed, questions)
	back, all := 0, 0
	for _, in := range a.r.Incidents {
		if in.T3 != nil {
			all++
		}
		if in.T3 != nil && in.T7 != nil {
			back++
		}
	}
	m.count("rehearsed", back, all)
	held, limits := 0, 0
	for _, j := range a.v.Objectives {
		if !j.Unlimited && (j.Measured != nil || j.Lower != nil) {
			limits++
		}
		if !j.Unlimited && j.Measured != nil && j.Status == record.StatusPassed {
			held++
		}
	}
	m.count("timed", held, limits)
	refused, probes := 0, 0
	for _, p := range a.r.Probes {
		if !p.Control {
			probes++
		}
		if !p.Control && !p.Reached {
			refused++
		}
	}
	m.count("isolated", refused, probes)
}

// controls say for which clauses this drill is evidence.
func (a author) controls() section {
	m := measured{}
	m.add(a)
	return a.section("controls", a.clauses(m)...)
}

// clauses has a table for each framework of which something was measured, and what was left out.
func (a author) clauses(m measured) []block {
	var blocks []block
	var out []cell
	for _, f := range frameworks() {
		name := inLanguage(f.Name, a.l, "")
		t := &table{Class: "controls", Columns: a.columns("", "clause", "asks", "measured_here")}
		if f.Source == "" {
			t.Columns = a.columns("", "clause", "asks", "measured_here", "source")
		}
		for _, c := range f.Clauses {
			var shown []string
			for _, fact := range c.ShownBy {
				if n, ok := m[fact]; ok {
					shown = append(shown, a.say("control."+fact, "good", strconv.Itoa(n[0]), "all", strconv.Itoa(n[1])))
				}
			}
			if len(shown) == 0 {
				continue
			}
			asks := textOf(inLanguage(c.Asks, a.l, ""), "")
			if c.Read != "text" {
				asks.Small = a.say("control.read_" + c.Read)
			}
			row := []cell{code(c.ID), asks, text(strings.Join(shown, " · ")), code(c.Source)}
			t.Rows = append(t.Rows, row[:len(t.Columns)])
		}
		if len(t.Rows) == 0 {
			continue
		}
		blocks = append(blocks, block{Caption: a.say("control.framework", "name", name, "version", strconv.Itoa(f.Version), "read", f.Read), Table: t})
		if f.Source != "" {
			blocks = append(blocks, block{Pairs: []pair{{a.say("column.source"), code(f.Source)}}})
		}
		for _, x := range f.LeftOut {
			out = append(out, cell{Text: x.ID, Code: true, Small: a.say("control.why", "name", name, "why", inLanguage(x.Why, a.l, ""))})
		}
	}
	if len(blocks) == 0 {
		return nil
	}
	blocks = append([]block{{Paragraph: a.say("control.means")}}, blocks...)
	if len(out) > 0 {
		blocks = append(blocks, block{Caption: a.say("control.left_out"), List: out})
	}
	return blocks
}

// controls say for which clauses the period is evidence, and what came of the controls that catalogues name.
func (p auditor) controls() section {
	m := measured{}
	for _, x := range p.a.Drills {
		if x.Shown == nil {
			continue
		}
		for fact, n := range x.Shown.Measured {
			m.count(fact, n[0], n[1])
		}
	}
	signed := map[string]bool{}
	for _, x := range p.a.Addenda {
		signed[x.Drill] = signed[x.Drill] || x.By != "" && (x.Kind == evidence.SignOff || x.Kind == evidence.Approval)
	}
	of := func(ok func(evidence.DrillResult) bool) (n int) {
		for _, x := range p.a.Drills {
			if ok(x) {
				n++
			}
		}
		return n
	}
	m.count("signed_off", of(func(x evidence.DrillResult) bool { return signed[x.ID] }), len(p.a.Drills))
	closed := 0
	for _, f := range p.a.Findings {
		if f.State == evidence.FindingClosed {
			closed++
		}
	}
	m.count("findings", closed, len(p.a.Findings))
	kept, duties := 0, 0
	for _, x := range p.a.Programmes {
		for _, d := range x.Duties {
			duties++
			if len(d.Gaps) == 0 {
				kept++
			}
		}
	}
	m.count("planned", kept, duties)
	return p.titled("controls", append(p.named(), p.clauses(m)...)...)
}

// named are the controls that entries of catalogues say they are evidence for.
func (p auditor) named() []block {
	var names []string
	of := map[string]evidence.ControlResult{}
	for _, n := range p.a.Nights {
		for _, c := range n.Controls {
			if _, seen := of[c.Name]; !seen {
				names = append(names, c.Name)
			}
			sum := of[c.Name]
			sum.Planned, sum.Passed = sum.Planned+c.Planned, sum.Passed+c.Passed
			of[c.Name] = sum
		}
	}
	slices.Sort(names)
	t := &table{Class: "named-controls", Columns: p.columns("-nn", "control", "planned", "passed")}
	for _, name := range names {
		t.Rows = append(t.Rows, []cell{text(name), text(strconv.Itoa(of[name].Planned)), text(strconv.Itoa(of[name].Passed))})
	}
	if len(t.Rows) == 0 {
		return nil
	}
	return []block{{Caption: p.say("control.named"), Table: t}}
}
