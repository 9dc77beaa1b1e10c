package dump

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
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

// Runner runs programs that load a dump into a machine.
type Runner struct {
	Machine instance.Machine
	Stall   time.Duration // without a byte taken and without progress, after which a program is given up
	// Activity asks the server for its progress, while no byte is taken.
	Activity func(ctx context.Context) (Activity, error)
	// Stop ends the reading of the backup, which may be what hangs; Abandon what the server still does for a program that is gone.
	Stop    func()
	Abandon func(ctx context.Context)
	// Result tells what became of a command that has ended, and whose fault it is.
	Result func(c instance.Command, r instance.Result) error
	// Explained tells of an error of Result that reading on would not tell more about whose fault it is.
	Explained func(err error) bool

	taken atomic.Int64 // bytes that programs took
}

// Pour runs a command whose input is what read writes, and waits for both. read's error
// comes first: the command only suffers from it.
func (r *Runner) Pour(ctx context.Context, c instance.Command, read func(out io.Writer) error) error {
	pr, pw := io.Pipe()
	out := &outlet{to: bufio.NewWriterSize(pw, PieceSize)}
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
	result, err := r.Watched(ctx, c)
	var failed error
	if err == nil {
		failed = r.Result(c, result)
	}
	pr.CloseWithError(io.ErrClosedPipe)
	if err != nil || r.Explained(failed) {
		out.aborted.Store(true)
	} else if failed != nil { // what follows in the backup may explain it
		defer time.AfterFunc(lookOn, func() { out.aborted.Store(true) }).Stop()
	}
	if e := <-ended; e != nil && !errors.Is(e, errAborted) && !errors.As(err, new(*Standstill)) {
		return e
	}
	if err != nil {
		return fmt.Errorf("run %s on %s: %w", c.Args[0], r.Machine.Name(), err)
	}
	return failed
}

// Exec runs a command that reads nothing.
func (r *Runner) Exec(ctx context.Context, c instance.Command) error {
	result, err := r.Watched(ctx, c)
	if err != nil {
		return fmt.Errorf("run %s on %s: %w", c.Args[0], r.Machine.Name(), err)
	}
	return r.Result(c, result)
}

// Forward keeps what is written until it is told where it goes.
type Forward struct {
	head bytes.Buffer
	to   io.Writer
}

// Write implements io.Writer.
func (f *Forward) Write(p []byte) (int, error) {
	if f.to == nil {
		return f.head.Write(p)
	}
	return f.to.Write(p)
}

// Head is what was kept so far.
func (f *Forward) Head() []byte { return bytes.Clone(f.head.Bytes()) }

// Open passes on what was kept, and from now on everything.
func (f *Forward) Open(to io.Writer) error {
	_, err := f.head.WriteTo(to)
	f.head = bytes.Buffer{}
	f.to = to
	return err
}

// Staged gives a fresh folder below one on the machine's volume, and removes it afterwards.
func (r *Runner) Staged(ctx context.Context, below string, do func(folder string) error) error {
	folder := path.Join(below, "restore")
	fresh := [][]string{{"rm", "-rf", folder}, {"mkdir", "-p", "-m", "0755", folder}}
	for _, args := range fresh {
		if err := r.Tool(ctx, args); err != nil {
			return err
		}
	}
	err := do(folder)
	if e := r.Tool(context.WithoutCancel(ctx), fresh[0]); err == nil {
		err = e
	}
	return err
}

// Tool runs a program that has nothing to do with the backup's content.
func (r *Runner) Tool(ctx context.Context, args []string) error {
	result, err := r.Machine.Exec(ctx, instance.Command{Args: args, User: "0"})
	if err != nil {
		return fmt.Errorf("run %s on %s: %w", args[0], r.Machine.Name(), err)
	}
	if result.Exit != 0 {
		return fmt.Errorf("run %s on %s: exit code %d: %s", args[0], r.Machine.Name(), result.Exit, FirstError(result))
	}
	return nil
}
