// Command shelf makes backups that are broken, each in a way that is known, out of good ones, has bin/lifeboat verify them, and prints
// which of them it calls good: none may be. Beside them stand good backups that look odd, of which it may call none bad.
//
//	shape  ─▶  item  ─▶  column           ─▶  outcome  ─▶  mark
//	(good)    (broken)   (a catalogue)       (verify)     (held against the item's label)
//
// It judges nothing itself: what came of an item in a column is the verdict of a check run that lifeboat made.
package main

import (
	"context"
	"slices"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// column is what lifeboat was told of a backup beside where it lies.
type column string

// The columns, in the order in which they are run.
const (
	bare     column = "no configuration" // as lifeboat new --catalogue writes it
	rules    column = "a scenario's checks"
	lastTime column = "the last proof"
	profiled column = "a profile"
)

// need is what shows a defect beside a profile, which shows all.
type need string

// What an item may need.
const (
	nothing  need = "nothing"
	rule     need = "a rule"
	lastSeen need = "the last proof"
	profile  need = "a profile"
)

// seenIn tells whether a column has what is needed.
func (l *label) seenIn(c column) bool {
	return c == profiled || slices.Contains(l.needs, nothing) || c == rules && slices.Contains(l.needs, rule) ||
		c == lastTime && slices.Contains(l.needs, lastSeen)
}

// here tells whether a rung is the label's. What says itself nothing of its age has one by the profile beside it.
func (l *label) here(c column, at objective.RungName) bool {
	return at == l.at || c == profiled && l.doubt && l.at == objective.RungFound && at == objective.RungRead
}

// shape is a kind of good backup: how it is made, and how a catalogue speaks of it.
type shape struct {
	name string
	// good makes it in an empty folder.
	good maker
	// entry is what a catalogue's entry of it says beside its name, its store, and what lifeboat new writes of it, in lines of YAML that
	// begin at their keys.
	entry func(c column, i item) string
	// store is what an entry says of where the item lies; nil: in a folder of backups.
	store func(i item) string
	// yesterday makes the one that the last proof is of.
	yesterday maker
	// profile is what lifeboat profile writes of the source of the good one.
	profile func(ctx context.Context, b *bench) ([]byte, error)
	// alone asks the tools that people have without lifeboat what they say of the backup in a folder.
	alone func(ctx context.Context, b *bench, dir string) (tool string, good bool, err error)
	// beside writes what catalogues of a column read in their folder.
	beside  func(ctx context.Context, b *bench, c column, folder string) error
	pattern string // of the names of backups in its store; "": all
	// machine: it boots one
	machine bool
}

// maker writes a backup into an empty folder.
type maker func(ctx context.Context, b *bench, dir string) error

// item is a backup on the shelf.
type item struct {
	name  string // of its entry in the catalogues
	what  string // was done to it, or is odd about it
	shape *shape
	make  maker
	label *label // nil: it is good
	lines string // of its entry, beside those of its shape
	// Of a good one: how yesterday's was made, if not as its shape's; and how it is made with a profile beside it.
	yesterday, profiled maker
	other               bool     // it holds something else than its shape: other rules would be written for it
	migrated            []string // tables whose structure may be another than yesterday
	ageless             bool     // it does not say how old it is
	restored            string   // how it is restored, if not as its shape is: keys of restore
	chosen              string   // how it is chosen among those of a repository: keys of store
	within              string   // of a backup of several databases: the one of which more is asked, "shop:"
}

// label says what lifeboat must say of a broken backup.
type label struct {
	at    objective.RungName // the rung that it must not reach
	needs []need             // any one of these shows it
	// unseen is the defect's kind in the list of what was not looked at, where it needs more than nothing
	unseen string
	// doubt: it may be as good as any, so that "not proved" is right and "failed" is not
	doubt bool
}

// at is a label of what lifeboat must find by itself.
func at(r objective.RungName) *label { return &label{at: r, needs: []need{nothing}} }

// doubtAt is one of what may be as good as any.
func doubtAt(r objective.RungName) *label { return &label{at: r, needs: []need{nothing}, doubt: true} }

// content is one of what stands in the database and is not as it was; unseen is its kind of defect, where it is not looked at.
func content(unseen string, needs ...need) *label {
	return &label{at: objective.RungContent, needs: needs, unseen: unseen}
}

// outcome is what lifeboat said of an item in a column.
type outcome struct {
	Status record.Status      `json:"status"`
	At     objective.RungName `json:"at,omitempty"`     // the lowest rung that failed; where none did, the lowest that nobody could ask
	Says   string             `json:"says,omitempty"`   // what a person reads
	Unseen []string           `json:"unseen,omitempty"` // kinds of defects that are said to be not looked at
	Busy   bool               `json:"busy,omitempty"`   // a busy host kept it from an answer
	Shared bool               `json:"shared,omitempty"` // it is the answer of the column bare: nothing was asked that could make it another
}

// mark is an outcome held against a label.
type mark string

// The marks. The last three are mistakes, of lifeboat or of the label.
const (
	caught mark = "✗" // failed, or not proved where that is right
	named  mark = "○" // passed, and its kind of defect is said to be not looked at
	good   mark = "✓" // a good one that passed
	passed mark = "PASSED"
	alarm  mark = "ALARM"  // a good one that did not pass
	astray mark = "ASTRAY" // caught, but elsewhere than its label says, or failed where nobody can know
)

// marked holds an outcome against what the item is.
func (i item) marked(c column, o outcome) mark {
	l := i.label
	switch {
	case l == nil && o.Status == record.StatusPassed:
		return good
	case l == nil:
		return alarm
	case o.Status == record.StatusPassed && !l.seenIn(c) && slices.Contains(o.Unseen, l.unseen):
		return named
	case o.Status == record.StatusPassed:
		return passed
	case !l.seenIn(c): // seen by more than was promised
		return caught
	case !l.here(c, o.At) || l.doubt != (o.Status == record.StatusInconclusive):
		return astray
	}
	return caught
}

// wrong tells whether a mark is a mistake.
func (m mark) wrong() bool { return m == passed || m == alarm || m == astray }
