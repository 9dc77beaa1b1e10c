package postgres

import (
	"fmt"
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
	"lifeboat/scenarios"
)

// relationKinds are what the scenario may name, beside whole schemas.
var relationKinds = []string{"TABLE", "VIEW", "MATERIALIZED VIEW", "FOREIGN TABLE", "SEQUENCE"}

// attached are entries that belong to a relation, and go with it where all that they need is there.
var attached = []string{"TABLE DATA", "MATERIALIZED VIEW DATA", "SEQUENCE", "SEQUENCE SET", "SEQUENCE OWNED BY", "INDEX", "INDEX ATTACH", "CONSTRAINT",
	"FK CONSTRAINT", "STATISTICS", "ROW SECURITY", "RULE", "COMMENT", "ACL", "SECURITY LABEL"}

// drawing are entries of a relation that draw in what else they need: functions, sequences, types.
var drawing = []string{"DEFAULT", "CHECK CONSTRAINT", "TRIGGER", "POLICY"}

// choice is what of an archive is restored.
type choice struct {
	all  []pgdump.Entry
	byID map[int]pgdump.Entry
	keep map[int]bool
}

// chosen are the entries of an archive that the scenario asks for with what they stand on; nil: it asks for all.
func (l *load) chosen(a *pgdump.Archive) (map[int]bool, error) {
	if len(l.set.Only) == 0 {
		return nil, nil
	}
	c := &choice{all: a.Entries, byID: map[int]pgdump.Entry{}, keep: map[int]bool{}}
	for _, e := range a.Entries {
		c.byID[e.ID] = e
	}
	for _, name := range l.set.Only {
		if !c.start(name) {
			hint := scenarios.Nearest(name, c.names(), "it holds ")
			if hint != "" {
				hint = " (" + hint + ")"
			}
			return nil, l.lacks(record.LackPart, "it does not hold %s, which restore.only names%s", name, hint)
		}
	}
	for c.grow() {
	}
	l.part = c.left(l.set.Only)
	for _, e := range c.all {
		if e.Desc == "FK CONSTRAINT" && !c.keep[e.ID] && slices.ContainsFunc(e.Needs, c.relation) {
			l.noteOnce("foreign key %s was left out: it leads to a table that was not restored", e.Namespace+"."+e.Tag)
		}
	}
	if l.part != nil {
		l.Note("only %s of the dump was restored, with what that stands on: nothing is known of %s", l.part.Only, l.part.Left)
	}
	return c.keep, nil
}

func name(e pgdump.Entry) string { return e.Namespace + "." + e.Tag }

// start takes what has a name: a relation, or all of a schema.
func (c *choice) start(named string) (found bool) {
	for _, e := range c.all {
		if e.Desc == "SCHEMA" && e.Tag == named || e.Namespace == named || slices.Contains(relationKinds, e.Desc) && name(e) == named {
			c.draw(e.ID)
			found = true
		}
	}
	return found
}

// draw takes an entry and all that it needs.
func (c *choice) draw(id int) {
	e, known := c.byID[id]
	if !known || c.keep[id] {
		return
	}
	c.keep[id] = true
	for _, need := range e.Needs {
		c.draw(need)
	}
}

// grow takes what belongs to what was taken, once; false: nothing more does.
func (c *choice) grow() (more bool) {
	for _, e := range c.all {
		if c.keep[e.ID] || !c.belongs(e) {
			continue
		}
		c.draw(e.ID)
		more = true
	}
	return more
}

func (c *choice) belongs(e pgdump.Entry) bool {
	kept := func(id int) bool { return c.keep[id] || c.byID[id].ID == 0 }
	switch {
	case e.OfDatabase(), e.Desc == "ENCODING", e.Desc == "STDSTRINGS", e.Desc == "SEARCHPATH", e.Desc == "EXTENSION":
		return true
	case e.Desc == "SCHEMA":
		return slices.ContainsFunc(c.all, func(o pgdump.Entry) bool { return c.keep[o.ID] && o.Namespace == e.Tag })
	case e.Desc == "TABLE ATTACH": // a partition goes with its table
		return slices.ContainsFunc(e.Needs, func(id int) bool { return c.relation(id) && c.byID[id].Tag != e.Tag })
	case e.Desc == "TABLE": // what inherits from one, too
		return slices.ContainsFunc(e.Needs, c.relation)
	case slices.Contains(attached, e.Desc):
		some := slices.ContainsFunc(e.Needs, func(id int) bool { return c.keep[id] && c.byID[id].Desc != "SCHEMA" })
		return some && !slices.ContainsFunc(e.Needs, func(id int) bool { return !kept(id) })
	case slices.Contains(drawing, e.Desc):
		return slices.ContainsFunc(e.Needs, c.relation) && !slices.ContainsFunc(e.Needs, func(id int) bool {
			return !kept(id) && slices.Contains(relationKinds[:4], c.byID[id].Desc)
		})
	}
	return false
}

// relation tells whether an entry is a table or a view that was taken.
func (c *choice) relation(id int) bool {
	return c.keep[id] && slices.Contains(relationKinds[:4], c.byID[id].Desc)
}

// names are all that the scenario could have named.
func (c *choice) names() (all []string) {
	for _, e := range c.all {
		if e.Desc == "SCHEMA" {
			all = append(all, e.Tag)
		} else if slices.Contains(relationKinds, e.Desc) {
			all = append(all, name(e))
		}
	}
	slices.Sort(all)
	return all
}

// left says what was restored, and what else the dump holds; nil: nothing.
func (c *choice) left(only []string) *record.Part {
	var tables, others []string
	large := false
	for _, e := range c.all {
		switch {
		case c.keep[e.ID]:
		case slices.Contains(relationKinds[:4], e.Desc):
			tables = append(tables, name(e))
		case e.Namespace != "" && (e.Desc == "SEQUENCE" || !slices.Contains(attached, e.Desc) && !slices.Contains(drawing, e.Desc)):
			others = append(others, name(e)) // functions, types, sequences
		}
		large = large || strings.HasPrefix(e.Desc, "BLOB")
	}
	if len(tables) == 0 {
		tables = others
	}
	if large {
		tables = append(tables, "large objects")
	}
	if len(tables) == 0 {
		return nil
	}
	return &record.Part{Only: strings.Join(only, ", "), Left: fmt.Sprintf("%d: %s", len(tables), dump.Few(tables))}
}
