// Package restoretest is what tests of loaders share: a machine of the engine, and a backup in memory.
package restoretest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os/exec"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
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
