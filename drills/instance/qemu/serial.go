package qemu

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"lifeboat/drills/instance"
)

const (
	// serialMost: bytes that go through the console in one piece, either way. It carries some 50 KB/s under emulation.
	serialMost = 256 << 10
	// serialTar: a larger tar stream is plugged in as a disk, which takes 2 s.
	serialTar    = 64 << 10
	serialSilent = 20 * time.Second // of a shell that should answer at once
	serialLogin  = 60 * time.Second // to log in: a guest under emulation checks a password for seconds
	serialLeave  = 3 * time.Second
	serialCarry  = 2 * time.Minute // for serialMost bytes
	// serialPiece of base64 goes in a line. A terminal takes 4095 bytes of a line (termios(3)).
	serialPiece = 1024
	// serialAhead lines are sent before the shell has to confirm them: the kernel keeps 64 KiB for it.
	serialAhead = 16
)

// serialChannel commands the guest through a login on its serial console. Commands, files and outputs travel as
// base64, so that nothing that they hold is taken for a sign of the console, and kernel messages that fall between can
// be told from them; a digest proves what came through.
type serialChannel struct {
	machine *Machine
	turn    chan struct{} // holds a token while nobody talks

	mu   sync.Mutex
	line *serialLine // nil: not logged in
	left bool        // the guest may be on its way down: nothing is typed any more
}

func newSerialChannel(m *Machine) *serialChannel {
	s := &serialChannel{machine: m, turn: make(chan struct{}, 1)}
	s.turn <- struct{}{}
	return s
}

func (s *serialChannel) name() string { return "serial console as " + s.machine.user() }

// take waits for the console and returns the session on it.
func (s *serialChannel) take(ctx context.Context) (*serialLine, func(), error) {
	select {
	case <-s.turn:
	case <-ctx.Done():
		return nil, nil, context.Cause(ctx)
	}
	give := func() { s.turn <- struct{}{} }
	s.mu.Lock()
	l := s.line
	s.mu.Unlock()
	if l != nil {
		return l, give, nil
	}
	l, err := s.logIn(ctx)
	if err != nil {
		give()
		return nil, nil, err
	}
	s.mu.Lock()
	s.line, s.left = l, false
	s.mu.Unlock()
	return l, give, nil
}

// logIn types only where the console asks for a login: a key pressed in a boot loader stops the boot.
func (s *serialChannel) logIn(ctx context.Context) (*serialLine, error) {
	if revealed(s.machine.vm.Password) == "" {
		return nil, errors.New("a login needs vm: {password: …}")
	}
	ctx, cancel := context.WithTimeoutCause(ctx, serialLogin, errors.New("the login takes too long"))
	defer cancel()
	text, err := s.machine.sinceStart(ctx)
	if err != nil {
		return nil, err
	}
	if console := readConsole(text); !console.login {
		return nil, errors.New("the console does not ask for a login (yet)")
	}
	c, err := s.machine.hypervisor.DialSocket(ctx, serialSocket)
	if err != nil {
		return nil, err
	}
	l := newSerialLine(c)
	if err := l.logIn(ctx, s.machine.user(), revealed(s.machine.vm.Password)); err != nil {
		_ = c.Close()
		return nil, err
	}
	return l, nil
}

func (s *serialChannel) alive(ctx context.Context) error {
	_, give, err := s.take(ctx)
	if err == nil {
		give()
	}
	return err
}

// close logs out, unless the guest is on its way down.
func (s *serialChannel) close() {
	s.mu.Lock()
	l, left := s.line, s.left
	s.line = nil
	s.mu.Unlock()
	if l == nil {
		return
	}
	if !left {
		l.leave()
	}
	_ = l.c.Close()
}

// broke gives the session up, and with it the channel.
func (s *serialChannel) broke() {
	s.mu.Lock()
	s.left = true
	s.mu.Unlock()
	s.close()
	s.machine.lose(s)
}

func (s *serialChannel) leaving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left
}

func (s *serialChannel) run(ctx context.Context, c instance.Command) (instance.Result, error) {
	input, err := inputOf(c)
	if err != nil {
		return instance.Result{}, err
	}
	l, give, err := s.take(ctx)
	if err != nil {
		s.machine.lose(s)
		return instance.Result{}, err
	}
	defer give()
	if s.leaving() {
		s.broke()
		return instance.Result{}, errors.New("the guest was told to go down")
	}
	r, err := l.run(ctx, line(c), input)
	if errors.As(err, new(*lineError)) {
		s.broke()
	}
	return r, err
}

func (s *serialChannel) detach(ctx context.Context, c instance.Command) error {
	l, give, err := s.take(ctx)
	if err != nil {
		s.machine.lose(s)
		return err
	}
	defer give()
	s.mu.Lock()
	s.left = true
	s.mu.Unlock()
	return l.detach(ctx, line(c))
}

func (s *serialChannel) read(ctx context.Context, name string) ([]byte, error) {
	const missing, large = 44, 45
	r, err := s.run(ctx, instance.Command{Args: []string{"/bin/sh", "-c", fmt.Sprintf(
		`[ -e "$1" ] || exit %d; [ "$(wc -c <"$1")" -le %d ] || exit %d; exec cat "$1"`, missing, serialMost, large),
		"sh", name}})
	switch {
	case err != nil:
		return nil, err
	case r.Exit == missing:
		return nil, fs.ErrNotExist
	case r.Exit == large:
		return nil, fmt.Errorf("it is longer than the %d bytes that the serial console carries", serialMost)
	case r.Exit != 0:
		return nil, errors.New(instance.LastLines(r.Stderr, 1))
	}
	return []byte(r.Stdout), nil
}

func (s *serialChannel) write(ctx context.Context, name string, content []byte) error {
	r, err := s.run(ctx, instance.Command{Args: []string{"/bin/sh", "-c", `cat >"$1"`, "sh", name},
		Stdin: bytes.NewReader(content)})
	if err == nil && r.Exit != 0 {
		err = errors.New(instance.LastLines(r.Stderr, 1))
	}
	return err
}
