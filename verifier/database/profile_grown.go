package database

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/internal/lazy"
)

// Tolerances are what may become of a database from one restore point to a later one.
type Tolerances struct {
	Shrink   float64            // the share of its rows that a table may lose, 0 to 1
	Tables   map[string]float64 // the same of some tables, by their patterns
	Moved    []string           // columns of time, as schema.table.column or database:schema.table.column, that must have moved on
	Migrated []string           // tables whose structure may change, by their patterns, or all
}

// Growth is what a later restore point is, held against an earlier one.
type Growth struct {
	Wrong []Difference
	Still []string // databases in which not one row is another
	// Unmatched are tolerances that are about nothing in the copy: a misspelt one would hold for ever.
	Unmatched []string
}

// The differences, by their messages.
const (
	Missing  = "profile.missing"
	Added    = "profile.added"
	Changed  = "profile.changed"
	Rows     = "profile.rows"
	Values   = "profile.content"
	Shifted  = "profile.shifted"
	Unread   = "profile.unread"
	Shrunk   = "profile.shrunk"    // a table, by more than it may
	WentBack = "profile.went_back" // a table that lost rows has lost its newest
	Stood    = "profile.stood"     // a column that must move
)

// moves tells whether a thing changes with the content.
func moves(t Thing) bool { return t.Kind == "sequence value" || strings.HasPrefix(t.Name, blobs) }

const blobs = "large objects"

// Grown holds a later restore point against what was. Rows may be other ones; see Tolerances for what else may be.
func (was Profile) Grown(now Profile, t Tolerances) (g Growth) {
	before, after := was, now
	before.Databases, after.Databases = nil, nil
	before.Hash, after.Hash = "none", "none" // the content is not compared by it
	if slices.Contains(t.Migrated, everything) {
		before.Roles, after.Roles = nil, nil
	}
	found := map[string]bool{}
	for _, d := range was.Databases {
		i := slices.IndexFunc(now.Databases, func(o ProfiledDatabase) bool { return o.Database == d.Database })
		if i < 0 {
			g.Wrong = append(g.Wrong, Difference{ID: Missing, Where: "database " + d.Database})
			continue
		}
		left := migrating(t.Migrated, d, now.Databases[i])
		before.Databases, after.Databases = append(before.Databases, d.without(left)), append(after.Databases, now.Databases[i].without(left))
		g.Wrong = append(g.Wrong, d.content(now.Databases[i], was.Taken, t, found, left)...)
		if was.Hash == now.Hash && d.still(now.Databases[i]) {
			g.Still = append(g.Still, d.Database)
		}
	}
	g.Wrong = append(g.Wrong, before.Compare(after)...)
	for _, pattern := range slices.Concat(t.Moved, slices.Sorted(maps.Keys(t.Tables))) {
		if !found[pattern] {
			g.Unmatched = append(g.Unmatched, pattern)
		}
	}
	return g
}

// everything in the place of a table's pattern.
const everything = "all"

// migrating are the names of tables that may change, and of what is named after no table and belongs to one of them.
func migrating(patterns []string, was, now ProfiledDatabase) (left func(Thing) bool) {
	if slices.Contains(patterns, everything) {
		return func(Thing) bool { return true }
	}
	names, things := []string{}, slices.Concat(was.Things, now.Things)
	for _, t := range things {
		if slices.Contains([]string{"table", "view", "materialized view"}, t.Kind) && was.anyMatches(patterns, t.Name) {
			names = append(names, t.Name)
		}
	}
	tables := slices.Clone(names)
	for _, t := range things {
		if slices.Contains([]string{"index", "sequence", "statistics"}, t.Kind) && isAbout(t.Is, tables) {
			names = append(names, t.Name)
		}
	}
	return func(t Thing) bool { return isAbout(t.Name, names) }
}

// isAbout tells whether one of some names stands in a text as a whole, or as the beginning of a longer name.
func isAbout(text string, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		for from := 0; ; {
			at := strings.Index(text[from:], name)
			if at < 0 {
				return false
			}
			at += from
			from = at + len(name)
			if (at == 0 || text[at-1] == ' ') && (from == len(text) || strings.ContainsRune(". (,", rune(text[from]))) {
				return true
			}
		}
	})
}

