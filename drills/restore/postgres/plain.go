package postgres

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
)

// plain loads SQL through psql. Each statement is looked at before psql can have it: what it needs is made just in
// time, and what holds elsewhere only is left out, so that one pass is enough.
func (l *load) plain(ctx context.Context) error {
	if err := l.server.makeGivenRoles(ctx); err != nil {
		return err
	}
	into, err := l.firstTarget(ctx)
	if err != nil {
		return err
	}
	c, err := l.client("psql", "--no-psqlrc", "--no-password", "--set", "ON_ERROR_STOP=1", "--set", "VERBOSITY=verbose",
		"--no-align", "--tuples-only", "-d", into, "-f", "-")
	if err != nil {
		return err
	}
	told := &answers{mark: rand.Text()}
	c.Stdout = told
	dump := pgdump.NewPlain()
	ed := newEditing(ctx, l, dump)
	defer l.server.leave(ctx)
	l.dumped = func() string { return dump.Server }
	err = l.runner().Pour(ctx, c, func(out io.Writer) error {
		ed.Out = out
		if err := l.lines(ed); err != nil {
			return err
		}
		_, err := fmt.Fprintf(out, "\n\\echo %s :LAST_ERROR_SQLSTATE\n", told.mark)
		return err
	})
	if err == nil {
		err = l.atEnd(told)
	}
	if err != nil {
		return err
	}
	l.made, l.encoding = dump.Started, dump.Encoding
	l.entries = dump.Entries
	if err := ed.atEnd(); err != nil {
		return err
	}
	return l.rows(dump, told.rows)
}

// atEnd holds what psql says at the end against an end without errors: its exit code tells of errors only
// where the dump has not found a way to hide them. psql before 11 knows no such variable.
func (l *load) atEnd(told *answers) error {
	const none, unknown = "00000", ":LAST_ERROR_SQLSTATE"
	switch told.last {
	case none, unknown:
		return nil
	case "":
		return fmt.Errorf("psql ended well on %s and did not read the dump to its end: it takes it for another text than "+
			"it looks like here", l.machine.Name())
	}
	return l.blame("psql", trouble{code: told.last, text: "a statement failed with SQLSTATE " + told.last})
}

// raw are the encodings whose text no other can hold: bytes that nobody says the meaning of, and one without a
// conversion to UTF8. A dump in any other is converted as it is loaded.
var raw = []string{"SQL_ASCII", "MULE_INTERNAL"}

// farAhead is how much of a dump is looked at to learn whether it makes its own database.
const farAhead = 64 << 10

// firstTarget is the database that psql begins in: the one that the dump is loaded into, unless it makes its own, as
// pg_dump --create and pg_dumpall do.
func (l *load) firstTarget(ctx context.Context) (string, error) {
	head, err := l.in.Peek(farAhead)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return "", err
	}
	makes, encoding := beginning(head)
	if makes {
		return serverOwn[0], nil
	}
	if len(l.set.Only) > 0 {
		return "", l.indivisible()
	}
	if _, err := l.plainTarget(ctx, encoding); err != nil {
		return "", err
	}
	return l.loading, nil
}

// beginning looks at what comes before a dump's first object: whether it makes its own database, and what its text is in.
func beginning(head []byte) (makes bool, encoding string) {
	p := pgdump.NewPlain()
	p.OnStatement = func(s pgdump.Statement) error {
		if _, makes = s.CreatesDatabase(); makes {
			return io.EOF
		}
		return nil
	}
	p.OnObject = func(e pgdump.Entry) error {
		if e.OfDatabase() {
			return nil
		}
		return io.EOF
	}
	for line := range strings.Lines(string(head)) {
		if p.Line([]byte(line), strings.HasSuffix(line, "\n")) != nil || p.Cluster {
			break
		}
	}
	return makes || p.Cluster, p.Encoding
}

// plainTarget makes the database of a dump that does not say one.
func (l *load) plainTarget(ctx context.Context, encoding string) (*target, error) {
	if !slices.Contains(raw, encoding) {
		encoding = "" // UTF8 holds what it holds
	}
	t := &target{final: l.database, filled: true}
	if err := l.server.makeDatabase(ctx, t, "", encoding); err != nil {
		return nil, err
	}
	l.targets = append(l.targets, t)
	l.enter(ctx, t)
	return t, l.server.makeExtensions(ctx)
}

// lines reads the dump to its end and passes it on.
func (l *load) lines(ed *editing) error {
	r := bufio.NewReaderSize(l.in, dump.PieceSize)
	ed.ahead = func() []byte {
		head, _ := r.Peek(farAhead) // what cannot be read is met again
		return head
	}
	return readLines(r, ed)
}

// readLines reads a dump to its end and passes it on, in pieces where a line is long.
func readLines(in io.Reader, to interface {
	Line(piece []byte, ends bool) error
	Close() error
},
) error {
	r := bufio.NewReaderSize(in, dump.PieceSize) // which may be one already
	for {
		piece, err := r.ReadSlice('\n')
		long := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !long && !errors.Is(err, io.EOF) {
			return err
		}
		if bytes.HasPrefix(piece, []byte("--")) { // one that is looked at with what comes behind it
			piece = bytes.Clone(piece)
		}
		if len(piece) > 0 {
			if e := to.Line(piece, !long); e != nil {
				return e
			}
		}
		if errors.Is(err, io.EOF) {
			return to.Close()
		}
	}
}

// rows compares the rows that the dump holds with those that the server took.
func (l *load) rows(dump *pgdump.Plain, took []int64) error {
	bad := func(format string, args ...any) error {
		return &restore.BackupError{Backup: l.source.Backup, Reason: fmt.Sprintf(format, args...)}
	}
	if len(took) != len(dump.Copies) {
		return bad("it holds the data of %d tables, the server took those of %d", len(dump.Copies), len(took))
	}
	for i, c := range dump.Copies {
		if took[i] != c.Rows {
			return bad("%s: it holds %d rows, the server took %d", c.Statement, c.Rows, took[i])
		}
	}
	return nil
}

// answers collects what psql prints: for each COPY its number of rows, and at the end the last error.
type answers struct {
	mark string // that begins the last line
	line []byte
	rows []int64
	last string // SQLSTATE; "": psql did not get there
}

func (a *answers) Write(p []byte) (int, error) {
	const most = 100 // a tag is short; results of queries are of no interest
	for _, b := range p {
		if b != '\n' {
			if len(a.line) < most {
				a.line = append(a.line, b)
			}
			continue
		}
		a.take(string(a.line))
		a.line = a.line[:0]
	}
	return len(p), nil
}

func (a *answers) take(line string) {
	if code, ok := strings.CutPrefix(line, a.mark+" "); ok {
		a.last = code
	}
	if digits, ok := strings.CutPrefix(line, "COPY "); ok {
		if n, err := strconv.ParseInt(digits, 10, 64); err == nil {
			a.rows = append(a.rows, n)
		}
	}
}
