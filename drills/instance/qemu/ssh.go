package qemu

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"lifeboat/drills/instance"
)

const (
	sshHandshake = 15 * time.Second // a guest under emulation computes for seconds
	sshLeave     = 10 * time.Second // for a server to end a command whose caller went away
)

// sshChannel commands the guest through its SSH server, with a key of this machine only. The key comes to
// the guest as a system credential (systemd 252 and later make root's authorized_keys of it where there is none),
// so the image stays as it is.
type sshChannel struct {
	machine *Machine
	leave   time.Duration // for a server to end a command whose caller went away

	mu     sync.Mutex
	client *ssh.Client
}

// makeKey makes the machine's key when SSH is among its channels.
func (m *Machine) makeKey() error {
	if c := m.vm.Control; len(c) > 0 && !slices.Contains(c, controlSSH) {
		return nil
	}
	var err error
	_, m.key, err = ed25519.GenerateKey(rand.Reader)
	return err
}

// publicKey as a line of authorized_keys; empty: SSH is not used.
func (m *Machine) publicKey() string {
	if m.key == nil {
		return ""
	}
	key, err := ssh.NewPublicKey(m.key.Public())
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))) + " lifeboat"
}

func (s *sshChannel) name() string { return "ssh as " + s.machine.user() }

func (s *sshChannel) alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sshHandshake)
	defer cancel()
	_, err := s.connect(ctx)
	return err
}

func (s *sshChannel) connect(ctx context.Context) (*ssh.Client, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		return s.client, nil
	}
	signer, err := ssh.NewSignerFromSigner(s.machine.key)
	if err != nil {
		return nil, err
	}
	c, err := s.machine.hypervisor.Dial(ctx, sshForward)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	_ = c.SetDeadline(time.Now().Add(sshHandshake))
	conn, channels, requests, err := ssh.NewClientConn(c, "guest", &ssh.ClientConfig{User: s.machine.user(),
		Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)},
		// The far end is the machine that we booted, through a tunnel that nobody else has.
		HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	_ = c.SetDeadline(time.Time{})
	s.client = ssh.NewClient(conn, channels, requests)
	return s.client, nil
}

func (s *sshChannel) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.client != nil {
		_ = s.client.Close()
		s.client = nil
	}
}

// line is a command as a shell takes it.
func line(c instance.Command) string {
	c = wrapped(c)
	var words []string
	for _, k := range slices.Sorted(maps.Keys(c.Env)) {
		words = append(words, quote(k+"="+c.Env[k]))
	}
	if len(words) > 0 {
		words = append([]string{"env"}, words...)
	}
	for _, a := range c.Args {
		words = append(words, quote(a))
	}
	return strings.Join(words, " ")
}

func (s *sshChannel) run(ctx context.Context, c instance.Command) (instance.Result, error) {
	client, err := s.connect(ctx)
	if err != nil {
		s.machine.lose(s)
		return instance.Result{}, err
	}
	// A guest that hangs answers nothing any more, neither that a session begins nor that it ends.
	over := make(chan struct{})
	defer close(over)
	defer context.AfterFunc(ctx, func() { s.hangUpAfter(client, s.leave, over) })()
	session, err := client.NewSession()
	if err != nil {
		s.close()
		s.machine.lose(s)
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return instance.Result{}, err
	}
	defer session.Close()
	stop := context.AfterFunc(ctx, func() { _ = session.Signal(ssh.SIGKILL); _ = session.Close() })
	defer stop()
	out, errs := &capped{}, &capped{}
	input := &watched{r: c.Stdin}
	if c.Stdin != nil {
		session.Stdin = input
	}
	session.Stdout, session.Stderr = out, errs
	err = session.Run(line(c))
	if err == nil {
		err = input.err
	}
	r := instance.Result{Stdout: out.String(), Stderr: errs.String()}
	var exit *ssh.ExitError
	switch {
	case ctx.Err() != nil:
		return r, context.Cause(ctx)
	case err == nil:
		return r, nil
	case errors.As(err, &exit):
		r.Exit = exit.ExitStatus()
		return r, nil
	}
	s.close()
	s.machine.lose(s)
	return r, err
}

// hangUpAfter gives the connection up, unless the command is over before that.
func (s *sshChannel) hangUpAfter(client *ssh.Client, limit time.Duration, over <-chan struct{}) {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-over:
		return
	case <-t.C:
	}
	s.mu.Lock()
	if s.client == client {
		s.client = nil
	}
	s.mu.Unlock()
	s.machine.lose(s)
	_ = client.Close() // and with it everything that waits for an answer
}

// detach leaves the command to the guest: the answer to a reboot never comes.
func (s *sshChannel) detach(ctx context.Context, c instance.Command) error {
	r, err := s.run(ctx, instance.Command{Args: []string{"/bin/sh", "-c",
		"nohup " + line(c) + " >/dev/null 2>&1 </dev/null &"}})
	if err == nil && r.Exit != 0 {
		err = fmt.Errorf("exit code %d: %s", r.Exit, instance.LastLines(r.Stderr, 2))
	}
	return err
}

func (s *sshChannel) read(ctx context.Context, name string) ([]byte, error) {
	const missing = 44
	r, err := s.run(ctx, instance.Command{Args: []string{"/bin/sh", "-c", fmt.Sprintf(`[ -e "$1" ] || exit %d; exec cat "$1"`, missing),
		"sh", name}})
	switch {
	case err != nil:
		return nil, err
	case r.Exit == missing:
		return nil, fs.ErrNotExist
	case r.Exit != 0:
		return nil, errors.New(instance.LastLines(r.Stderr, 1))
	case len(r.Stdout) > getLimit:
		return nil, fmt.Errorf("it is longer than %d bytes", getLimit)
	}
	return []byte(r.Stdout), nil
}

func (s *sshChannel) write(ctx context.Context, name string, content []byte) error {
	r, err := s.run(ctx, instance.Command{Args: []string{"/bin/sh", "-c", `cat >"$1"`, "sh", name}, Stdin: bytes.NewReader(content)})
	if err == nil && r.Exit != 0 {
		err = errors.New(instance.LastLines(r.Stderr, 1))
	}
	return err
}

// capped keeps the first MiBs of an output and lets the rest go by. One byte beyond the limit tells that there was
// more.
type capped struct{ b bytes.Buffer }

func (c *capped) Write(p []byte) (int, error) {
	if free := getLimit + 1 - c.b.Len(); free > 0 {
		c.b.Write(p[:min(free, len(p))])
	}
	return len(p), nil
}

func (c *capped) String() string { return c.b.String() }

// watched remembers that an input could not be read to its end: half of it must not look whole.
type watched struct {
	r   io.Reader
	err error
}

func (w *watched) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && err != io.EOF {
		w.err = fmt.Errorf("read its input: %w", err)
	}
	return n, err
}
