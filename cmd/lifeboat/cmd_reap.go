package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/drills/ledger"
)

// readyLine is what a reaper says once it holds the pipe and knows its drill.
const readyLine = "holding\n"

// reaperStarts is how long a reaper may take to say so, reaperEnds to leave once it was told.
const (
	reaperStarts = 10 * time.Second
	reaperEnds   = 10 * time.Second
)

// reapCommand is the reaper itself: hidden, started by every drill.
func (a *app) reapCommand() *cobra.Command {
	var drill string
	c := &cobra.Command{
		Use: "reap", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			signal.Ignore(os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
			if _, err := ledger.LoadScope(filepath.Join(a.home, "drills", drill)); err != nil {
				return fmt.Errorf("reap drill %q: %w", drill, err)
			}
			hidden := &drills.Hidden{} // its log lies in the drill's folder, and engines repeat what they are asked
			a.stderr = hidden.Writer(a.stderr)
			a.logs.turn(a.stderr)
			req := drills.ReapRequest{Home: a.home, Drill: drill, Kit: a.kit(), Hidden: hidden}
			if _, err := fmt.Fprint(a.stdout, readyLine); err != nil {
				return err
			}
			left, err := drills.RunReaper(context.WithoutCancel(cmd.Context()), req, a.stdin)
			if err == nil && len(left) > 0 {
				return &exitError{exitLeft}
			}
			return err
		},
	}
	c.Flags().StringVar(&drill, "drill", "", "id of the drill")
	return c
}

// reaperProcess is a reaper and the pipe that it holds.
type reaperProcess struct {
	pipe  *os.File
	pid   int
	ended chan struct{}
	err   error // of its end; read after ended
}

// newReaper starts a reaper in a session of its own, so that the end of the terminal is not its end.
func (a *app) newReaper(ctx context.Context, s ledger.Scope) (*reaperProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	home, err := filepath.Abs(a.home)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(s.Home, "reaper.log")
	log, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the reaper's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(self, "reap", "--home", home, "--drill", s.Drill)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	cmd.Stderr = log
	theirs, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	cmd.Stdin = theirs
	said, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, errors.Join(err, ours.Close())
	}
	if err := ready(ctx, said); err != nil {
		// Nothing exists yet that it could clean up, or another takes its place, and two must not write one journal.
		return nil, errors.Join(fmt.Errorf("%w; see %s", err, path), cmd.Process.Kill(), ours.Close(), ended(cmd))
	}
	p := &reaperProcess{pipe: ours, pid: cmd.Process.Pid, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = cmd.Wait()
	}()
	return p, nil
}

// ready waits until the reaper says that it is there.
func ready(ctx context.Context, said io.Reader) error {
	line := make(chan string, 1)
	go func() {
		text, _ := bufio.NewReader(said).ReadString('\n') // nothing said is the answer "no"
		line <- text
	}()
	select {
	case text := <-line:
		if text != readyLine {
			return errors.New("the reaper ended at once")
		}
		return nil
	case <-time.After(reaperStarts):
		return fmt.Errorf("the reaper did not begin within %s", reaperStarts)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// ended waits for a reaper that was killed; that it was is no error.
func ended(cmd *exec.Cmd) error {
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		return err
	}
	return nil
}
