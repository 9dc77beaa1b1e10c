package database

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Compare says in which ways a copy is not what its profile says. What was not read, in either, is a difference too. The copy may hold
// more roles than the profile needs, and databases in which nobody made anything.
func (p Profile) Compare(now Profile) []Difference {
	c := &comparison{was: p, now: now, kin: p.major() == now.major(), hashed: p.Hash == now.Hash && p.Hash != ""}
	if p.Version != now.Version || p.Kind != now.Kind {
		c.add("profile.unread", "profile", p.Kind+" "+strconv.Itoa(p.Version), now.Kind+" "+strconv.Itoa(now.Version))
		return c.all
	}
	if !c.hashed {
		c.add("profile.unread", "profile", p.Hash, now.Hash)
	}
	c.things(p.Roles, within(p.Roles, now.Roles))
	for _, was := range p.Databases {
		i := slices.IndexFunc(now.Databases, func(d ProfiledDatabase) bool { return d.Database == was.Database })
		if c.database = ""; i < 0 {
			c.add("profile.missing", "database "+was.Database, "", "")
			continue
		}
		is := now.Databases[i]
		c.database = was.Database
		c.tables(was, is, c.things(was.Things, is.Things))
	}
	c.database = ""
	for _, d := range now.Databases {
		if !slices.ContainsFunc(p.Databases, func(o ProfiledDatabase) bool { return o.Database == d.Database }) && d.used() {
			c.add("profile.added", "database "+d.Database, "", "")
		}
	}
	slices.SortStableFunc(c.all, func(a, b Difference) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.Where, b.Where))
	})
	return c.all
}

// ranks of differences: what is worse comes first.
var ranks = []string{"profile.missing", "profile.rows", "profile.content", "profile.shifted", "profile.unread", "profile.changed", "profile.extreme",
	"profile.added"}

func (d Difference) rank() int { return slices.Index(ranks, d.ID) }

// comparison of a profile with what a copy is now.
type comparison struct {
	was, now Profile
	kin      bool // servers of one major version: they write the same thing in the same words
	hashed   bool // by one function
	database string
	all      []Difference
}

func (c *comparison) add(id, where, was, now string) {
	if c.database != "" {
		where = c.database + ": " + where
	}
	c.all = append(c.all, Difference{ID: id, Where: where, Was: was, Now: now})
}

// within are the roles that are needed, and whose members they are.
func within(needed, all []Thing) (same []Thing) {
	for _, t := range all {
		if slices.ContainsFunc(needed, func(n Thing) bool { return n.Kind == t.Kind && n.Name == t.Name }) {
			same = append(same, t)
		}
	}
	return same
}

type key struct{ kind, name string }

// list has the things of one kind and name together: what they are need not tell them apart.
func list(all []Thing) map[key][]string {
	is := map[key][]string{}
	for _, t := range all {
		k := key{t.Kind, t.Name}
		is[k] = append(is[k], t.Is)
		slices.Sort(is[k])
	}
	return is
}

// things compares structure and gives the tables and schemas that are missing.
func (c *comparison) things(was, now []Thing) (gone []string) {
	before, after := list(was), list(now)
	gone, come := lacking(before, after), lacking(after, before)
	for k, then := range before {
		is, there := after[k]
		switch {
		case !there && !under(k, gone):
			c.add("profile.missing", k.kind+" "+k.name, strings.Join(then, "; "), "")
		case there && !c.alike(k, then, is):
			c.add("profile.changed", k.kind+" "+k.name, strings.Join(then, "; "), strings.Join(is, "; "))
		}
	}
	for k, is := range after {
		if _, there := before[k]; !there && !under(k, come) {
			c.add("profile.added", k.kind+" "+k.name, "", strings.Join(is, "; "))
		}
	}
	return gone
}

// holders are kinds of things that hold others.
var holders = []string{"schema", "table", "view", "materialized view", "sequence", "function", "procedure", "aggregate", "enum", "domain",
	"composite type", "range", "type"}

func lacking(all, in map[key][]string) (names []string) {
	for k := range all {
		if _, there := in[k]; !there && slices.Contains(holders, k.kind) {
			names = append(names, k.name)
		}
	}
	return names
}

// under tells whether a thing goes with one that is missing as a whole, so that it need not be told as well.
func under(k key, holds []string) bool {
	return slices.ContainsFunc(holds, func(h string) bool {
		if slices.Contains(holders, k.kind) && k.name == h {
			return false
		}
		return strings.Contains(" "+k.name, " "+h+".") || strings.HasSuffix(" "+k.name, " "+h)
	})
}
