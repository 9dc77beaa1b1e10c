package postgres

import (
	"fmt"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
)

// owner of a fault.
type owner int

const (
	nobodys owner = iota // cannot be told: inconclusive
	backups              // its data, its statements
	images               // what the instance's image has or lacks
	hosts                // room, a server that went away
	plans                // the scenario: what it says of roles and logins
)

// owners of the errors of a server that runs the statements of a dump in an empty database as a superuser, by
// SQLSTATE or its class (appendix A of PostgreSQL's manual). What is not listed cannot be told.
var owners = map[string]owner{
	"08": hosts, // connection
	"0A": images,
	"21": backups, // cardinality
	"22": backups, // data
	"23": backups, // constraints
	"28": plans,   // login
	"2B": backups, "2F": backups, "3D": backups, "3F": backups,
	"42": backups, // syntax, names
	"44": backups, // a view's check
	"53": hosts,   // no room
	"57": hosts,   // an operator, a shutdown
	"58": hosts,   // input and output
	"F0": images,  // files of text search
	"P0": backups, // raised by its own code

	"42501": plans,                   // rights: the owner of an object may be no superuser here
	"55P03": hosts,                   // a lock of somebody else
	"58P01": images, "58P02": images, // a library, an extension's files
}

// hints are the server's words (in the language C) where a code alone does not tell.
var hints = []struct {
	code, words string
	owner       owner
}{
	{"42704", `role "`, plans},
	{"42704", "unrecognized configuration parameter", images},
	{"42704", "collation ", images},
	{"42704", "tablespace ", images},
	{"42704", "language ", images},
	{"42704", "access method ", images},
	{"42704", "text search template ", images},
	{"22023", "invalid value for parameter", images}, // a tablespace, a time zone
	{"22023", "security label provider", images},
	{"22023", "locale", images},
	{"55000", "must be loaded via", images}, // shared_preload_libraries
	{"XX000", "could not load library", images},
	{"42883", "could not find function", images}, // in a library of another version
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
	if newer(from, l.server.version) && (who == images || who == backups && strings.HasPrefix(t.code, "42")) {
		return l.older(from, t.text)
	}
	if who == backups && missing[t.code] {
		if err := l.without(t.text); err != nil {
			return err
		}
	}
	if who == backups && there[t.code] && l.dumps > 1 {
		return l.lacks(record.LackSeveral, "it holds several dumps, one behind another, and a later one makes what is there: %s",
			t.text)
	}
	switch who {
	case backups:
		return &restore.BackupError{Backup: l.source.Backup, Reason: t.text}
	case images:
		if strings.Contains(t.text, "security label provider") {
			t.text += " (take an image that has it; where only a provider has it: restore.leave_out: {labels: [NAME]})"
		}
		return &restore.ImageError{Backup: l.source.Backup, Reason: t.text}
	case hosts:
		return fmt.Errorf("the server on %s could not go on: %s (give the instance more memory or disk)", l.machine.Name(),
			t.text)
	case plans:
		return fmt.Errorf("the server on %s forbids what the dump does: %s (see restore.roles, such as "+
			"{NAME: {superuser: true}}, and restore.create_roles)", l.machine.Name(), t.text)
	}
	return fmt.Errorf("%s failed, which may be the fault of the backup, the image or the host: %s", program, t.text)
}
