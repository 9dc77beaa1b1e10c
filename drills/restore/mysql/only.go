package mysql

import (
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore/mysql/mysqldump"
	"lifeboat/scenarios"
)

// leaves tells whether a statement is of a database that is left out.
func (l *load) leaves(s mysqldump.Statement) bool {
	if l.set.Only == "" || s.Verb() == "SET" {
		return false
	}
	_, of := s.Target()
	return first(of, l.dump.Using(), l.database) != l.set.Only
}

// databases are those that the dump holds.
func (l *load) databases() []string {
	all := slices.Clone(l.dump.Databases())
	if len(all) == 0 && l.named != "" && !strings.Contains(l.named, " ") {
		all = append(all, l.named)
	}
	slices.Sort(all)
	return all
}

// partly judges what was taken out of a dump that was read to its end, and says what was left out.
func (l *load) partly() error {
	if l.set.Only == "" {
		return nil
	}
	all := l.databases()
	i := slices.Index(all, l.set.Only)
	if i < 0 {
		hint := scenarios.Nearest(l.set.Only, all, "it holds ")
		if hint != "" {
			hint = " (" + hint + ")"
		}
		return l.lacks(record.LackPart, "it does not hold database %s, which restore.only names%s", l.set.Only, hint)
	}
	l.left = slices.Delete(all, i, i+1)
	if len(l.left) == 0 {
		return nil
	}
	l.note("only database %s of the dump was restored: nothing is known of %s", l.set.Only, few(l.left))
	return nil
}

// part is what of the backup was restored, where that is not all of it.
func (l *load) part() *record.Part {
	if len(l.left) == 0 {
		return nil
	}
	return &record.Part{Only: l.set.Only, Left: few(l.left)}
}
