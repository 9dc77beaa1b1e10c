package database

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// tables compares content; gone are tables that are missing as a whole.
func (c *comparison) tables(was, now ProfiledDatabase, gone []string) {
	for _, t := range was.Tables {
		if under(key{name: t.Name}, gone) {
			continue
		}
		i := slices.IndexFunc(now.Tables, func(o ProfiledTable) bool { return o.Name == t.Name })
		if i < 0 {
			c.add("profile.unread", "table "+t.Name, "", "no rows")
			continue
		}
		c.table(t, now.Tables[i], was.Encoding, now.Encoding)
	}
	for _, t := range now.Tables {
		table := func(o Thing) bool { return o.Kind == "table" && o.Name == t.Name }
		switch {
		case slices.ContainsFunc(was.Tables, func(o ProfiledTable) bool { return o.Name == t.Name }):
		case !slices.ContainsFunc(now.Things, table):
			c.add("profile.added", "table "+t.Name, "", "")
		case slices.ContainsFunc(was.Things, table): // else it is told as a thing
			c.add("profile.unread", "table "+t.Name, "no rows", strconv.FormatInt(t.Rows, 10))
		}
	}
}

func (c *comparison) table(was, now ProfiledTable, encodings ...string) {
	where := "table " + was.Name
	switch {
	case was.Unread != "" || now.Unread != "":
		c.add("profile.unread", where, was.Unread, now.Unread)
		return
	case was.Rows != now.Rows:
		c.add("profile.rows", where, strconv.FormatInt(was.Rows, 10), strconv.FormatInt(now.Rows, 10))
	}
	for _, column := range was.Columns {
		if i := now.column(column.Name); i >= 0 && (column.Least != now.Columns[i].Least || column.Most != now.Columns[i].Most) {
			c.add("profile.extreme", where+", column "+column.Name, column.span(), now.Columns[i].span())
		}
	}
	if was.Rows != now.Rows || !c.hashed { // then they need not be told apart further; or it was said
		return
	}
	if was.Hash == "" || now.Hash == "" || !was.Sample.like(now.Sample) || was.Sample != nil && was.Sample.Rows == 0 {
		c.add("profile.unread", where, was.Sample.String(), now.Sample.String())
		return
	}
	var other []string
	for _, column := range was.Columns {
		if i := now.column(column.Name); i < 0 || column.Hash != now.Columns[i].Hash || column.Nulls != now.Columns[i].Nulls {
			other = append(other, column.Name)
		}
	}
	chosen := was.Sample == nil || was.Sample.Rows == now.Sample.Rows
	switch {
	case len(other) == 0 && was.Hash == now.Hash && chosen:
	case encodings[0] != encodings[1]: // what was hashed are bytes
		c.add("profile.unread", where, encodings[0], encodings[1])
	case len(other) == 0 && len(was.Columns) > 1:
		c.add("profile.shifted", where, "", "")
	default:
		c.add("profile.content", where, "", strings.Join(other, ", "))
	}
}

func (t ProfiledTable) column(name string) int {
	return slices.IndexFunc(t.Columns, func(c ProfiledColumn) bool { return c.Name == name })
}

func (c ProfiledColumn) span() string { return c.Least + " … " + c.Most }

// like tells whether two samples are of the same rows.
func (s *Sample) like(o *Sample) bool {
	if s == nil || o == nil {
		return s == nil && o == nil
	}
	return s.Share == o.Share && s.Seed == o.Seed && slices.Equal(s.By, o.By)
}

func (s *Sample) String() string {
	if s == nil {
		return "all rows"
	}
	return fmt.Sprintf("%.2g %%, seed %d, by %s", s.Share*100, s.Seed, strings.Join(s.By, ", "))
}

// alike tells whether things are the same.
func (c *comparison) alike(k key, was, now []string) bool {
	if slices.Equal(was, now) {
		return true
	}
	if len(was) != len(now) {
		return false
	}
	switch {
	case k.kind == "role" && (was[0] == "" || now[0] == ""): // by name only
		return true
	case k.kind == "sequence value" && c.was.Shared:
		return further(was[0], now[0])
	case c.kin:
		return false
	case k.kind == "extension version": // is the image's
		return true
	}
	for i := range was {
		if a, b := k.neutral(was[i]), k.neutral(now[i]); a != b && (k.kind != "range" || !follows(a, b) && !follows(b, a)) {
			return false
		}
	}
	return true
}

// follows tells whether a text goes on where another one ends: of a range, since 14, with its multirange.
func follows(a, b string) bool { return strings.HasPrefix(a, b+" ") }

// further tells whether a sequence stands where it stood, or where it would come to.
func further(was, now string) bool {
	at := func(text string) (n, by int64) {
		var word string
		if _, err := fmt.Sscanf(text, "%s %d by %d", &word, &n, &by); err == nil && word == "last" {
			n += by
		}
		return n, by
	}
	a, by := at(was)
	b, other := at(now)
	return by == other && by != 0 && (b-a)/by >= 0 && (b-a)%by == 0
}

// used tells whether somebody made something in a database.
func (d ProfiledDatabase) used() bool {
	return slices.ContainsFunc(d.Things, func(t Thing) bool {
		return !slices.Contains([]string{"database", "setting", "extension", "extension version"}, t.Kind) && !strings.HasPrefix(t.Name, "database")
	}) || slices.ContainsFunc(d.Tables, func(t ProfiledTable) bool { return t.Rows > 0 })
}
