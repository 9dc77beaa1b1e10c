package basebackup

import (
	"fmt"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/internal/lazy"
)

// word is what a server says when it ends, and whose fault that is.
type word struct {
	said string
	err  func(b *backup, said string, r *reached) error
}

var (
	imageLacks = func(_ *backup, said string, _ *reached) error { return &restore.ImageError{Reason: said} }
	isDamaged  = func(_ *backup, said string, _ *reached) error {
		return damage("its server ends while it recovers: %s", said)
	}
	noRoom = func(_ *backup, said string, _ *reached) error {
		return fmt.Errorf("the server was ended by the sandbox: %s (give the instance more memory or disk)", said)
	}
	otherServer = func(b *backup, said string, _ *reached) error {
		here := "another one"
		if m := versions().FindStringSubmatch(said); m != nil {
			here = m[1]
		}
		return &restore.MisfitError{What: restore.MisfitData, Has: "PostgreSQL " + b.ground.version, Wants: "PostgreSQL " + here}
	}
	versions = lazy.Regexp(`not compatible with this version (\d+)`)
)

// words of PostgreSQL's servers, in their order: the first that is found counts.
var words = []word{
	{"recovery ended before configured recovery target was reached", func(b *backup, _ string, r *reached) error { return b.short(r) }},
	{"requested recovery stop point is before consistent recovery point", func(_ *backup, _ string, _ *reached) error {
		return &restore.LackError{Lack: record.LackEarly, What: "recovery should end at a place that lies before the end of the backup"}
	}},
	{"No space left on device", noRoom},
	{"Cannot allocate memory", noRoom},
	{"could not map anonymous shared memory", noRoom},
	{"not compatible with this version", otherServer},
	{"The database cluster was initialized", func(b *backup, said string, _ *reached) error {
		return &restore.MisfitError{What: restore.MisfitData, Has: "a server built otherwise (" + said + ")", Wants: "this one"}
	}},
	{unknownSetting, func(b *backup, said string, _ *reached) error {
		return &restore.ImageError{Reason: fmt.Sprintf("its server does not know a setting of its own (%s): take an image of PostgreSQL %s, with what "+
			"the setting belongs to", said, b.ground.version)}
	}},
	{"could not access file", imageLacks},
	{"could not load library", imageLacks},
	{unknownValue, imageLacks},
	{"is not recognized by setlocale", imageLacks},
	{"WAL ends before end of online backup", isDamaged},
	{"could not locate required checkpoint record", isDamaged},
	{"could not locate a valid checkpoint record", isDamaged},
	{"could not find redo location", isDamaged},
	{"WAL ends before consistent recovery point", isDamaged},
	{"invalid checkpoint record", isDamaged},
	{"WAL file is from different database system", isDamaged},
	{"is not a child of this server's history", isDamaged},
	{"unexpected timeline ID", isDamaged},
	{"invalid data in file", isDamaged},
	{"incorrect checksum in control file", isDamaged},
	{"WAL contains references to invalid pages", isDamaged},
	{"invalid page in block", isDamaged},
	{"could not read block", isDamaged},
	{"could not open critical system index", isDamaged},
	{"cache lookup failed for", isDamaged},
	{"catalog is missing", isDamaged},
	{"could not open file", isDamaged},
	{"could not open directory", isDamaged},
	{"could not access status of transaction", isDamaged},
	{"recovery requires WAL", isDamaged},
	{"WAL was generated with wal_level=minimal", isDamaged},
	{"relation mapping file", isDamaged},
}
