package postgres

import (
	"fmt"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
)

// owners of the errors of a server that runs the statements of a dump in an empty database as a superuser, by
// SQLSTATE or its class (appendix A of PostgreSQL's manual). What is not listed cannot be told.
var owners = map[string]dump.Owner{
	"08": dump.Hosts, // connection
	"0A": dump.Images,
	"21": dump.Backups, // cardinality
	"22": dump.Backups, // data
	"23": dump.Backups, // constraints
	"28": dump.Plans,   // login
	"2B": dump.Backups, "2F": dump.Backups, "3D": dump.Backups, "3F": dump.Backups,
	"42": dump.Backups, // syntax, names
	"44": dump.Backups, // a view's check
	"53": dump.Hosts,   // no room
	"57": dump.Hosts,   // an operator, a shutdown
	"58": dump.Hosts,   // input and output
	"F0": dump.Images,  // files of text search
	"P0": dump.Backups, // raised by its own code

	"42501": dump.Plans,                        // rights: the owner of an object may be no superuser here
	"55P03": dump.Hosts,                        // a lock of somebody else
	"58P01": dump.Images, "58P02": dump.Images, // a library, an extension's files
}

// hints are the server's words (in the language C) where a code alone does not tell.
var hints = []struct {
	code, words string
	owner       dump.Owner
}{
	{"42704", `role "`, dump.Plans},
	{"42704", "unrecognized configuration parameter", dump.Images},
	{"42704", "collation ", dump.Images},
	{"42704", "tablespace ", dump.Images},
	{"42704", "language ", dump.Images},
	{"42704", "access method ", dump.Images},
	{"42704", "text search template ", dump.Images},
	{"22023", "invalid value for parameter", dump.Images}, // a tablespace, a time zone
	{"22023", "security label provider", dump.Images},
	{"22023", "locale", dump.Images},
	{"55000", "must be loaded via", dump.Images}, // shared_preload_libraries
	{"XX000", "could not load library", dump.Images},
	{"42883", "could not find function", dump.Images}, // in a library of another version
}

// missing are the codes of what a statement names and the database does not have.
var missing = map[string]bool{"42P01": true, "42704": true, "42883": true, "3F000": true, "42703": true}

// there are the codes of what a statement makes and the database has already.
var there = map[string]bool{"42P07": true, "42710": true, "42P06": true, "42723": true, "42P16": true, "23505": true}

// blame makes the error of a statement that failed.
func (l *load) blame(program string, t trouble) error {
	who, known := owners[t.code]
	if !known && len(t.code) > 1 {
		who = owners[t.code[:2]]
	}
	for _, h := range hints {
		if h.code == t.code && strings.Contains(t.text, h.words) {
			who = h.owner
		}
	}
	from := ""
	if l.dumped != nil {
		from = l.dumped()
	}
	if newer(from, l.server.version) && (who == dump.Images || who == dump.Backups && strings.HasPrefix(t.code, "42")) {
		return l.older(from, t.text)
	}
	if who == dump.Backups && missing[t.code] {
		if err := l.without(t.text); err != nil {
			return err
		}
	}
	if who == dump.Backups && there[t.code] && l.dumps > 1 {
		return l.lacks(record.LackSeveral, "it holds several dumps, one behind another, and a later one makes what is there: %s",
			t.text)
	}
	switch who {
	case dump.Backups:
		return &restore.BackupError{Backup: l.source.Backup, Reason: t.text}
	case dump.Images:
		if strings.Contains(t.text, "security label provider") {
			t.text += " (take an image that has it; where only a provider has it: restore.leave_out: {labels: [NAME]})"
		}
		return &restore.ImageError{Backup: l.source.Backup, Reason: t.text}
	case dump.Hosts:
		return fmt.Errorf("the server on %s could not go on: %s (give the instance more memory or disk)", l.machine.Name(),
			t.text)
	case dump.Plans:
		return fmt.Errorf("the server on %s forbids what the dump does: %s (see restore.roles, such as "+
			"{NAME: {superuser: true}}, and restore.create_roles)", l.machine.Name(), t.text)
	}
	return fmt.Errorf("%s failed, which may be the fault of the backup, the image or the host: %s", program, t.text)
}
