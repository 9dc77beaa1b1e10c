package evidence

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"lifeboat/drills/night"
	"lifeboat/drills/record"
	"lifeboat/internal/userfile"
	"lifeboat/scenarios"
)

// Programme says what must be drilled how often, and by whom.
type Programme struct {
	Name   string `yaml:"programme"`
	Drills []Duty `yaml:"drills"`
}

// Duty is one line of a programme. One of series, scenario and catalogue says which drills, or nights, fulfil it.
type Duty struct {
	Name      string `yaml:"name" json:"name"`
	Series    string `yaml:"series" json:"series,omitempty"`
	Scenario  string `yaml:"scenario" json:"scenario,omitempty"`
	Catalogue string `yaml:"catalogue" json:"catalogue,omitempty"`
	Every     string `yaml:"every" json:"every"`         // how old the latest that passed may be
	Soon      string `yaml:"soon" json:"soon,omitempty"` // how long before it is due that is said; default: a tenth of every
	By        string `yaml:"by" json:"by,omitempty"`     // who answers for it
	Part      bool   `yaml:"part" json:"part,omitempty"` // a part of a backup (only:) is enough of it
	every     time.Duration
	soon      time.Duration
}

// ReadProgramme reads a programme's file.
func ReadProgramme(path string) (*Programme, error) {
	raw, err := userfile.Read(path, 1<<20)
	if err != nil {
		return nil, fmt.Errorf("read the programme: %w", err)
	}
	p, err := ParseProgramme(raw)
	if err != nil {
		return nil, fmt.Errorf("read the programme %s: %w", path, err)
	}
	return p, nil
}

// ParseProgramme is ReadProgramme of what was read; it says everything that is wrong.
func ParseProgramme(raw []byte) (*Programme, error) {
	p := &Programme{}
	if err := userfile.YAML(raw, p); err != nil {
		return nil, err
	}
	var errs []error
	if p.Name == "" {
		errs = append(errs, errors.New("programme: it has no name, by which another one would take its place"))
	}
	if len(p.Drills) == 0 {
		errs = append(errs, errors.New("drills: there is none, so nothing is ever overdue"))
	}
	seen := map[string]bool{}
	for i := range p.Drills {
		x := &p.Drills[i]
		if err := x.check(); err != nil {
			errs = append(errs, fmt.Errorf("drills[%d] (%s): %w", i, x.Name, err))
		}
		if seen[x.Name] {
			errs = append(errs, fmt.Errorf("drills[%d]: the name %q stands there twice", i, x.Name))
		}
		seen[x.Name] = true
	}
	return p, errors.Join(errs...)
}

func (x *Duty) check() error {
	var errs []error
	if x.Name == "" {
		errs = append(errs, errors.New("name is missing"))
	}
	said := 0
	for _, which := range []string{x.Series, x.Scenario, x.Catalogue} {
		if which != "" {
			said++
		}
	}
	if said != 1 {
		errs = append(errs, errors.New("say one of series, scenario and catalogue"))
	}
	every, err := scenarios.ParseDuration(x.Every)
	if x.every = every.Std(); err != nil || x.every <= 0 {
		errs = append(errs, fmt.Errorf("every: write a length of time like 92d or 26h instead of %q", x.Every))
	}
	if x.soon = x.every / 10; x.Soon != "" {
		soon, err := scenarios.ParseDuration(x.Soon)
		if x.soon = soon.Std(); err != nil || x.soon < 0 || x.soon > x.every {
			errs = append(errs, fmt.Errorf("soon: write a length of time up to every instead of %q", x.Soon))
		}
	}
	return errors.Join(errs...)
}

// Run is a drill or a night that was.
type Run struct {
	ID, Series, Scenario, Catalogue string
	Started                         time.Time
	Since                           time.Time // when it was begun to be proved, if by nights before; zero: Started
	Verdict                         record.Status
	Part                            bool // of a backup a part alone was restored
}

// inPart is the verdict of what passed and proves a part of what was asked: of a backup, or of a catalogue.
const inPart record.Status = "part"

// verdict of a run for a duty.
func (x Duty) verdict(r Run) record.Status {
	if r.Verdict == record.StatusPassed && r.Part && !x.Part {
		return inPart
	}
	return r.Verdict
}

