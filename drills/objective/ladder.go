package objective

import (
	"slices"
	"strings"

	"lifeboat/drills/record"
)

// Rung is one step of the ladder of what a proof may show of a backup.
type Rung struct {
	Name  RungName  `json:"rung"`
	State RungState `json:"state"`
	// Why it was not reached: the names of checks, backups or instances; empty where it was, or where nothing was asked
	Of []string `json:"of,omitempty"`
}

// RungName names a rung; a label of the catalogue.
type RungName string

// The rungs, the lowest first.
const (
	RungFound    RungName = "found"    // 0: there, complete and fresh
	RungRead     RungName = "read"     // 1: read to its end, its structure and the promised digest hold
	RungRestored RungName = "restored" // 2: its restore ended well
	RungStarted  RungName = "started"  // 3: its machine came up, as the checks of the system say
	RungServed   RungName = "served"   // 4: its services answer
	RungContent  RungName = "content"  // 5: its content holds
	RungBusiness RungName = "business" // 6: the business works on it
)

// RungState says whether a rung was reached.
type RungState string

// The states of a rung.
const (
	RungReached RungState = "reached"
	RungFailed  RungState = "failed"
	RungUnasked RungState = "unasked" // nobody asked, or got an answer
)

// Ladder says how far a record proves its backups. It is a pure function of the record: every restore point counts, and the last
// answer of every check.
func Ladder(r *record.Record) []Rung {
	if r == nil {
		r = &record.Record{}
	}
	l := ladder{r}
	if r.Header.UpTo == record.UpToRead {
		rungs := []Rung{l.found(), l.read()}
		for _, name := range []RungName{RungRestored, RungStarted, RungServed, RungContent, RungBusiness} {
			rungs = append(rungs, Rung{Name: name, State: RungUnasked})
		}
		return rungs
	}
	return []Rung{l.found(), l.read(), l.restored(), l.started(), l.layer(RungServed, record.LayerService),
		l.layer(RungContent, record.LayerData), l.layer(RungBusiness, record.LayerBusiness)}
}

// Highest is the number of the highest rung that was reached with all below it; -1: none. A rung of which nothing was asked ends it.
func Highest(rungs []Rung) int {
	for i, rung := range rungs {
		if rung.State != RungReached {
			return i - 1
		}
	}
	return len(rungs) - 1
}

type ladder struct{ r *record.Record }

// rung is failed for one of the failed, unasked for one of the unasked, and else reached.
func rung(name RungName, failed, unasked []string) Rung {
	switch {
	case len(failed) > 0:
		return Rung{name, RungFailed, distinct(failed)}
	case len(unasked) > 0:
		return Rung{name, RungUnasked, distinct(unasked)}
	}
	return Rung{Name: name, State: RungReached}
}

