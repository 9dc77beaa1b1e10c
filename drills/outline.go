package drills

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/secrets"
	"lifeboat/scenarios"
)

// Outline is a plan as a person or a program reads it.
type Outline struct {
	Scenario   string            `json:"scenario"`
	Trigger    string            `json:"trigger"`
	Restore    []OutlineBackup   `json:"restore"`
	Boot       []string          `json:"boot"`
	Prepare    []string          `json:"prepare,omitempty"`
	Upgrade    []string          `json:"upgrade,omitempty"`
	Incidents  []OutlineIncident `json:"incidents,omitempty"`
	Objectives map[string]string `json:"objectives,omitempty"`
	Pulse      string            `json:"pulse,omitempty"`
	Checks     []string          `json:"checks"`
	Excluded   map[string]string `json:"excluded,omitempty"`
	Needs      Needs             `json:"needs"`
	Foreseen   []string          `json:"foreseen,omitempty"` // what will keep it from passing
	Cannot     []string          `json:"cannot,omitempty"`
}

// OutlineBackup is a backup and the restore point that would be used.
type OutlineBackup struct {
	Backup       string     `json:"backup"`
	Point        string     `json:"point"`
	Size         int64      `json:"size_bytes"`
	Digest       string     `json:"digest,omitempty"`
	Doubt        string     `json:"digest_doubt,omitempty"` // why what is promised of it cannot be used; the drill will not pass
	ConsistentTo *time.Time `json:"consistent_to,omitempty"`
	Missing      string     `json:"missing,omitempty"` // why there is nothing to restore, which the drill will say
}

// OutlineIncident is what would break and how it would be rolled back.
type OutlineIncident struct {
	Name     string   `json:"name,omitempty"`
	Upgrade  []string `json:"upgrade,omitempty"` // of its own, which makes it begin
	Faults   []string `json:"faults,omitempty"`
	Detect   string   `json:"detect,omitempty"`
	Decide   string   `json:"decide"`
	Rollback []string `json:"rollback,omitempty"`
}

// Outline of the plan.
func (p *Plan) Outline() Outline {
	s := p.Scenario
	o := Outline{Scenario: s.Name, Trigger: string(s.Trigger), Objectives: map[string]string{},
		Excluded: map[string]string{}, Needs: p.Needs, Foreseen: p.foresee(true), Cannot: slices.Clone(p.Refusals)}
	for _, name := range slices.Sorted(maps.Keys(p.Backups)) {
		b := p.Backups[name]
		ob := OutlineBackup{Backup: name, Point: b.Point.ID, Size: b.Point.Size, Digest: b.Point.Digest.String(), Doubt: b.Point.Doubt}
		if b.Missing != nil {
			ob.Missing = missingWords(b.Missing)
			if b.Missing.Store != "" {
				o.Cannot = append(o.Cannot, fmt.Sprintf("list backup %s: %s", name, b.Missing.Store))
				ob.Missing = ""
			}
		}
		if !b.Point.ConsistentTo.IsZero() {
			ob.ConsistentTo = &b.Point.ConsistentTo
		}
		o.Restore = append(o.Restore, ob)
	}
	for _, name := range p.Order {
		i := s.Instances[name]
		what := fmt.Sprintf("%s (%s): ", name, i.Kind)
		if i.Boot != "" {
			what += "boot " + i.Boot
		} else {
			what += "image " + i.Image
		}
		if len(i.Load) > 0 {
			what += ", load " + i.Load.String()
		}
		if own, ok := instance.As[instance.Outlined](p.own[name]); ok {
			for _, said := range own.Outline() {
				what += ", " + said
			}
		}
		o.Boot = append(o.Boot, what)
	}
	o.Prepare, o.Upgrade = describeAll(s.Prepare), describeAll(s.Upgrade)
	for _, in := range s.Incidents {
		oi := OutlineIncident{Name: in.Name, Upgrade: describeAll(in.Upgrade), Detect: in.Detect.When,
			Decide: in.Decide.By, Rollback: describeAll(in.Rollback)}
		for _, f := range in.Faults {
			oi.Faults = append(oi.Faults, f.Kind+" on "+f.On)
		}
		o.Incidents = append(o.Incidents, oi)
	}
	for name, limit := range s.Objectives {
		o.Objectives[name] = limit.String()
	}
	if f := s.Flow; f != nil {
		pace, patience := f.Pulse.String(), f.Timeout.String()
		if !f.Pulse.Given() {
			pace = "as often as its own runs show"
		}
		if f.Timeout == 0 {
			patience = "as long as these show"
		}
		o.Pulse = fmt.Sprintf("%s of %s, giving up after %s", pace, f.Script, patience)
		if f.AfterUpgrade != nil {
			o.Pulse += fmt.Sprintf("; between an upgrade and its rollback of %s", f.AfterUpgrade.Script)
		}
	}
	for _, c := range p.Checks {
		o.Checks = append(o.Checks, string(c.Spec.Layer)+": "+c.Spec.Name)
	}
	for layer, why := range s.Checks.Excluded {
		o.Excluded[string(layer)] = why.Any()
	}
	return secrets.Of(p.Scenario).HideEvent(o).(Outline)
}

