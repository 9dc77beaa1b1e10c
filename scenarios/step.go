package scenarios

import (
	"fmt"
	"iter"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Step is one action of a preparation, an upgrade or a rollback; exactly one of its keys is set.
type Step struct {
	Exec    *ExecStep   `yaml:"exec"`
	Stop    StopStep    `yaml:"stop"`    // the instance
	Start   StartStep   `yaml:"start"`   // the instance
	Destroy DestroyStep `yaml:"destroy"` // the instance with its data; boot makes a new one
	Boot    *BootStep   `yaml:"boot"`    // also written as: boot: db
	Restore RestoreStep `yaml:"restore"` // load the instance's backup again into the running machine
	Script  *ScriptStep `yaml:"script"`
	Wait    *WaitStep   `yaml:"wait"`
	// the machine starts its own kernel again; a container is stopped and started
	Reboot   RebootStep    `yaml:"reboot"`
	Snapshot *SnapshotStep `yaml:"snapshot"`
	Revert   *RevertStep   `yaml:"revert"` // drop everything since the snapshot and boot from it
	Put      *PutStep      `yaml:"put"`
	Select   *SelectStep   `yaml:"select-kernel"`
	Predict  *PredictStep  `yaml:"predict"` // in the scenario's upgrade
	Timeout  Duration      `yaml:"timeout"` // default 1h
	Pos      Pos           `yaml:"-"`
}

func (s *Step) defaults() { s.Timeout = hour }

// Action is what a step does. A key of Step whose type is one is all that this package knows of it; the engine's table of
// steps has a row for its key.
type Action interface {
	// String tells it for the plan, the journal and the reports, which know these forms in other languages. The first word
	// names the kind of step in journals.
	String() string
	Traits() Traits
	// review notes what is wrong with it, and makes paths absolute; at is the path of its key.
	review(r *review, at string)
}

// Traits are what has to be known of an action without knowing which it is.
type Traits struct {
	On      string   // the instance that it is about; empty: none, or the whole drill
	Begun   string   // what becomes of that instance while the action goes on, as a live view calls it; empty: nothing
	Done    string   // and when it is done
	Reads   []string // backups that it needs; empty names are none
	OwnDisk bool     // the instance must have a disk and a kernel of its own
	Fresh   bool     // nothing that was done to the instance before is left
	Rebuilt bool     // it brings the instance back: from a backup, from a snapshot, or on its old data
	Changes bool     // it makes the instance another one, or runs something
}

// keyed is an action with the key under which it stands.
type keyed struct {
	key string
	Action
}

// Action of the step and its key; nil where it has none. A scenario without problems has exactly one in each step.
func (s Step) Action() (key string, a Action) {
	for _, k := range s.actions() {
		return k.key, k.Action
	}
	return "", nil
}

// Traits of the step's action.
func (s Step) Traits() (t Traits) {
	if _, a := s.Action(); a != nil {
		t = a.Traits()
	}
	return t
}

// String is what the step does.
func (s Step) String() string {
	if _, a := s.Action(); a != nil {
		return a.String()
	}
	return ""
}

func (s Step) actions() (all []keyed) {
	for key, v := range fieldsOf(reflect.ValueOf(s)) {
		if !v.IsZero() {
			all = append(all, keyed{key, v.Interface().(Action)})
		}
	}
	return all
}

// StepKeys lists what a step can be.
func StepKeys() (keys []string) {
	for key := range fieldsOf(reflect.ValueOf(Step{})) {
		keys = append(keys, key)
	}
	return keys
}

// fieldsOf visits the fields of a step that are actions, in their order.
func fieldsOf(step reflect.Value) iter.Seq2[string, reflect.Value] {
	return func(visit func(string, reflect.Value) bool) {
		for i := range step.NumField() {
			f := step.Type().Field(i)
			if f.Type.Implements(reflect.TypeFor[Action]()) && !visit(f.Tag.Get("yaml"), step.Field(i)) {
				return
			}
		}
	}
}

// TraitsOf a kind of step, as journals name it; none of a kind that only a later lifeboat knows. What a step names itself is empty.
func TraitsOf(kind string) (t Traits) {
	for _, v := range fieldsOf(reflect.ValueOf(Step{})) {
		if v.Kind() == reflect.Pointer {
			v = reflect.New(v.Type().Elem())
		}
		a := v.Interface().(Action)
		if word, _, _ := strings.Cut(a.String(), " "); word == kind {
			return a.Traits()
		}
	}
	return t
}

// EachStep visits the steps of the preparation, of every upgrade and of every rollback, in their order.
func (s *Scenario) EachStep(visit func(path string, st Step)) {
	each := func(path string, steps []Step) {
		for i, st := range steps {
			visit(index(path, i), st)
		}
	}
	each("prepare", s.Prepare)
	each("upgrade", s.Upgrade)
	for k, in := range s.Incidents {
		each(s.part(k, "upgrade"), in.Upgrade)
		each(s.part(k, "rollback"), in.Rollback)
	}
}

// steps checks the actions of every upgrade and of every rollback.
func (r *review) steps() {
	r.sc.EachStep(r.step)
	r.snapshots()
}

// step checks one action.
func (r *review) step(path string, s Step) {
	var set []string
	keys := StepKeys()
	for _, key := range keys {
		if r.given(path + "." + key) {
			set = append(set, key)
		}
	}
	switch {
	case len(set) == 0:
		r.problem(path, "give one of "+strings.Join(keys, ", "), "does nothing")
	case len(set) > 1:
		r.problem(path, "write each as a step of its own", "does several things at once: %s", strings.Join(set, ", "))
	}
	if s.Timeout == 0 {
		r.problem(path+".timeout", "", "cannot be 0s")
	}
	for _, a := range s.actions() {
		a.review(r, path+"."+a.key)
	}
}

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