func distinct(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// found: a restore point was chosen of everything that was to be restored, and it is as young, as large and as well kept as it must be.
func (l ladder) found() Rung {
	var failed, unasked []string
	for _, b := range l.backups() {
		if !slices.ContainsFunc(l.r.RestorePoints, func(p record.RestorePoint) bool { return p.Backup == b }) {
			unasked = append(unasked, b)
		}
	}
	for _, x := range l.r.Restores {
		switch {
		case x.Missing == nil:
		case x.BackupBad != "":
			failed = append(failed, x.Backup)
		default:
			unasked = append(unasked, x.Backup)
		}
	}
	v := Judge(l.r)
	for _, x := range v.Reasons {
		switch {
		case !strings.HasPrefix(x.ID, "limit."):
		case x.Status == record.StatusFailed:
			failed = append(failed, x.Args["backup"])
		default:
			unasked = append(unasked, x.Args["backup"])
		}
	}
	for _, o := range v.Objectives {
		switch {
		case o.Name != "age" || o.Unlimited:
		case o.Status == record.StatusFailed:
			failed = append(failed, o.Name)
		case o.Status != record.StatusPassed:
			unasked = append(unasked, o.Name)
		}
	}
	return rung(RungFound, failed, l.orNone(unasked))
}

// read: the bytes of every backup were read to the end, are of the kind that was promised, and hold what was promised of them.
func (l ladder) read() Rung {
	var failed, unasked []string
	for _, b := range l.backups() {
		read := false
		for _, x := range l.r.Restores {
			if x.Backup != b {
				continue
			}
			read = read || x.Digest != "" && x.Unread == ""
			if x.BackupBad != "" && (x.Kind != nil || x.Digest == "") && !l.bootOf(x) {
				failed = append(failed, b)
			}
		}
		if !read {
			unasked = append(unasked, b)
		}
	}
	for _, p := range l.r.RestorePoints {
		if d := p.Promise; d != nil && d.Algorithm == record.SHA256 && p.Digest != "" && p.Digest != d.String() {
			failed = append(failed, p.Backup)
		}
		if p.Doubt != "" {
			unasked = append(unasked, p.Backup)
		}
	}
	return rung(RungRead, failed, l.orNone(unasked))
}

// restored: every restore of it ended well, and one was of all of it.
func (l ladder) restored() Rung {
	var failed, unasked []string
	for _, b := range l.backups() {
		ended := false
		for _, x := range l.r.Restores {
			switch {
			case x.Backup != b, l.bootOf(x):
			case x.BackupBad != "":
				failed = append(failed, b)
			case x.Bad() != "":
				unasked = append(unasked, b)
			default:
				ended = ended || x.Part == nil
			}
		}
		if !ended {
			unasked = append(unasked, b)
		}
	}
	return rung(RungRestored, failed, l.orNone(unasked))
}

// started: every machine of a backup came up, and what was asked of the system holds.
func (l ladder) started() Rung {
	system := l.layer(RungStarted, record.LayerSystem)
	var failed, unasked []string
	switch system.State {
	case RungFailed:
		failed = system.Of
	case RungUnasked:
		unasked = system.Of // none where nothing is asked of the system
	}
	for _, x := range l.r.Restores {
		if l.bootOf(x) {
			failed = append(failed, x.Backup)
		}
	}
	for _, in := range l.r.Header.Instances {
		if in.Backup == "" {
			continue
		}
		if !slices.ContainsFunc(l.r.Boots, func(b record.BootFact) bool { return b.Subject.Instance == in.Name }) {
			unasked = append(unasked, in.Name)
		}
	}
	for _, f := range l.r.Failures {
		unasked = append(unasked, f.Subject.Instance)
	}
	return rung(RungStarted, failed, l.orNone(unasked))
}

// bootOf tells whether a bad restore is a machine that did not come up from a backup that had been read to its end and restored.
func (l ladder) bootOf(x record.RestoreFact) bool {
	return x.BackupBad != "" && x.Digest == "" && x.Kind == nil && slices.ContainsFunc(l.r.Restores, func(y record.RestoreFact) bool {
		return y.Backup == x.Backup && y.Subject.Instance == x.Subject.Instance && y.Digest != "" && y.Bad() == "" && y.Ended <= x.Ended
	})
}

// layer: every check of a layer was asked last with a good answer; without a check nothing was asked, and neither was where all
// that was seen was held against nothing.
func (l ladder) layer(name RungName, layer record.Layer) Rung {
	var failed, unasked, recorded []string
	checks := 0
	for _, p := range l.r.Header.Checks {
		if p.Layer != layer {
			continue
		}
		checks++
		last := record.CheckResult{Status: record.CheckSkipped}
		for _, c := range l.r.Checks {
			if c.Layer == layer && c.Name == p.Name {
				last = c
			}
		}
		switch {
		case last.Status == record.CheckFailed && last.Overdue == nil:
			failed = append(failed, p.Name)
		case last.Status != record.CheckPassed:
			unasked = append(unasked, p.Name)
		case last.Recorded:
			recorded = append(recorded, p.Name)
		}
	}
	if len(recorded) == checks {
		unasked = append(unasked, recorded...)
	}
	got := rung(name, failed, unasked)
	if checks == 0 {
		got.State = RungUnasked
	}
	return got
}

// backups are those that machines are made of.
func (l ladder) backups() []string {
	var names []string
	for _, in := range l.r.Header.Instances {
		names = append(names, in.Backups()...)
	}
	for _, p := range l.r.RestorePoints {
		names = append(names, p.Backup)
	}
	return distinct(names)
}

// orNone: where there is no backup at all, nothing was asked.
func (l ladder) orNone(unasked []string) []string {
	if len(l.backups()) == 0 {
		return append(unasked, "")
	}
	return unasked
}
