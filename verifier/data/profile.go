package data

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"time"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
)

// profileKeys of the scenario, beside those of the connection.
type profileKeys struct {
	database.Connection
	Database string             `yaml:"database"` // default: as the profile names it, else every one that is no template
	Against  string             `yaml:"against"`  // backup: the profile beside it; last: the last proof; default: the first of the two that is there
	File     string             `yaml:"file"`     // profile in the scenario's folder, instead of the one beside the backup
	Timeout  scenarios.Duration `yaml:"timeout"`  // of all of it; default 10m, and 3m more for each GiB of databases
	// Against the last proof of another restore point:
	Shrink scenarios.Percent `yaml:"shrink"` // share of its rows that a table may lose
	Tables map[string]pruned `yaml:"tables"` // the same for some, by name or pattern: {"public.sessions": {shrink: 100%}}
	// columns whose newest value must be newer than it was: [orders.created_at]; of one database of several: ["shop:orders.created_at"]
	Moved           []string `yaml:"moved"`
	ExpectMigration []string `yaml:"expect_migration"` // tables whose structure may be another, by name or pattern; all
}

// pruned is what one table may lose.
type pruned struct {
	Shrink scenarios.Percent `yaml:"shrink"` // share of its rows
}

// usualShrink is what tables lose where nobody says more: rows are deleted in life, and a half that is lost is not overlooked.
const usualShrink = 10

// profile holds a copy against what its source was: exactly against the profile beside the backup, by what may grow and move against the
// last proof.
type profile struct {
	verifier.Asked
	dialect database.Dialect
	keys    profileKeys
	dir     string // of the scenario
}

// The references of a profile.
const (
	againstBackup = "backup"
	againstLast   = "last"
)

// profiled is what was seen, and what it is held against.
type profiled struct {
	Now  *database.Profile `json:"now,omitempty"` // nil: there is no such database
	Was  *database.Profile `json:"was,omitempty"` // nil: there is nothing to hold it against
	From reference         `json:"from,omitzero"`
	// Missing is the database that is not there.
	Missing string `json:"missing,omitempty"`
}

// reference is where a profile comes from.
type reference struct {
	Against string `json:"against"`           // backup or last
	Digest  string `json:"digest"`            // of the profile's file, or of the last proof's journal
	File    string `json:"file,omitempty"`    // of the scenario's folder
	Drill   string `json:"drill,omitempty"`   // of the last proof
	Point   string `json:"point,omitempty"`   // its restore point
	Another bool   `json:"another,omitempty"` // which is another one
}

func newProfile(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &profile{keys: profileKeys{Shrink: usualShrink}}, spec.Settings
	problems := s.Decode(&c.keys)
	d, bad := ofServer(spec, c.keys.Dialect, c.keys.Complete)
	c.dialect, problems = d, append(problems, bad...)
	switch {
	case !slices.Contains([]string{"", againstBackup, againstLast}, c.keys.Against):
		problems = append(problems, s.Problem("against", "backup, last, or nothing for the first of them that is there", "%q is neither", c.keys.Against))
	case c.keys.Against == againstLast && c.keys.File != "":
		problems = append(problems, s.Problem("file", "delete one of the two", "a file is not the last proof"))
	}
	if c.keys.File != "" || c.keys.Against == againstBackup {
		for _, key := range []string{"shrink", "tables", "moved", "expect_migration"} {
			if s.Has(key) {
				problems = append(problems, s.Problem(key, "delete it, or write against: last", "a copy is what its profile says, or it is not: nothing may differ"))
			}
		}
	}
	for key, patterns := range map[string][]string{"tables": slices.Collect(maps.Keys(c.keys.Tables)), "moved": c.keys.Moved,
		"expect_migration": c.keys.ExpectMigration} {
		for _, p := range patterns {
			if _, err := path.Match(p, ""); err != nil || p == "" {
				problems = append(problems, s.Problem(key, "write it like orders, public.orders or public.log_*", "%q is not a pattern", p))
			}
		}
	}
	c.Asked = verifier.AskedOf(spec.Name, c.keys.Instance)
	return c, problems
}

