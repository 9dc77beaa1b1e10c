package postgres

import (
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
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
		all = append(all, trouble{code: m[2], text: strings.Join(lines[i:min(i+4, len(lines))], " / ")})
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
	ofData      = regexp.MustCompile(`COPY failed for (?:relation|table) "(.*)": `)
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
			l.note("%s warns: %s", program, strings.TrimSpace(warning))
		}
	}
	switch {
	case program == "psql" && len(errorsOf(r.Stderr)) > 0:
		return l.blame(program, errorsOf(r.Stderr)[0])
	case r.Exit == 0:
		return nil
	case program != "psql" && program != "pg_restore":
		return fmt.Errorf("run %s on %s: exit code %d: %s", program, l.machine.Name(), r.Exit, firstError(r))
	}
	return l.failure(program, r)
}

// Exit codes that say that the program did not run, or did not run to its end.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128
)

// lacks are words of the programs themselves, which have no codes, for what only another image can give.
var lacks = []string{
	"unsupported version", // of the archive: pg_restore is older than pg_dump was
	"invalid command \\restrict",
	"invalid command \\unrestrict",
	"could not find compression",
	"does not support compression",
	"not built with support",
	"compression is not supported by this installation",
}

// noRoom are words of a sandbox that is too small for the backup, or of a server that went away.
var noRoom = []string{"No space left on device", "out of memory", "Cannot allocate memory",
	"server closed the connection unexpectedly", "the database system is in recovery mode",
	"the database system is shutting down", "could not resize shared memory segment"}

// unpackable are pg_restore's words for data that it cannot uncompress. All but lz4 were looked at here before.
var unpackable = []string{"could not uncompress data", "could not decompress data", "could not decompress: "}

// failure tells whose fault it is that a program failed without the server's word for it.
func (l *load) failure(program string, r instance.Result) error {
	message := firstError(r)
	switch {
	case r.Exit == exitNotFound, r.Exit == exitNotExecutable:
		return &restore.ImageError{Backup: l.source.Backup, Reason: "there is no " + program + ": " + message}
	case r.Exit > exitSignal, has(message, noRoom):
		return fmt.Errorf("%s was ended by the sandbox, exit code %d: %s (give the instance more memory or disk)",
			program, r.Exit, message)
	case has(message, lacks):
		return &restore.ImageError{Backup: l.source.Backup, Reason: message}
	case has(message, unpackable):
		return &restore.BackupError{Backup: l.source.Backup, Reason: message}
	}
	if e := ofEntry(r.Stderr, message); e != nil && program == "pg_restore" {
		return e
	}
	return fmt.Errorf("%s failed with exit code %d, which may be the fault of the backup, the image or the host: %s",
		program, r.Exit, whole(r))
}

// explained: reading on would not tell more about whose fault it is.
func explained(err error) bool {
	var bad *restore.BackupError
	var entry *entryError
	return errors.As(err, &bad) || errors.As(err, &entry)
}

func has(message string, words []string) bool {
	for _, w := range words {
		if strings.Contains(message, w) {
			return true
		}
	}
	return false
}

// whole is all that a program wrote, within reason.
func whole(r instance.Result) string {
	const most = 8 << 10
	text := strings.TrimSpace(r.Stderr + "\n" + r.Stdout)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	if text == "" {
		text = "it said nothing"
	}
	return strings.Join(strings.Split(text, "\n"), " / ")
}

// firstError finds the message in what a program wrote, in the server's own words.
func firstError(r instance.Result) string {
	const most = 600
	text := strings.TrimSpace(r.Stderr)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.Contains(line, "error:") || strings.Contains(line, "ERROR:") || strings.Contains(line, "FATAL:") {
			// DETAIL and the statement follow.
			text = strings.Join(lines[i:min(i+4, len(lines))], " / ")
			break
		}
	}
	if text == "" {
		text = strings.TrimSpace(r.Stdout)
	}
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	if text == "" {
		text = fmt.Sprintf("exit code %d without a word", r.Exit)
	}
	return text
}
