package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"lifeboat/drills/instance"
)

// shutting is how a proxy is shut.
type shutting string

const (
	refuse shutting = "refused" // the port is closed, what was open is cut: a dead process
	hang   shutting = "hangs"   // connections are taken and nothing is ever answered: a stopped process
)

// truth is when the proxy was really shut: the two edges, each between the moments around the call that made it.
type truth struct {
	shut, open [2]time.Time
}

// least and most are the bounds of the true length, microseconds apart.
func (t truth) least() time.Duration { return t.open[0].Sub(t.shut[1]) }
func (t truth) most() time.Duration  { return t.open[1].Sub(t.shut[0]) }

// proxy forwards a port of the loopback to another one, unless it is shut.
type proxy struct {
	addr, target string

	mu     sync.Mutex
	ln     net.Listener
	hangs  bool
	opened map[net.Conn]bool
	held   []net.Conn // taken while it hung: they never get an answer
}

// service answers every request with "ok", on a port of its own.
func service() (*http.Server, string, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	s := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(
		func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })}
	go func() { _ = s.Serve(ln) }() // ends with Close
	return s, ln.Addr().String(), nil
}

func newProxy(target string) (*proxy, error) {
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{addr: ln.Addr().String(), target: target, ln: ln, opened: map[net.Conn]bool{}}
	go p.accept(ln)
	return p, nil
}

func (p *proxy) accept(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return // closed
		}
		p.mu.Lock()
		if p.hangs {
			p.held = append(p.held, c)
		} else {
			p.opened[c] = true
			go p.forward(c)
		}
		p.mu.Unlock()
	}
}

func (p *proxy) forward(c net.Conn) {
	defer func() {
		c.Close()
		p.mu.Lock()
		delete(p.opened, c)
		p.mu.Unlock()
	}()
	up, err := net.Dial("tcp4", p.target)
	if err != nil {
		return
	}
	defer up.Close()
	go func() {
		_, _ = io.Copy(up, c) // ends when either side does
		up.Close()
	}()
	_, _ = io.Copy(c, up)
}

// shutFor shuts the proxy for d and returns the truth.
func (p *proxy) shutFor(d time.Duration, how shutting) (truth, error) {
	var t truth
	t.shut[0] = time.Now()
	p.mu.Lock()
	p.hangs = how == hang
	if how == refuse {
		p.ln.Close()
		for c := range p.opened {
			c.Close()
		}
	}
	p.mu.Unlock()
	t.shut[1] = time.Now()
	time.Sleep(d - time.Since(t.shut[0]))
	t.open[0] = time.Now()
	var err error
	p.mu.Lock()
	p.hangs = false
	if how == refuse {
		if p.ln, err = net.Listen("tcp4", p.addr); err == nil {
			go p.accept(p.ln)
		}
	}
	p.mu.Unlock()
	t.open[1] = time.Now()
	return t, err
}

func (p *proxy) close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	errs := []error{p.ln.Close()}
	for _, c := range p.held {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

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
