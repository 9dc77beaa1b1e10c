// Command lifeboat proves that recovery works: it boots backups into sealed,
// temporary instances, breaks them as an upgrade does, rolls back, and judges
// by the clock and by the business.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/spf13/cobra"

	"lifeboat/drills"
	"lifeboat/internal/startup"
	"lifeboat/scenarios"
)

// version of this lifeboat.
const version = "0.1.0"

// The exit codes of every command; where several hold, the first of: 4, 130, 1, 3, 0.
const (
	exitPassed       = 0
	exitFailed       = 1
	exitUsage        = 2
	exitInconclusive = 3
	exitLeft         = 4
	exitInterrupted  = 130
)

const exitHelp = `
Exit codes: 0 passed · 1 failed · 2 usage, scenario problem or preflight refused ·
3 inconclusive or the harness broke · 4 something could not be cleaned up · 130 interrupted`

// exitError carries the exit code of a command whose output is complete already.
type exitError struct{ code int }

func (e *exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// brokenNight says that a night ended by the harness, and by nobody's mistake in using it.
type brokenNight struct{ error }

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main without the process: everything that a script test needs.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	startup.Done()
	a := &app{stdin: stdin, stdout: stdout, stderr: stderr, logs: &redirect{to: stderr}}
	ctx, stop := a.interruptible(context.Background())
	defer stop()
	root := a.root()
	root.SetArgs(args)
	err := aborted(ctx, root.ExecuteContext(ctx))
	a.json = a.json || asksJSON(args)
	a.complain(err)
	return exitCode(err)
}

// asksJSON finds --json where the flags were not read to their end, because a
// mistake stands before it.
func asksJSON(args []string) bool {
	for _, arg := range args {
		if arg == "--" {
			return false
		}
		if arg == "--json" || arg == "--json=true" {
			return true
		}
	}
	return false
}

// aborted says of an error under a signal that it was the signal's: what it
// broke off reports no more than a cancelled context.
func aborted(ctx context.Context, err error) error {
	var exit *exitError
	var abort *drills.AbortError
	if err == nil || errors.As(err, &exit) || errors.As(err, &abort) || !errors.As(context.Cause(ctx), &abort) {
		return err
	}
	return fmt.Errorf("%w: %w", abort, err)
}

// exitCode decides in one place.
func exitCode(err error) int {
	var exit *exitError
	var abort *drills.AbortError
	var broken *drills.BrokenError
	var dark *brokenNight
	switch {
	case err == nil:
		return exitPassed
	case errors.As(err, &exit):
		return exit.code
	case errors.As(err, &broken) && broken.Left > 0:
		return exitLeft
	case errors.As(err, &broken):
		return exitInconclusive
	case errors.As(err, &abort):
		return exitInterrupted
	case errors.As(err, &dark):
		return exitInconclusive
	}
	return exitUsage
}

// complain prints an error that is not yet printed: as JSON when JSON was asked for.
func (a *app) complain(err error) {
	var exit *exitError
	if err == nil || errors.As(err, &exit) {
		return
	}
	var problems scenarios.Problems
	isProblems := errors.As(err, &problems)
	if !a.json {
		if isProblems { // file:line:column first, where editors look for it
			fmt.Fprintln(a.stderr, printed(problems.Error()))
			return
		}
		fmt.Fprintln(a.stderr, "lifeboat:", printed(err.Error()))
		return
	}
	out := struct {
		Error    string              `json:"error"`
		Problems []scenarios.Problem `json:"problems,omitempty"`
		Refused  []string            `json:"refused,omitempty"`
		Exit     int                 `json:"exit"`
	}{Error: err.Error(), Exit: exitCode(err)}
	var refused *drills.RefusedError
	if isProblems {
		out.Problems = problems
	}
	if errors.As(err, &refused) {
		out.Refused = refused.Reasons
	}
	if e := json.NewEncoder(a.stdout).Encode(out); e != nil {
		fmt.Fprintln(a.stderr, "lifeboat:", err)
	}
}

// app is what all commands share.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	logs           *redirect // standard error, or the live view while it runs
	screen         screen
	typing         sync.Once
	keyed          chan string // lines typed by the person at the terminal
	reader         scenarios.Reader
	home           string
	language       string
	json           bool
	verbose        bool
}

func (a *app) root() *cobra.Command {
	c := &cobra.Command{
		Use: "lifeboat", Short: "Prove that recovery works: drill restores, upgrades gone wrong, and rollbacks",
		Long:         "lifeboat rehearses the worst day on backups, in sealed and temporary instances.\n" + exitHelp,
		SilenceUsage: true, SilenceErrors: true, Version: version,
	}
	c.SetIn(a.stdin)
	c.SetOut(a.stdout)
	c.SetErr(a.stderr)
	home := cmp.Or(os.Getenv("LIFEBOAT_HOME"), ".lifeboat")
	f := c.PersistentFlags()
	f.StringVar(&a.home, "home", home, "folder of the drills' journals and records (LIFEBOAT_HOME)")
	f.StringVar(&a.language, "lang", language(),
		"language of reports, live view and history: en or zh (LIFEBOAT_LANG, LANG);\nproblems, plans and help are in English")
	f.BoolVar(&a.json, "json", false, "results as JSON on standard output, errors included")
	f.BoolVar(&a.verbose, "verbose", false, "log what is done to standard error")
	c.AddCommand(a.newCommand(), a.validateCommand(), a.planCommand(), a.drillCommand(), a.reportCommand(),
		a.historyCommand(), a.verifyCommand(), a.profileCommand(), a.gateCommand(),
		a.approveCommand(), a.noteCommand(), a.abortCommand(), a.sweepCommand(), a.doctorCommand(),
		a.auditCommand(), a.reapCommand())
	return c
}
