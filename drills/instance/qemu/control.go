package qemu

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"lifeboat/drills/instance"
)

// channel is a way to command a guest.
type channel interface {
	name() string
	run(ctx context.Context, c instance.Command) (instance.Result, error)
	// detach starts a command that may end the channel, such as a reboot.
	detach(ctx context.Context, c instance.Command) error
	read(ctx context.Context, name string) ([]byte, error)
	write(ctx context.Context, name string, content []byte) error
	alive(ctx context.Context) error
	close()
}

// Names of the channels, best first.
const (
	controlAgent  = "agent"
	controlSSH    = "ssh"
	controlSerial = "serial"
)

const channelLimit = 5 * time.Second

// control returns the channel that commands go through: the best that answers. One that was found
// stays until the machine starts anew, or it stops answering.
func (m *Machine) control(ctx context.Context) (channel, error) {
	m.mu.Lock()
	ch, running := m.channel, m.monitor != nil
	m.mu.Unlock()
	if ch != nil {
		return ch, nil
	}
	if !running {
		return nil, fmt.Errorf("%s does not run", m.Name())
	}
	wanted := m.vm.Control
	if len(wanted) == 0 {
		wanted = []string{controlAgent, controlSSH}
	}
	var errs []error
	for _, name := range wanted {
		ch, err := m.open(name)
		if err == nil {
			err = ch.alive(ctx)
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
			continue
		}
		m.mu.Lock()
		m.channel = ch
		m.mu.Unlock()
		return ch, nil
	}
	return nil, &noChannelError{errs}
}

// noChannelError: the guest takes no commands. Its console and its network ports are there all the same.
type noChannelError struct{ tried []error }

func (e *noChannelError) Error() string {
	var why []string
	for _, err := range e.tried {
		why = append(why, err.Error())
	}
	return "no channel into the guest answers (" + strings.Join(why, "; ") + "); install qemu-guest-agent in it, " +
		"or let its sshd take root's key from systemd's credentials (systemd 252), or give control: [serial] a user and " +
		"a password"
}

func (e *noChannelError) Unwrap() []error { return e.tried }

func (m *Machine) open(name string) (channel, error) {
	switch name {
	case controlAgent:
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.agent == nil { // it was stopped meanwhile
			return nil, fmt.Errorf("%s does not run", m.Name())
		}
		return &agentChannel{agent: m.agent, lost: m.lose}, nil
	case controlSSH:
		return &sshChannel{machine: m, leave: sshLeave}, nil
	case controlSerial:
		return newSerialChannel(m), nil
	}
	return nil, fmt.Errorf("there is no channel %q", name)
}

// lose forgets a channel that broke, so that the next command looks for one again.
func (m *Machine) lose(ch channel) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.channel == ch {
		m.channel = nil
	}
}

// agentChannel commands the guest through its agent.
type agentChannel struct {
	agent *agent
	lost  func(channel)
	found string // version of the agent
}

func (a *agentChannel) name() string { return "guest agent " + a.found }

func (a *agentChannel) close() {}

func (a *agentChannel) alive(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, channelLimit)
	defer cancel()
	var err error
	a.found, err = a.agent.version(ctx)
	return err
}

// check drops the channel when the agent itself is gone, and not when it merely says no.
func (a *agentChannel) check(err error) error {
	if err != nil && !errors.As(err, new(*refusal)) {
		a.lost(a)
	}
	return err
}

func (a *agentChannel) run(ctx context.Context, c instance.Command) (instance.Result, error) {
	input, err := inputOf(c)
	if err != nil {
		return instance.Result{}, err
	}
	pid, err := a.agent.spawn(ctx, wrapped(c), input)
	if err != nil {
		return notFound(err, a.check)
	}
	for wait := execFirst; ; wait = min(wait*3/2, execPoll) {
		r, done, err := a.agent.status(ctx, pid)
		if err == nil && done {
			return r, nil
		}
		if err == nil {
			err = instance.Pause(ctx, wait)
		}
		if err != nil {
			a.kill(ctx, pid)
			return instance.Result{}, a.check(err)
		}
	}
}

// killChild ends process $0 with its children, where the agent that runs this is its parent: after the guest has
// booted, or its agent was started anew, another process may have that number.
const killChild = `[ "$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$0/status" 2>/dev/null)" = "$PPID" ] || exit 0
kill -KILL $(ps -o pid= --ppid "$0" 2>/dev/null) "$0"`

// kill ends a command whose caller went away: half a command must not go on.
func (a *agentChannel) kill(ctx context.Context, pid int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), channelLimit)
	defer cancel()
	_, _ = a.agent.spawn(ctx, instance.Command{Args: []string{"/bin/sh", "-c", killChild, fmt.Sprint(pid)}},
		nil) // the guest may be gone, too
}

func (a *agentChannel) detach(ctx context.Context, c instance.Command) error {
	_, err := a.agent.spawn(ctx, wrapped(c), nil)
	return a.check(err)
}

func (a *agentChannel) read(ctx context.Context, name string) ([]byte, error) {
	b, err := a.agent.read(ctx, name)
	return b, a.check(err)
}

func (a *agentChannel) write(ctx context.Context, name string, content []byte) error {
	return a.check(a.agent.write(ctx, name, content))
}

// wrapped puts the user and the folder of a command into the command itself.
func wrapped(c instance.Command) instance.Command {
	if c.Dir != "" {
		c.Args = append([]string{"/bin/sh", "-c", `cd "$0" && exec "$@"`, c.Dir}, c.Args...)
	}
	if c.User != "" && c.User != "root" {
		c.Args = append([]string{"runuser", "-u", c.User, "--"}, c.Args...)
	}
	return c
}

// inputOf reads the standard input of a command, which travels in one request.
func inputOf(c instance.Command) ([]byte, error) {
	if c.Stdin == nil {
		return nil, nil
	}
	b, err := io.ReadAll(io.LimitReader(c.Stdin, inputMost+1))
	if err != nil {
		return nil, fmt.Errorf("read its input: %w", err)
	}
	if len(b) > inputMost {
		return nil, fmt.Errorf("its input is longer than %d bytes; put it into the guest as a file", inputMost)
	}
	return b, nil
}

const exitNotFound = 127 // as a shell says it

// notFound makes a result of a command that the guest does not have.
func notFound(err error, check func(error) error) (instance.Result, error) {
	var no *refusal
	if errors.As(err, &no) && strings.Contains(no.Desc, "No such file or directory") {
		return instance.Result{Exit: exitNotFound, Stderr: no.Error() + ": not found"}, nil
	}
	return instance.Result{}, check(err)
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return strings.TrimSpace(line)
}
