package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"lifeboat/drills/instance"
)

// local is an instance.Companion that runs the program as a child of this process. In a drill k6 stands in a container;
// what it writes and how it is read is the same.
type local struct{ root string }

var _ instance.Companion = local{}

// Run implements instance.Companion.
func (l local) Run(_ context.Context, p instance.Program) (instance.Process, error) {
	root := filepath.Join(l.root, p.Name)
	for name, content := range p.Files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, err
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return nil, err
		}
	}
	// Not bound to a context: a pulse ends when it is told to, as a container does.
	c := exec.Command(p.Binary, p.Args...)
	c.Dir = filepath.Join(root, p.Dir)
	c.Stdout, c.Stderr = p.Stdout, p.Stderr
	for k, v := range p.Env {
		c.Env = append(c.Env, k+"="+v)
	}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", strings.Join(c.Args, " "), err)
	}
	child := &process{c: c, done: make(chan struct{})}
	go func() {
		child.err = c.Wait()
		close(child.done)
	}()
	return child, nil
}

// process is a running child.
type process struct {
	c    *exec.Cmd
	done chan struct{}
	err  error // of Wait; read after done
}

// Wait implements instance.Process.
func (p *process) Wait(ctx context.Context) (int, error) {
	select {
	case <-p.done:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	var exit *exec.ExitError
	if p.err != nil && !errors.As(p.err, &exit) {
		return 0, p.err
	}
	return p.c.ProcessState.ExitCode(), nil
}

// Stop implements instance.Process.
func (p *process) Stop(ctx context.Context, grace time.Duration) error {
	if err := p.c.Process.Signal(syscall.SIGTERM); err != nil {
		return ignoreDone(err)
	}
	select {
	case <-p.done:
		return nil
	case <-time.After(grace):
	case <-ctx.Done():
	}
	return ignoreDone(p.c.Process.Kill())
}

func ignoreDone(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
