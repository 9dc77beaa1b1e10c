package postgres

import (
	"slices"

	"lifeboat/drills/record"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
	"lifeboat/scenarios"
)

// leavesDatabase tells whether the scenario asks for other databases of a script alone.
func (l *load) leavesDatabase(own string) bool {
	return len(l.set.Only) > 0 && !slices.Contains(l.set.Only, own)
}

// leaves tells whether a statement is of a database that is left out, and leaves it out. Roles, and what else belongs to the server, are not:
// owners need them.
func (e *editing) leaves(s pgdump.Statement) bool {
	if s.OfServer() {
		return false
	}
	name := s.Database()
	if own, ok := s.CreatesDatabase(); ok {
		name = own
	}
	if name == "" && !e.Skip || name != "" && !e.load.leavesDatabase(name) {
		return false
	}
	if e.Replace(""); s.CopyTarget() != "" {
		e.LeaveOutData()
	}
	return true
}

// partOf says what of a script that was read to its end was restored, and what else it holds.
func (l *load) partOf(script *pgdump.Plain) error {
	if len(l.set.Only) == 0 {
		return nil
	}
	if len(script.Connected) == 0 && (!script.Cluster || len(script.Entries) > 0) {
		return l.indivisible()
	}
	content := map[string]bool{}
	for _, e := range script.Entries {
		content[e.Database] = content[e.Database] || !e.OfDatabase()
	}
	var all, left []string
	for _, name := range script.Connected {
		if slices.Contains(serverOwn, name) && !content[name] {
			continue
		}
		if all = append(all, name); l.leavesDatabase(name) {
			left = append(left, name)
		}
	}
	for _, name := range l.set.Only {
		if !slices.Contains(all, name) {
			hint := scenarios.Nearest(name, all, "it holds ")
			if hint != "" {
				hint = " (" + hint + ")"
			}
			return l.lacks(record.LackPart, "it does not hold database %s, which restore.only names%s", name, hint)
		}
	}
	l.entries = slices.DeleteFunc(slices.Clone(script.Entries), func(e pgdump.Entry) bool { return l.leavesDatabase(e.Database) })
	if len(left) > 0 {
		l.part = &record.Part{Only: l.set.Only.String(), Left: dump.Few(left)}
		l.Note("only database %s of the dump was restored, with the roles of its server: nothing is known of %s", l.part.Only, l.part.Left)
	}
	return nil
}

// indivisible says that a script holds one database, and no way to take a part out of it.
func (l *load) indivisible() error {
	return l.lacks(record.LackPart, "it is a plain dump of one database, of which psql runs all or nothing: "+
		"restore.only takes databases out of a script of pg_dumpall, and tables or schemas out of an archive")
}