// Limit implements verifier.Bounded: without one of its own it grows with what is found.
func (c *profile) Limit() time.Duration { return c.keys.Timeout.Std() }

// Refers implements verifier.Referring.
func (c *profile) Refers() bool { return c.keys.Against != againstLast && c.keys.File == "" }

// Judge implements verifier.Check.
func (c *profile) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("profile", before, after, c.judge)
}

func (c *profile) judge(_ *profiled, now profiled) verifier.Answer {
	switch {
	case now.Missing != "":
		return verifier.Failed("there is no database %s on %s", now.Missing, c.On())
	case now.Now == nil:
		return verifier.Crashed("no database was read on %s", c.On())
	}
	for _, d := range now.Now.Databases {
		for _, t := range d.Tables {
			if t.Unread != "" { // that the source was not read either excuses nothing
				return verifier.Crashed("database %s was not read whole: %s: %s", d.Database, t.Name, t.Unread)
			}
		}
	}
	tables, rows := now.Now.Size()
	if rows == 0 && (now.Was == nil || !now.Was.Scope.SchemaOnly) { // whatever the source was like
		return verifier.Failed("%d tables hold not one row", tables)
	}
	if now.Was == nil {
		return c.recorded(tables, rows)
	}
	if now.From.Against != againstLast || !now.From.Another {
		return c.exactly(now)
	}
	tolerated := database.Tolerances{Shrink: c.keys.Shrink.Share(), Tables: map[string]float64{}, Moved: c.keys.Moved, Migrated: c.keys.ExpectMigration}
	for pattern, t := range c.keys.Tables {
		tolerated.Tables[pattern] = t.Shrink.Share()
	}
	g := now.Was.Grown(*now.Now, tolerated)
	a := differing(g.Wrong, c.source(now.From))
	switch {
	case len(g.Wrong) > 0:
	case len(g.Unmatched) > 0:
		return verifier.Crashed("nothing is called %s: correct it under tables or moved", g.Unmatched[0])
	default:
		a = verifier.Passed("%d tables have grown from %s as they may: %d rows", tables, c.source(now.From), rows)
	}
	for _, d := range g.Still {
		a.Beside = append(a.Beside, observed("profile.still", "database", d, "point", now.From.Point, "drill", now.From.Drill))
	}
	a.Beside = append(a.Beside, database.Unlooked(database.SinceLast, len(c.keys.Moved) > 0))
	return a
}

// exactly holds a copy against what it must be. Of what could not be read at the source nothing is claimed.
func (c *profile) exactly(now profiled) verifier.Answer {
	var beside []record.Observation
	tables, rows := 0, int64(0) // that were compared
	var unread, wrong []database.Difference
	blind := map[string]bool{}
	for _, d := range now.Was.Databases {
		for _, t := range d.Tables {
			where := d.Database + ": table " + t.Name
			switch {
			case t.Unread != "":
				blind[where] = true
				beside = append(beside, observed("profile.unread", "where", where, "was", t.Unread))
				continue
			case !t.HoldsRows():
				continue
			case t.Sample != nil:
				rows += t.Sample.Rows
				beside = append(beside, observed("profile.sampled", "where", where, "rows", strconv.FormatInt(t.Sample.Rows, 10), "all",
					strconv.FormatInt(t.Rows, 10), "seed", strconv.FormatInt(t.Sample.Seed, 10)))
			default:
				rows += t.Rows
			}
			tables++
		}
	}
	for _, d := range now.Was.Compare(*now.Now) {
		switch {
		case d.ID != database.Unread:
			wrong = append(wrong, d)
		case !blind[d.Where]:
			unread = append(unread, d)
		}
	}
	a := differing(append(wrong, unread...), c.source(now.From))
	switch {
	case len(wrong) > 0:
	case len(unread) > 0:
		return verifier.Crashed("%s cannot be held against %s: there it is %s, here %s", unread[0].Where, c.source(now.From), cmp.Or(unread[0].Was, none),
			cmp.Or(unread[0].Now, none))
	case now.Was.Scope.SchemaOnly: // whatever rows the copy holds
		a = verifier.Passed("the structure is what %s says, which is of no row", c.source(now.From))
		a.Recorded = true
	case rows == 0:
		return verifier.Crashed("nothing of the content can be held against %s: no row was read there", c.source(now.From))
	default:
		a = verifier.Passed("%d tables are what %s says, to the value: %d rows", tables, c.source(now.From), rows)
	}
	a.Beside = append(a.Beside, beside...)
	if scope := now.Was.Scope.String(); scope != "" {
		for _, d := range now.Now.Databases {
			a.Beside = append(a.Beside, uncovered(d, scope))
		}
	}
	return a
}