// proved is when what a run proves was begun to be proved.
func (r Run) proved() time.Time {
	if r.Since.IsZero() {
		return r.Started
	}
	return r.Since
}

// The states of a duty.
const (
	DutyDone    = "done"    // it passed, not too long ago
	DutySoon    = "soon"    // so, and it is due soon
	DutyFailed  = "failed"  // what was run since failed
	DutyOverdue = "overdue" // what passed last is too old
	DutyNever   = "never"   // nothing passed ever
)

// DutyStanding is how a duty stands.
type DutyStanding struct {
	Duty
	State   string    `json:"state"`
	Passed  string    `json:"passed,omitempty"` // the latest drill that passed
	At      time.Time `json:"at,omitzero"`      // when it began
	Due     time.Time `json:"due,omitzero"`     // by when the next one must have passed
	Latest  string    `json:"latest,omitempty"` // the latest that was run, and what came of it
	Verdict string    `json:"verdict,omitempty"`
}

// Stand says how each duty stands. What passed in the future is no proof: some clock was wrong.
func (p *Programme) Stand(runs []Run, now time.Time) (all []DutyStanding) {
	for _, x := range p.Drills {
		s := DutyStanding{Duty: x, State: DutyNever}
		var latest time.Time
		for _, r := range runs {
			if r.Started.After(now) || !x.means(r) {
				continue
			}
			if !r.Started.Before(latest) {
				latest, s.Latest, s.Verdict = r.Started, r.ID, string(x.verdict(r))
			}
			if at := r.proved(); x.verdict(r) == record.StatusPassed && !at.Before(s.At) {
				s.Passed, s.At, s.Due = r.ID, at, at.Add(x.every)
			}
		}
		switch {
		case s.Passed == "":
		case now.After(s.Due):
			s.State = DutyOverdue
		case s.Verdict == string(record.StatusFailed):
			s.State = DutyFailed
		case now.After(s.Due.Add(-x.soon)):
			s.State = DutySoon
		default:
			s.State = DutyDone
		}
		all = append(all, s)
	}
	return all
}

// means tells whether a run is one of those that a duty asks for.
func (x Duty) means(r Run) bool {
	switch {
	case x.Catalogue != "":
		return r.Catalogue == x.Catalogue
	case r.Catalogue != "":
		return false
	case x.Scenario != "":
		return r.Scenario == x.Scenario
	}
	return r.Series == x.Series
}

// Nights are those of a home; unread are those that cannot be read.
func Nights(home string) (all []Run, unread error) {
	nights, unread := night.All(home)
	before := catalogues{}
	for _, n := range nights {
		all = append(all, before.run(n))
	}
	return all, unread
}

// backups are what nights prove of those of a catalogue: of each the run that proved it last.
type backups map[string]Run

// catalogues are those by their names and files: what one night left out (--only, --shard) another may have proved.
type catalogues map[string]backups

// run is a night with what those before it proved of what it left out, or found unchanged. They come in their order. A night that left out what
// none proved is a part.
func (t catalogues) run(n *night.Night) Run {
	r := Run{ID: n.Night, Catalogue: n.Catalogue, Started: n.Started, Verdict: n.Status()}
	key := n.Catalogue + "\x00" + n.File
	if t[key] == nil {
		t[key] = backups{}
	}
	tonight := backups{}
	for _, p := range n.Proofs {
		if p.LeftOut() || p.Read {
			continue
		}
		at := n.Started
		if p.Rests != nil { // nothing was proved tonight
			at = p.Started
		}
		of, also := tonight[p.Backup]
		if !also {
			of = Run{Started: at, Verdict: record.StatusPassed}
		}
		if at.Before(of.Started) {
			of.Started = at
		}
		if p.Status != record.StatusPassed || p.Left > 0 || !n.Sealed() {
			of.Verdict = record.StatusInconclusive
		}
		of.Part = of.Part || p.InPart()
		tonight[p.Backup] = of
	}
	maps.Copy(t[key], tonight)
	for _, p := range n.Proofs {
		of, known := t[key][p.Backup]
		r.Part = r.Part || of.Part
		if !p.LeftOut() && p.Rests == nil {
			continue
		}
		switch {
		case r.Verdict != record.StatusPassed:
		case !known || of.Verdict != record.StatusPassed:
			r.Verdict = inPart
		case of.Started.Before(r.proved()):
			r.Since = of.Started
		}
	}
	return r
}
