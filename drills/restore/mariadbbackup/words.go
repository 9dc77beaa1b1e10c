package mariadbbackup

import (
	"fmt"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
)

func damage(format string, args ...any) error {
	return &dump.Damage{Reason: fmt.Sprintf(format, args...)}
}

var (
	imageLacks = func(said string) error { return &restore.ImageError{Reason: said} }
	isDamaged  = func(said string) error { return damage("its files cannot be brought together: %s", said) }
	noRoom     = func(said string) error {
		return fmt.Errorf("the sandbox ended it: %s (give the instance more memory or disk)", said)
	}
	sealed = func(said string) error { return lacks(record.LackKey, "its tablespaces are encrypted: %s", said) }
)

// blamed are words of MariaDB's programs as they end, and whose fault that is: the first that is found counts.
var blamed = []struct {
	said string
	err  func(said string) error
}{
	{noSpace, noRoom},
	{"Cannot allocate memory", noRoom},
	{"Out of memory", noRoom},
	{"encrypted but encryption service", sealed},
	{"encryption key", sealed},
	{"decrypt", sealed},
	{"unknown variable", imageLacks},
	{"unknown option", imageLacks},
	{"Unsupported redo log format", imageLacks},
	{"cannot start server with", imageLacks},
	{"does not match the one in the file", isDamaged},
	{"applying incremental backup needs", isDamaged},
	{"This incremental backup seems not to be proper", isDamaged},
	{"is corrupted", isDamaged},
	{"corrupt", isDamaged},
	{"Corrupt", isDamaged},
	{"orrupted page", isDamaged},
	{"page corruption", isDamaged},
	{"Missing FILE_CHECKPOINT", isDamaged},
	{"ib_logfile0 was not found", isDamaged},
	{"No valid checkpoint", isDamaged},
	{"Missing MLOG_CHECKPOINT", isDamaged},
	{"Invalid log header", isDamaged},
	{"The log file was not created by", isDamaged},
	{"Tablespace is missing", isDamaged},
	{"Cannot open datafile", isDamaged},
	{"Cannot find the data dictionary", isDamaged},
	{"could not find a valid tablespace", isDamaged},
	{"Space id in fsp header", isDamaged},
	{"Can't open and lock privilege tables", isDamaged},
	{"Table 'mysql.", isDamaged},
	{"Aria engine is not enabled or did not start", isDamaged},
	{"Aria recovery failed", isDamaged},
	{"Aria log file", isDamaged},
	{"Can't find file' when trying to use aria control file", isDamaged},
	{"is of a different size", isDamaged},
}

// blame makes the error of a program that ended; nil: its words say nothing.
func blame(said string) error {
	for _, b := range blamed {
		if strings.Contains(said, b.said) {
			return b.err(said)
		}
	}
	return nil
}
