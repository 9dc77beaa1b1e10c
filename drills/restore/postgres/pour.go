package postgres

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"lifeboat/drills/instance"
)

// outlet passes bytes on to a program, and drops them once the program has ended well:
// the backup is read to its end all the same.
type outlet struct {
	to      *bufio.Writer
	done    bool
	aborted atomic.Bool // the program failed, and it is known why: no need to read on
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
	result, err := l.watched(ctx, c)
	var failed error
	if err == nil {
		failed = l.result(c, result)
	}
	pr.CloseWithError(io.ErrClosedPipe)
	if err != nil || explained(failed) {
		out.aborted.Store(true)
	} else if failed != nil { // what follows in the backup may explain it
		defer time.AfterFunc(lookOn, func() { out.aborted.Store(true) }).Stop()
	}
	var still *standstill
	if e := <-ended; e != nil && !errors.Is(e, errAborted) && !errors.As(err, &still) {
		return e
	}
	if err != nil {
		return fmt.Errorf("run %s on %s: %w", c.Args[0], l.machine.Name(), err)
	}
	return failed
}

// exec runs a command that reads nothing.
func (l *load) exec(ctx context.Context, c instance.Command) error {
	result, err := l.watched(ctx, c)
	if err != nil {
		return fmt.Errorf("run %s on %s: %w", c.Args[0], l.machine.Name(), err)
	}
	return l.result(c, result)
}

// nobody interprets dumps: whatever a dump makes its reader do, it does as this user.
const nobody = "65534:65534"

// client is a program in the machine that knows how to log in by its environment.
func (l *load) client(args ...string) (instance.Command, error) {
	who, err := l.login(l.machine.Name(), nil)
	if err != nil {
		return instance.Command{}, err
	}
	args[0] = l.program(args[0])
	return instance.Command{
		Args: args,
		User: nobody,
		Dir:  "/",
		Env: map[string]string{"PROGRAMS": l.set.Programs, "PGHOST": l.server.host, "PGPORT": fmt.Sprint(l.set.Port), "PGUSER": who.user,
			"PGPASSWORD": who.password, "LC_ALL": "C", "HOME": "/nonexistent", "PGOPTIONS": "-c lc_messages=C",
			"PGAPPNAME": "lifeboat"},
	}, nil
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
