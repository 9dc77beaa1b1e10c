// Package system holds the checks of the system layer: a command's answer, a
// file, the state of files, packages and kernel before against after, and what
// the machine of an image or of a disk must show without being told.
package system

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// commandKeys of the scenario.
type commandKeys struct {
	Instance string   `yaml:"on"`      // instance; needed
	Run      []string `yaml:"run"`     // without a shell
	Exact    *string  `yaml:"expect"`  // what it prints, but for the last line break
	Matches  string   `yaml:"matches"` // regular expression (RE2) over what it prints
	Exit     *int     `yaml:"exit"`    // default 0
}

// command asks by running a program in an instance.
type command struct {
	verifier.Asked
	keys    commandKeys
	pattern *regexp.Regexp
}

type ran struct {
	Ran    bool   `json:"ran"`
	Exit   int    `json:"exit"`
	Stdout string `json:"stdout,omitempty"`
	Cut    bool   `json:"cut,omitempty"`
	Stderr string `json:"stderr,omitempty"`
	Error  string `json:"error,omitempty"`
}

func newCommand(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &command{}, spec.Settings
	problems := s.Decode(&c.keys)
	k := c.keys
	if k.Instance == "" {
		problems = append(problems, noInstance(s))
	}
	if len(k.Run) == 0 || k.Run[0] == "" {
		problems = append(problems, s.Problem("run", "run: [systemctl, is-active, app]", "command runs nothing"))
	}
	if k.Matches != "" {
		var err error
		if c.pattern, err = regexp.Compile(k.Matches); err != nil {
			problems = append(problems, s.Problem("matches", "", "%v", err))
		} else if c.pattern.MatchString("") {
			problems = append(problems, s.Problem("matches", "anchor it, such as ^ok$", "it also matches an empty answer"))
		}
	}
	if k.Exact != nil && strings.TrimSpace(*k.Exact) == "" {
		problems = append(problems, s.Problem("expect", "exit: 0 asks for the exit code alone",
			"an empty answer proves nothing"))
	}
	if k.Exact == nil && k.Matches == "" && k.Exit == nil && len(problems) == 0 {
		problems = append(problems, s.Problem("", "add expect, matches or exit: 0", "command expects nothing"))
	}
	if k.Exit != nil && (*k.Exit < 0 || *k.Exit > 255) {
		problems = append(problems, s.Problem("exit", "", "%d is not an exit code", *k.Exit))
	}
	c.Asked = verifier.AskedOf(spec.Name, k.Instance)
	return c, problems
}

// mostOutput that is kept of a command.
const mostOutput = 64 << 10

// Observe implements verifier.Check.
func (c *command) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	o, err := t.Exec(ctx, c.On(), c.keys.Run)
	switch {
	case errors.Is(err, verifier.ErrDown):
		return verifier.Encode("command", ran{Error: err.Error()})
	case err != nil:
		return nil, fmt.Errorf("run %s on %s: %w", c.keys.Run[0], c.On(), err)
	}
	cut := len(o.Stdout) > mostOutput
	return verifier.Encode("command",
		ran{Ran: true, Exit: o.Exit, Stdout: clip(o.Stdout), Stderr: clip(o.Stderr), Cut: cut})
}

func clip(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), mostOutput)], "?")
}

// Judge implements verifier.Check.
func (c *command) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("command", before, after, c.judge)
}

func (c *command) judge(_ *ran, now ran) verifier.Answer {
	k := c.keys
	want := 0
	if k.Exit != nil {
		want = *k.Exit
	}
	said := strings.TrimRight(now.Stdout, "\r\n")
	what := verifier.Line(strings.Join(k.Run, " "), 80)
	switch {
	case now.Error != "":
		return verifier.Failed("%s on %s: %s", what, c.On(), now.Error)
	case !now.Ran:
		return verifier.Crashed("%s was not run", what)
	case now.Exit != want && absent(verifier.Output{Exit: now.Exit, Stdout: now.Stdout, Stderr: now.Stderr}):
		return verifier.Crashed("%s has no such program: %s", c.On(), verifier.Line(now.Stderr+now.Stdout, 200))
	case now.Exit != want:
		return verifier.Failed("%s ended with exit code %d, not %d: %s", what, now.Exit, want,
			verifier.Line(now.Stderr+" "+now.Stdout, 200))
	case (k.Exact != nil || k.Matches != "") && said == "":
		return verifier.Failed("%s printed nothing", what)
	case now.Cut && (k.Exact != nil || k.Matches != ""):
		return verifier.Crashed("%s printed more than %d KiB", what, mostOutput>>10)
	case k.Exact != nil && said != strings.TrimRight(*k.Exact, "\r\n"):
		return verifier.Failed("%s printed %q, not %q", what, verifier.Line(said, 150), *k.Exact)
	case k.Matches != "" && (c.pattern == nil || !c.pattern.MatchString(said)):
		return verifier.Failed("%s printed %q, which %q does not match", what, verifier.Line(said, 150), k.Matches)
	case said == "":
		return verifier.Passed("%s ended with exit code %d", what, now.Exit)
	}
	return verifier.Passed("%s printed %q", what, verifier.Line(said, 100))
}

var kinds = verifier.Kinds{"command": newCommand, "disk": newDisk, "file": newFile, "image": newImage, "state-unchanged": newState}

// Kinds of checks that New makes.
func Kinds() []string { return kinds.Names() }

// New makes a check of its part of a scenario. dir is the scenario's folder.
func New(spec scenarios.CheckSpec, _ string) (verifier.Check, []scenarios.Problem) {
	return kinds.New("system", spec)
}

// noInstance says that a check names no instance.
func noInstance(s scenarios.Settings) scenarios.Problem {
	return s.Problem("on", "name the instance, on: db", "%s asks an instance", s.Kind)
}

// absent tells that a machine does not have the program at all: 126 and 127 are
// what shells and container engines say then, the latter with a sentence of theirs.
func absent(o verifier.Output) bool {
	said := o.Stdout + o.Stderr
	return (o.Exit == 126 || o.Exit == 127) &&
		(strings.Contains(said, "not found") || strings.Contains(strings.ToLower(said), "no such file"))
}

// try runs a program that a machine need not have. ok is false where it has none.
func try(ctx context.Context, t verifier.Target, on string, args ...string) (o verifier.Output, ok bool, err error) {
	o, err = t.Exec(ctx, on, args)
	if err != nil && strings.Contains(err.Error(), "executable file not found") {
		return o, false, nil // an engine may say so instead of an exit code; it has no type for it
	}
	return o, err == nil && !absent(o), err
}
