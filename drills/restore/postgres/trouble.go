package postgres

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
)

// trouble is one error that a program printed.
type trouble struct {
	code string // SQLSTATE; "": it was not told
	text string // as it was printed, with the lines that follow
}

// said is a message of a server as psql prints it with VERBOSITY=verbose. The word for its severity is translated
// where the dump chose another language for its session, the SQLSTATE never is.
var said = regexp.MustCompile(`^psql:[^:]*:\d+: (.+?):  ([0-9A-Z]{5}): `)

// harmless severities. Errors may carry any SQLSTATE, and so may these: a function raises what it likes.
var harmless = map[string]bool{"NOTICE": true, "WARNING": true, "INFO": true, "LOG": true, "DEBUG": true}

// severe, whatever their SQLSTATE.
var severe = map[string]bool{"ERROR": true, "FATAL": true, "PANIC": true}

// errorsOf finds the server's errors in what psql printed, whatever its exit code says of them.
func errorsOf(stderr string) []trouble {
	var all []trouble
	lines := strings.Split(strings.TrimSpace(stderr), "\n")
	for i, line := range lines {
		m := said.FindStringSubmatch(line)
		if m == nil || harmless[m[1]] {
			continue
		}
		switch m[2][:2] {
		case "00", "01", "02": // success, warning, no data (appendix A of PostgreSQL's manual)
			if !severe[m[1]] {
				continue
			}
		}
		all = append(all, trouble{code: m[2], text: strings.ReplaceAll(dump.Unsaid(strings.Join(lines[i:min(i+4, len(lines))], "\n")), "\n", " / ")})
	}
	return all
}

// entryError is an error of the server that pg_restore passes on without its SQLSTATE.
type entryError struct {
	statement string // that failed; "": it was data
	table     string // whose data failed, without its schema
	text      string
}

func (e *entryError) Error() string { return e.text }

var (
	ofStatement = regexp.MustCompile(`(?s)could not execute query: .*?\n\s*Command was: (.*?)\s*(?:\npg_restore: .*)?$`)
	ofData      = regexp.MustCompile(`COPY failed for (?:relation|table) "(.*?)": `)
)

// ofEntry finds out what failed in an archive.
func ofEntry(stderr, text string) *entryError {
	if m := ofData.FindStringSubmatch(stderr); m != nil {
		return &entryError{table: m[1], text: text}
	}
	if m := ofStatement.FindStringSubmatch(stderr); m != nil && m[1] != "" {
		return &entryError{statement: m[1], text: text}
	}
	return nil
}

// result tells what became of a command.
func (l *load) result(c instance.Command, r instance.Result) error {
	program := path.Base(c.Args[0])
	for line := range strings.Lines(r.Stderr) {
		if warning, ok := strings.CutPrefix(line, program+": warning: "); ok {
			l.Note("%s warns: %s", program, strings.TrimSpace(warning))
		}
	}
	switch {
	case program == "psql" && len(errorsOf(r.Stderr)) > 0:
		return l.blame(program, errorsOf(r.Stderr)[0])
	case r.Exit == 0:
		return nil
	case program != "psql" && program != "pg_restore":
		return fmt.Errorf("run %s on %s: exit code %d: %s", program, l.machine.Name(), r.Exit, dump.FirstError(r))
	}
	return l.failure(program, r)
}

// words of the programs themselves, which have no codes.
var words = dump.Words{
	// for what only another image can give
	Images: []string{
		"unsupported version", // of the archive: pg_restore is older than pg_dump was
		"invalid command \\restrict",
		"invalid command \\unrestrict",
		"could not find compression",
		"does not support compression",
		"not built with support",
		"compression is not supported by this installation",
	},
	// for a sandbox that is too small for the backup, or a server that went away
	Hosts: []string{"server closed the connection unexpectedly", "the database system is in recovery mode",
		"the database system is shutting down", "could not resize shared memory segment"},
	// pg_restore's for data that it cannot uncompress. All but lz4 were looked at here before.
	Backups: []string{"could not uncompress data", "could not decompress data", "could not decompress: "},
}

// failure tells whose fault it is that a program failed without the server's word for it.
func (l *load) failure(program string, r instance.Result) error {
	who, err := words.Failure(l.source.Backup, program, r)
	if e := ofEntry(r.Stderr, dump.FirstError(r)); e != nil && who == dump.Nobodys && program == "pg_restore" {
		return e
	}
	return err
}

// explained: reading on would not tell more about whose fault it is.
func explained(err error) bool {
	return errors.As(err, new(*restore.BackupError)) || errors.As(err, new(*entryError))
}