func observed(id string, args ...string) record.Observation {
	o := record.Observation{ID: id, Args: map[string]string{}}
	for i := 0; i+1 < len(args); i += 2 {
		o.Args[args[i]] = args[i+1]
	}
	return o
}

// recorded says that there is nothing to hold a copy against, which proves nothing of it.
func (c *profile) recorded(tables int, rows int64) verifier.Answer {
	a := verifier.Passed("recorded for the next proof, and held against nothing yet: %d tables, %d rows", tables, rows)
	a.Recorded = true
	a.Beside = append(a.Beside, database.Unlooked(database.WithoutProfile, false))
	return a
}

// source says what a copy is held against.
func (c *profile) source(from reference) string {
	switch {
	case from.Against == againstLast:
		return fmt.Sprintf("the proof %s", from.Drill)
	case from.File != "":
		return from.File
	}
	return "its profile"
}

// mostDifferences that are printed.
const mostDifferences = 10

// shown of what something was and is, bytes.
const shown = 160

// differing is the answer of differences: the first in a line, others beside it.
func differing(all []database.Difference, source string) verifier.Answer {
	if len(all) == 0 {
		return verifier.Answer{}
	}
	d := all[0]
	was, now := cmp.Or(verifier.Line(d.Was, shown), none), cmp.Or(verifier.Line(d.Now, shown), none)
	var a verifier.Answer
	switch d.ID {
	case database.Missing:
		if d.Was == "" {
			a = verifier.Failed("%s is missing, and %s has it", d.Where, source)
			break
		}
		a = verifier.Failed("%s is missing, and %s has it: %s", d.Where, source, was)
	case database.Added:
		if d.Now == "" {
			a = verifier.Failed("%s is there, and %s has none", d.Where, source)
			break
		}
		a = verifier.Failed("%s is there, and %s has none: %s", d.Where, source, now)
	case database.Rows:
		a = verifier.Failed("%s holds %s rows, and %s says %s", d.Where, now, source, was)
	case database.Shifted:
		a = verifier.Failed("%s: every column holds the values that %s says, but not in the same rows", d.Where, source)
	case database.Values:
		a = verifier.Failed("%s: values are not those of %s, in %s", d.Where, source, now)
	case database.Shrunk:
		a = verifier.Failed("%s holds %s rows and held %s in %s: it may not lose so many", d.Where, now, was, source)
	case database.WentBack:
		a = verifier.Failed("%s goes up to %s and went up to %s in %s, and rows are missing", d.Where, now, was, source)
	case database.Stood:
		a = verifier.Failed("%s has not moved on since %s: it was %s and is %s", d.Where, source, was, now)
	default:
		a = verifier.Failed("%s is %s, and %s says %s", d.Where, now, source, was)
	}
	for _, d := range all[1:min(len(all), mostDifferences+1)] {
		a.Beside = append(a.Beside, observed(d.ID, "where", d.Where, "was", verifier.Line(d.Was, shown), "now", verifier.Line(d.Now, shown)))
	}
	if more := len(all) - 1 - mostDifferences; more > 0 {
		a.Beside = append(a.Beside, observed("profile.more", "count", strconv.Itoa(more)))
	}
	return a
}

const none = "–"