// describeAll says what steps do.
func describeAll(steps []scenarios.Step) (all []string) {
	for _, st := range steps {
		all = append(all, st.String())
	}
	return all
}

// String renders the outline as plain lines.
func (o Outline) String() string {
	var b strings.Builder
	section := func(title string, lines ...string) {
		if len(lines) == 0 {
			return
		}
		fmt.Fprintf(&b, "%s\n", title)
		for _, l := range lines {
			fmt.Fprintf(&b, "  %s\n", l)
		}
	}
	section("scenario", o.Scenario+" (trigger: "+o.Trigger+")")
	var points []string
	for _, r := range o.Restore {
		if r.Missing != "" {
			points = append(points, r.Backup+": "+r.Missing)
			continue
		}
		if r.Point == "" { // what this host cannot says why
			points = append(points, r.Backup+": no restore point")
			continue
		}
		line := fmt.Sprintf("%s from %s, %d bytes", r.Backup, r.Point, r.Size)
		switch {
		case r.Doubt != "":
			line += ", a digest that is of no use: " + r.Doubt
		case r.Digest != "":
			line += ", " + r.Digest
		default:
			line += ", no digest promised"
		}
		if r.ConsistentTo != nil {
			line += ", consistent to " + r.ConsistentTo.Format(time.RFC3339)
		}
		points = append(points, line)
	}
	section("restore", points...)
	section("boot", o.Boot...)
	section("prepare", o.Prepare...)
	section("upgrade", o.Upgrade...)
	for i, in := range o.Incidents {
		head := fmt.Sprintf("incident %d", i+1)
		if in.Name != "" {
			head += " (" + in.Name + ")"
		}
		section(head+": begin with", in.Upgrade...)
		section(head+": break", in.Faults...)
		if in.Detect != "" {
			section("detect", in.Detect)
		}
		section("decide", in.Decide)
		section("roll back", in.Rollback...)
	}
	section("objectives", pairs(o.Objectives)...)
	if o.Pulse != "" {
		section("pulse", o.Pulse)
	}
	section("check", o.Checks...)
	section("excluded", pairs(o.Excluded)...)
	section("needs", fmt.Sprintf("about %d MiB of disk (free %d), up to %d MiB of memory (free %d)",
		o.Needs.Disk>>20, o.Needs.FreeDisk>>20, o.Needs.Memory>>20, o.Needs.FreeMemory>>20))
	section("will not pass", o.Foreseen...)
	section("this host cannot", o.Cannot...)
	return b.String()
}

func pairs(m map[string]string) []string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, k+": "+m[k])
	}
	return out
}
