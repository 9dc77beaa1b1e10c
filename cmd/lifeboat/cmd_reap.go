package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
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
			req := drills.ReapRequest{Home: a.home, Drill: drill, Kit: a.kit()}
			if _, err := fmt.Fprint(a.stdout, readyLine); err != nil {
				return err
			}
			left, err := drills.Hold(context.WithoutCancel(cmd.Context()), req, a.stdin)
			if err == nil && len(left) > 0 {
				return &exitError{exitLeft}
			}
			return err
		},
	}
	c.Flags().StringVar(&drill, "drill", "", "id of the drill")
	return c
}

// keeper holds the pipe of a reaper process.
type keeper struct {
	pipe io.WriteCloser
	cmd  *exec.Cmd
	log  *slog.Logger
}

// startReaper starts the reaper in a session of its own, so that the end of the terminal is not its end.
func (a *app) startReaper(ctx context.Context, s ledger.Scope) (drills.Keeper, error) {
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
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if err := ready(ctx, said); err != nil {
		// Nothing exists yet that it could clean up, and two must not write one journal.
		return nil, errors.Join(fmt.Errorf("%w; see %s", err, path), cmd.Process.Kill(), pipe.Close(), ended(cmd))
	}
	return &keeper{pipe: pipe, cmd: cmd, log: a.log()}, nil
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

// Hide implements drills.Keeper.
func (k *keeper) Hide(secrets []string) error {
	list, err := json.Marshal(secrets)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(k.pipe, "%s%s\n", drills.HideWord, list)
	return err
}

// Release implements drills.Keeper. That the reaper is dead already takes nothing away from a
// drill that is clean: it is worth a line of the log, and no more.
func (k *keeper) Release() error {
	err := k.say("done\n")
	gone := make(chan error, 1)
	go func() { gone <- errors.Join(err, k.cmd.Wait()) }()
	select {
	case err = <-gone:
	case <-time.After(reaperEnds):
		err = fmt.Errorf("it still runs %s after it was released (pid %d)", reaperEnds, k.cmd.Process.Pid)
	}
	if err != nil {
		k.log.Warn("release the reaper", "error", err)
	}
	return nil
}

// Keep implements drills.Keeper.
func (k *keeper) Keep() error {
	return errors.Join(k.say("keep\n"), k.cmd.Process.Release())
}

func (k *keeper) say(word string) error {
	_, err := io.WriteString(k.pipe, word)
	return errors.Join(err, k.pipe.Close())
}
