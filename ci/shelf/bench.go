package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// bench is where backups are made and verified. Close removes all of it.
type bench struct {
	lifeboat string // the program
	dir      string // of everything that is made
	parallel int    // check runs at a time
	keep     bool   // what was made is left in its place
	progress io.Writer

	shared sync.Map // what once made
	closed []func() // what Close calls
	mu     sync.Mutex
}

// once makes what several items need when the first of them asks; all others wait for it.
func once[T any](b *bench, name string, make func() (T, error)) (T, error) {
	f, _ := b.shared.LoadOrStore(name, sync.OnceValues(make))
	return f.(func() (T, error))()
}

// atEnd has a function be called by Close.
func (b *bench) atEnd(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = append(b.closed, f)
}

func newBench(lifeboat string, parallel int, progress io.Writer) (*bench, error) {
	lifeboat, err := filepath.Abs(lifeboat)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(lifeboat); err != nil {
		return nil, fmt.Errorf("find lifeboat: %w; make build makes it", err)
	}
	dir, err := os.MkdirTemp("", "lifeboat-shelf-")
	return &bench{lifeboat: lifeboat, dir: dir, parallel: parallel, progress: progress}, err
}

// Close removes everything that was made, or all but its folder.
func (b *bench) Close() error {
	for _, f := range b.closed {
		f()
	}
	if b.keep {
		return nil
	}
	return os.RemoveAll(b.dir)
}

// make writes a backup into an empty folder, and gives its path.
func (b *bench) make(ctx context.Context, made maker, parts ...string) (string, error) {
	dir := filepath.Join(append([]string{b.dir}, parts...)...)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return dir, made(ctx, b, dir)
}

// workshop is a container in which good backups are made, and made worse, one at a time.
type workshop struct {
	sync.Mutex
	id, user string
}

// image of the servers: those of the workshop, and those into which dumps are restored.
const image = "lifeboat/postgres:15"

// postgres is the workshop, with the good database in it.
func (b *bench) postgres(ctx context.Context) (*workshop, error) {
	return once(b, "PostgreSQL", func() (*workshop, error) {
		w, err := openWorkshop(ctx)
		if err == nil {
			b.atEnd(w.close)
		}
		return w, err
	})
}

func openWorkshop(ctx context.Context) (*workshop, error) {
	w, err := openContainer(ctx, "postgres", image, []string{"-e", "POSTGRES_HOST_AUTH_METHOD=trust"},
		"postgres", "-c", "fsync=off", "-c", "lo_compat_privileges=on")
	if err != nil {
		return nil, err
	}
	_, err = w.run(ctx, nil, "for i in $(seq 600); do psql -qXc 'select 1' >/dev/null 2>&1 && exit; sleep 0.1; done; exit 1")
	if err == nil {
		err = w.source(ctx)
	}
	if err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

// openContainer starts one in which a user's lines of shell are run.
func openContainer(ctx context.Context, user, image string, options []string, args ...string) (*workshop, error) {
	out, err := command(ctx, nil, "docker", slices.Concat([]string{"run", "-d", "--label", "lifeboat.test=shelf", "--memory", "1g", "--network", "none"},
		options, []string{image}, args)...)
	if err != nil {
		return nil, fmt.Errorf("start %s: %w; make images kinds makes it", image, err)
	}
	return &workshop{id: strings.TrimSpace(string(out)), user: user}, nil
}

func (w *workshop) close() {
	_, _ = command(context.Background(), nil, "docker", "rm", "-fv", w.id) // what is left is named by its label
}

// run gives what a line of shell in the workshop writes.
func (w *workshop) run(ctx context.Context, in []byte, line string) ([]byte, error) {
	return command(ctx, in, "docker", "exec", "-i", "-u", w.user, w.id, "bash", "-o", "pipefail", "-c", line)
}

// good tells whether lines of shell end well, one caller after another; an error: they could not be run to their end, which is no answer.
func (w *workshop) good(ctx context.Context, in []byte, lines string) (bool, error) {
	w.Lock()
	defer w.Unlock()
	out, err := w.run(ctx, in, "(\n"+lines+"\n)\n[ $? = 0 ] && echo good || echo bad")
	switch {
	case err != nil:
		return false, err
	case bytes.HasSuffix(out, []byte("good\n")):
		return true, nil
	case bytes.HasSuffix(out, []byte("bad\n")):
		return false, nil
	}
	return false, fmt.Errorf("ask the tools: no answer in %q", out)
}

// sql runs statements in a database.
func (w *workshop) sql(ctx context.Context, database, text string) error {
	_, err := w.run(ctx, []byte(text), "psql -qX -v ON_ERROR_STOP=1 -d '"+database+"' >/dev/null")
	return err
}

func command(ctx context.Context, in []byte, name string, args ...string) ([]byte, error) {
	c := exec.CommandContext(ctx, name, args...)
	var out, errs bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(in), &out, &errs
	if err := c.Run(); err != nil {
		return out.Bytes(), fmt.Errorf("%s: %w: %s", args[len(args)-1], err, strings.TrimSpace(errs.String()))
	}
	return out.Bytes(), nil
}

// exited tells whether a program that ran ended well: docker and timeout have exit codes for one that did not run.
func exited(err error) (good bool, _ error) {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() >= 1 && exit.ExitCode() < 125 {
		return false, nil
	}
	return err == nil, err
}
