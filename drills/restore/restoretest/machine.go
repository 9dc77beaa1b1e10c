// Package restoretest is what tests of loaders share: a machine of the engine, and a backup in memory.
package restoretest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/accident"
	"lifeboat/internal/needs"
)

// Machine is a container driven by the engine's command: tests of loaders are about backups, the seal is the driver's own business.
type Machine struct{ ID, Address, Instance string }

var _ instance.Machine = (*Machine)(nil)

// Start runs an image as an engine does, with the variables and the volumes of a request; label says whose test it is.
func Start(ctx context.Context, label, image string, r instance.Request) (*Machine, error) {
	args := []string{"run", "-d", "--label", "lifeboat.test=" + label, "--memory", "1g"}
	for k, v := range r.Env {
		args = append(args, "-e", k+"="+v)
	}
	for _, folder := range r.Data {
		args = append(args, "-v", folder)
	}
	out, err := CLI(ctx, nil, append(args, image)...)
	if err != nil {
		return nil, errors.New(out)
	}
	m := &Machine{ID: strings.TrimSpace(out), Instance: r.Name}
	m.Address, err = CLI(ctx, nil, "inspect", "--format", "{{.NetworkSettings.IPAddress}}", m.ID)
	m.Address = strings.TrimSpace(m.Address)
	return m, err
}

// CLI runs the engine's command and gives what it printed.
func CLI(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "docker", args...)
	c.Stdin = stdin
	out, err := c.CombinedOutput()
	return string(out), err
}

func (m *Machine) Name() string   { return m.Instance }
func (m *Machine) Handle() string { return m.ID }

func (m *Machine) Exec(ctx context.Context, c instance.Command) (instance.Result, error) {
	args := []string{"exec", "-i", "-u", c.User}
	if c.Dir != "" {
		args = append(args, "-w", c.Dir)
	}
	for k, v := range c.Env {
		args = append(args, "-e", k+"="+v)
	}
	cmd := exec.CommandContext(ctx, "docker", append(append(args, m.ID), c.Args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, &stdout, &stderr
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	r := instance.Result{Exit: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *exec.ExitError
	if errors.As(err, &exit) || errors.Is(err, exec.ErrWaitDelay) || errors.Is(err, io.ErrClosedPipe) {
		err = nil
	}
	return r, err
}

func (m *Machine) Put(ctx context.Context, dir string, tar io.Reader) error {
	if out, err := CLI(ctx, tar, "cp", "-", m.ID+":"+dir); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (m *Machine) Dial(ctx context.Context, port int) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("%s:%d", m.Address, port))
}

func (m *Machine) Console(ctx context.Context) (string, error) { return CLI(ctx, nil, "logs", m.ID) }

func (m *Machine) State(ctx context.Context) (instance.State, error) {
	out, err := CLI(ctx, nil, "inspect", "--format", "{{.State.Running}}", m.ID)
	return instance.State{Running: strings.TrimSpace(out) == "true"}, err
}

func (m *Machine) Destroy(ctx context.Context) error {
	_, err := CLI(ctx, nil, "rm", "-fv", m.ID)
	return err
}

func (m *Machine) Get(context.Context, string) ([]byte, error) { return nil, errors.ErrUnsupported }
func (m *Machine) Start(context.Context) error                 { return errors.ErrUnsupported }
func (m *Machine) Stop(context.Context) error                  { return errors.ErrUnsupported }
func (m *Machine) UndoCommand(instance.Command) ledger.Undo    { return ledger.Undo{} }

// Made is the tar that a script of bash writes in a container of an image, as one of its users and without a network, by paths.
func Made(image, user, script string) (accident.Folder, error) {
	c := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--tmpfs", "/tmp:exec", "--user", user, "--entrypoint", "bash", image, "-s")
	var out, told bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(script), &out, &told
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, told.String())
	}
	return accident.Unpacked(&out)
}

// Sample is what was made of an image. The test is skipped where that is not there; made by names the script that makes it.
func Sample(t testing.TB, image, by string, made func() (accident.Folder, error)) accident.Folder {
	t.Helper()
	if out, err := CLI(t.Context(), nil, "image", "inspect", "--format", "{{.Id}}", image); err != nil {
		needs.Skipf(t, "no %s here (run %s): %s", image, by, out)
	}
	all, err := made()
	require.NoError(t, err)
	return all
}

// memory is a stream of bytes that keeps a store's promises.
type memory struct {
	*bytes.Reader
	point store.Point
	sum   string
}

func (m *memory) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if errors.Is(err, io.EOF) && m.point.Digest.Given() && m.point.Digest.String() != m.sum {
		return n, &store.Mismatch{Point: m.point.ID, Want: m.point.Digest.String(), Got: m.sum}
	}
	return n, err
}
func (m *memory) Close() error   { return nil }
func (m *memory) Digest() string { return m.sum }
func (m *memory) Bytes() int64   { return m.Size() - int64(m.Len()) }

// Digest of bytes: sha256:HEX.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Source is a backup of these bytes, whose restore point has this id; promised: the digest that its store says it has, "" where it says none.
func Source(backup, id string, content []byte, promised string) restore.Source {
	p := store.Point{ID: id, Size: int64(len(content))}
	p.Digest, _ = record.ParseDigest(promised)
	return restore.Source{Backup: backup, Point: p, Unused: true, Open: func(context.Context) (store.Stream, error) {
		return &memory{Reader: bytes.NewReader(content), point: p, sum: Digest(content)}, nil
	}}
}
