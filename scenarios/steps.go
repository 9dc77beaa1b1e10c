package scenarios

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ExecStep runs a command on an instance; a non-zero exit fails the step unless AllowFailure.
type ExecStep struct {
	On   string   `yaml:"on" jsonschema:"required"`
	Run  []string `yaml:"run" jsonschema:"required"` // without a shell: [sh, -c, "…"] starts one
	User string   `yaml:"user"`                      // default: as the instance's own
	// an upgrade that fails half-way may be the point of the drill
	AllowFailure bool `yaml:"allow_failure"`
}

func (s *ExecStep) String() string {
	return fmt.Sprintf("exec on %s: %s", s.On, strings.Join(s.Run, " "))
}

// Traits implements Action.
func (s *ExecStep) Traits() Traits { return Traits{On: s.On, Changes: true} }

func (s *ExecStep) review(r *review, at string) { r.instance(at+".on", s.On) }

// ScriptStep runs the user's own script, unchanged, in a sealed control container.
type ScriptStep struct {
	File  string            `yaml:"file" jsonschema:"required"` // from the scenario's folder
	Args  []string          `yaml:"args"`
	Image string            `yaml:"image"` // default lifeboat/control:12
	Env   map[string]Secret `yaml:"env"`
	// put under /backups/<name> in the control container
	Backups      []string `yaml:"backups"`
	AllowFailure bool     `yaml:"allow_failure"` // a non-zero exit does not fail the step
}

func (s *ScriptStep) defaults() { s.Image = controlImage }

func (s *ScriptStep) String() string {
	return fmt.Sprintf("script %s", strings.Join(append([]string{filepath.Base(s.File)}, s.Args...), " "))
}

// Traits implements Action.
func (s *ScriptStep) Traits() Traits { return Traits{Reads: s.Backups, Changes: true} }

func (s *ScriptStep) review(r *review, at string) {
	for i, n := range s.Backups {
		r.backup(index(at+".backups", i), n)
	}
	if s.File != "" {
		s.File = r.script(at+".file", s.File, Settings{})
	}
}

// PutStep copies a file, or a folder with all below it, into a running machine.
type PutStep struct {
	On string `yaml:"on" jsonschema:"required"`
	// a file or a folder beside the scenario, without links
	From string `yaml:"from" jsonschema:"required"`
	// its full path in the machine; the folder around it must be there
	To string `yaml:"to" jsonschema:"required"`
}

func (s *PutStep) String() string {
	return fmt.Sprintf("put %s into %s at %s", filepath.Base(s.From), s.On, s.To)
}

// Traits implements Action.
func (s *PutStep) Traits() Traits { return Traits{On: s.On, Changes: true} }

func (s *PutStep) review(r *review, at string) {
	r.instance(at+".on", s.On)
	r.guestPath(at+".to", s.To)
	if s.From != "" {
		s.From = r.tree(at+".from", s.From)
	}
}

// WaitStep waits until a check of the scenario passes.
type WaitStep struct {
	Check  string   `yaml:"check" jsonschema:"required"` // its name
	Within Duration `yaml:"within"`                      // default 5m
}

func (s *WaitStep) defaults() { s.Within = 5 * minute }

func (s *WaitStep) String() string { return fmt.Sprintf("wait for %s", s.Check) }

// Traits implements Action.
func (s *WaitStep) Traits() Traits { return Traits{} }

// review checks that the check exists.
func (s *WaitStep) review(r *review, at string) {
	var names []string
	for _, c := range r.sc.Checks.All() {
		names = append(names, c.Name)
	}
	if s.Check != "" && !slices.Contains(names, s.Check) {
		for i, n := range names {
			names[i] = strconv.Quote(n)
		}
		r.problem(at+".check", nearest(strconv.Quote(s.Check), names, "checks: "), "there is no check %q", clip(s.Check))
	}
	if s.Within == 0 {
		r.problem(at+".within", "", "cannot be 0s")
	}
}
