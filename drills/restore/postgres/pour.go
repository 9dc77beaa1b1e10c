package postgres

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
)

// outlet passes bytes on to a program, and drops them once the program has ended well:
// the backup is read to its end all the same.
type outlet struct {
	to      *bufio.Writer
	done    bool
	aborted atomic.Bool // the program failed: no need to read on
}

var errAborted = errors.New("the load was given up")

func (o *outlet) Write(p []byte) (int, error) {
	if o.aborted.Load() {
		return 0, errAborted
	}
	if !o.done {
		if _, err := o.to.Write(p); err != nil {
			o.done = true
		}
	}
	return len(p), nil
}

// pour runs a command whose input is what read writes, and waits for both. read's error
// comes first: the command only suffers from it.
func (l *load) pour(ctx context.Context, c instance.Command, read func(out io.Writer) error) error {
	pr, pw := io.Pipe()
	out := &outlet{to: bufio.NewWriterSize(pw, pieceSize)}
	ended := make(chan error, 1)
	go func() {
		err := read(out)
		if err == nil && !out.done {
			_ = out.to.Flush() // fails only when the program has ended, which Exec tells
		}
		ended <- err
		pw.CloseWithError(err) // half an input must not look whole
	}()
	c.Stdin = pr
	result, err := l.machine.Exec(ctx, c)
	out.aborted.Store(err != nil || result.Exit != 0)
	pr.CloseWithError(io.ErrClosedPipe)
	if e := <-ended; e != nil && !errors.Is(e, errAborted) {
		return e
	}
	if err != nil {
		return fmt.Errorf("run %s on %s: %w", c.Args[0], l.machine.Name(), err)
	}
	return l.result(c, result)
}

// exec runs a command that reads nothing.
func (l *load) exec(ctx context.Context, c instance.Command) error {
	result, err := l.machine.Exec(ctx, c)
	if err != nil {
		return fmt.Errorf("run %s on %s: %w", c.Args[0], l.machine.Name(), err)
	}
	return l.result(c, result)
}

// nobody interprets dumps: whatever a dump makes its reader do, it does as this user.
const nobody = "65534:65534"

// command is a client program in the machine.
func (l *load) command(program string, args ...string) (instance.Command, error) {
	who, err := l.login(l.machine.Name(), nil)
	if err != nil {
		return instance.Command{}, err
	}
	return instance.Command{
		Args: append([]string{program, "--no-password", "-h", l.server.host, "-p", fmt.Sprint(l.set.Port), "-U", who.user},
			args...),
		User: nobody,
		Dir:  "/",
		Env: map[string]string{"PGPASSWORD": who.password, "LC_ALL": "C", "HOME": "/nonexistent",
			"PGOPTIONS": "-c lc_messages=C", "PGAPPNAME": "lifeboat"},
	}, nil
}

// result tells what became of a command.
func (l *load) result(c instance.Command, r instance.Result) error {
	for line := range strings.Lines(r.Stderr) {
		if warning, ok := strings.CutPrefix(line, c.Args[0]+": warning: "); ok {
			l.note("%s warns: %s", c.Args[0], strings.TrimSpace(warning))
		}
	}
	if r.Exit == 0 {
		return nil
	}
	return l.failure(c.Args[0], r)
}

// Exit codes that say that the program did not run, or did not run to its end.
const (
	exitNotExecutable = 126
	exitNotFound      = 127
	exitSignal        = 128
)

// missingInImage are the server's words (with lc_messages C) for what only another image can
// give. The programs do not tell error codes.
var missingInImage = []string{
	"could not open extension control file",
	"is not available", // extension "x" is not available
	"has no installation script",
	"could not access file",  // a library
	"could not load library", // or one that needs another
	"must be loaded via shared_preload_libraries",
	"must be loaded via \"shared_preload_libraries\"",
	"unsupported version", // of the dump: pg_restore is older than pg_dump was
	"unrecognized configuration parameter",
	"invalid command \\restrict",
	"invalid command \\unrestrict",
	"invalid locale name",
	"could not create locale",
	"for encoding \"UTF8\" does not exist", // a collation
	"invalid value for parameter \"default_tablespace\"",
	"could not open dictionary file",
	"could not open stop-word file",
	"could not find compression",
	"does not support compression",
	"not built with support",
	"compression is not supported by this installation",
}

// noRoom are words of a sandbox that is too small for the backup.
var noRoom = []string{"No space left on device", "out of memory", "Cannot allocate memory",
	"server closed the connection unexpectedly", "the database system is in recovery mode",
	"the database system is shutting down", "could not resize shared memory segment"}

// failure tells whose fault it is that a program failed.
func (l *load) failure(program string, r instance.Result) error {
	message := firstError(r)
	switch {
	case program != "psql" && program != "pg_restore":
		return fmt.Errorf("run %s on %s: exit code %d: %s", program, l.machine.Name(), r.Exit, message)
	case r.Exit == exitNotFound, r.Exit == exitNotExecutable:
		return &restore.ImageError{Backup: l.source.Backup, Reason: "there is no " + program + ": " + message}
	case r.Exit > exitSignal, has(message, noRoom):
		return fmt.Errorf("%s was ended by the sandbox, exit code %d: %s (give the instance more memory or disk)",
			program, r.Exit, message)
	case has(message, missingInImage):
		return &restore.ImageError{Backup: l.source.Backup, Reason: message}
	}
	return &restore.BackupError{Backup: l.source.Backup, Reason: message}
}

func has(message string, words []string) bool {
	for _, w := range words {
		if strings.Contains(message, w) {
			return true
		}
	}
	return false
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
		text = text[:most] + "…"
	}
	if text == "" {
		text = fmt.Sprintf("exit code %d without a word", r.Exit)
	}
	return text
}

// forward keeps what is written until it is told where it goes.
type forward struct {
	head bytes.Buffer
	to   io.Writer
}

func (f *forward) Write(p []byte) (int, error) {
	if f.to == nil {
		return f.head.Write(p)
	}
	return f.to.Write(p)
}

func (f *forward) open(to io.Writer) error {
	_, err := f.head.WriteTo(to)
	f.head = bytes.Buffer{}
	f.to = to
	return err
}