// without is the structure of a database, but for what is left out.
func (d ProfiledDatabase) without(left func(Thing) bool) ProfiledDatabase {
	d.Tables = nil
	d.Things = slices.DeleteFunc(slices.Clone(d.Things), func(t Thing) bool { return moves(t) || left(t) })
	return d
}

// still tells whether not one row is another.
func (d ProfiledDatabase) still(now ProfiledDatabase) bool {
	rows, after := int64(0), now.byName()
	for _, t := range d.Tables {
		other, ok := after[t.Name]
		if !ok || t.Hash == "" || t.Hash != other.Hash || t.Rows != other.Rows {
			return false
		}
		rows += t.Rows
	}
	return rows > 0 && len(d.Tables) == len(after)
}

func (d ProfiledDatabase) byName() map[string]ProfiledTable {
	all := map[string]ProfiledTable{}
	for _, t := range d.Tables {
		all[t.Name] = t
	}
	return all
}

// content holds the rows of each table against what they were; found are the patterns that were about something, left is what may be
// another structure, and may not lose rows for all that.
func (d ProfiledDatabase) content(now ProfiledDatabase, taken time.Time, t Tolerances, found map[string]bool, left func(Thing) bool) (wrong []Difference) {
	after := now.byName()
	for _, was := range d.Tables {
		is, ok := after[was.Name]
		where := d.Database + ": table " + was.Name
		shrink := t.Shrink
		for _, pattern := range slices.Sorted(maps.Keys(t.Tables)) {
			if d.matches(pattern, was.Name) {
				shrink, found[pattern] = t.Tables[pattern], true
			}
		}
		gone := !ok
		if (ok || left(Thing{Kind: "table", Name: was.Name})) && is.Rows < was.Rows && float64(is.Rows) < float64(was.Rows)*(1-shrink) {
			wrong = append(wrong, Difference{ID: Shrunk, Where: where, Was: strconv.FormatInt(was.Rows, 10), Now: strconv.FormatInt(is.Rows, 10)})
			ok = false
		}
		for _, c := range was.Columns {
			k := slices.IndexFunc(is.Columns, func(o ProfiledColumn) bool { return o.Name == c.Name })
			moved := slices.IndexFunc(t.Moved, func(pattern string) bool { return d.matches(pattern, was.Name+"."+c.Name) })
			if moved >= 0 {
				found[t.Moved[moved]] = true
			}
			if moved >= 0 && (gone || k < 0) {
				wrong = append(wrong, Difference{ID: Stood, Where: where + ", column " + c.Name, Was: c.Most})
			}
			if !ok || k < 0 {
				continue
			}
			difference := Difference{Where: where + ", column " + c.Name, Was: c.Most, Now: is.Columns[k].Most}
			switch at, dated := moment(c.Most); {
			case moved >= 0 && !movedOn(c.Most, difference.Now):
				difference.ID = Stood
			case dated && is.Rows < was.Rows && at <= taken.UTC().Format(time.DateTime) && !movedOn(c.Most, difference.Now) && c.Most != difference.Now:
				difference.ID = WentBack
			default:
				continue
			}
			wrong = append(wrong, difference)
		}
	}
	return wrong
}

var dated = lazy.Regexp(`^[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?)?`)

// moment is a time under fixed settings, in an order that texts have; false where it is none, or none of this age of the world.
func moment(text string) (string, bool) {
	at := dated().FindString(text)
	return at, at != "" && !strings.HasSuffix(text, "BC")
}

// movedOn tells whether an extreme has moved on: from nothing to something, in time or in numbers.
func movedOn(was, now string) bool {
	before, ok := moment(was)
	after, other := moment(now)
	if ok && other {
		return after > before
	}
	x, err := strconv.ParseFloat(was, 64)
	y, err2 := strconv.ParseFloat(now, 64)
	return err == nil && err2 == nil && y > x || was == "" && now != ""
}

func (d ProfiledDatabase) anyMatches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool { return d.matches(pattern, name) })
}

// matches holds a name of a database against a pattern, as path.Match does, with its schema or without: of every database, or of the one
// that is named before a colon.
func (d ProfiledDatabase) matches(pattern, name string) bool {
	if of, rest, named := strings.Cut(pattern, ":"); named && of == d.Database {
		pattern = rest
	}
	flat := strings.NewReplacer("/", "\x00")
	pattern, name = flat.Replace(pattern), flat.Replace(name)
	with, _ := path.Match(pattern, name)
	without, _ := path.Match("*."+pattern, name)
	return with || without
}
