package drills

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// judgedAgain judges a drill from its journal and raw/ alone: the record is built event by event, each check judges what it
// observed, and the record is judged. The error is each difference to what was written when the drill ended.
func judgedAgain(alone string, checks []CheckPlan, written *Result) error {
	b, err := os.ReadFile(filepath.Join(alone, journalName))
	if err != nil {
		return err
	}
	events, err := record.Read(bytes.NewReader(b))
	if err != nil {
		return err
	}
	builder, observed, errs := record.NewBuilder(), map[string]verifier.Facts{}, []error{}
	for _, e := range events {
		data, err := record.Decode(e)
		if err != nil {
			return err
		}
		if c, ok := data.(record.CheckResult); ok {
			errs = append(errs, answeredAgain(alone, checks, observed, c))
		}
		if err := builder.Add(e); err != nil {
			return err
		}
	}
	r := builder.Record()
	errs = append(errs, same("record", written.Record, r), same("verdict", written.Verdict, objective.Judge(r)))
	return errors.Join(errs...)
}

// answeredAgain holds the answer of a check against the one that is judged from what it observed then, and before.
func answeredAgain(alone string, checks []CheckPlan, observed map[string]verifier.Facts, was record.CheckResult) error {
	whole, err := wholeFacts(alone, was)
	if err != nil || len(whole) == 0 && was.Status == record.CheckCrashed { // it could not ask, and that is its answer
		return err
	}
	for _, c := range checks {
		if c.Spec.Name != was.Name || c.Spec.Layer != was.Layer {
			continue
		}
		a := verifier.Judge(c.Check, was.When, observed[was.Name], whole)
		if was.When == record.Before {
			observed[was.Name] = whole
		}
		if bytes.Contains(whole, []byte("***")) || strings.Contains(was.Message, "***") {
			return nil // a secret stood there, which may be what was asked for
		}
		return errors.Join(same(was.Name+"'s status", was.Status, a.Status), same(was.Name+"'s message", was.Message, a.Message),
			same(was.Name+"'s differences", was.Diff, a.Diff))
	}
	return fmt.Errorf("there is no check %s", was.Name)
}

func same(what string, want, got any) error {
	w, err1 := json.Marshal(want)
	g, err2 := json.Marshal(got)
	if err1 == nil && err2 == nil && bytes.Equal(w, g) || reflect.DeepEqual(want, got) {
		return nil
	}
	return errors.Join(err1, err2, fmt.Errorf("the %s was %s and is %s", what, w, g))
}

// leaveAlone copies a drill's journal and raw/, and nothing else.
func leaveAlone(t *testing.T, dir string) string {
	t.Helper()
	alone := t.TempDir()
	b, err := os.ReadFile(filepath.Join(dir, journalName))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(alone, journalName), b, 0o600))
	require.NoError(t, os.CopyFS(filepath.Join(alone, "raw"), os.DirFS(filepath.Join(dir, "raw"))))
	return alone
}

// lengthy is a check whose facts do not fit into the journal, and whose last word decides.
type lengthy struct{ fakeCheck }

func (lengthy) Compares() bool { return true }

func (l lengthy) Observe(context.Context, verifier.Target) (verifier.Facts, error) {
	status := record.CheckPassed
	if l.w.answer != nil {
		status = l.w.answer(l.name)
	}
	return json.Marshal(strings.Repeat("packages ", 1000) + string(status))
}

func (lengthy) Judge(before, after verifier.Facts) verifier.Answer {
	var was, is string
	if err := json.Unmarshal(after, &is); err != nil {
		return verifier.Crashed("%v", err)
	}
	words := strings.Fields(is)
	a := verifier.Answer{Status: record.CheckStatus(words[len(words)-1]), Message: fmt.Sprintf("%d words", len(words))}
	if json.Unmarshal(before, &was) == nil && was != is {
		a.Diff = []string{was[len(was)-10:] + " / " + is[len(is)-10:]}
	}
	return a
}

// What checks observed is kept whole, so that whoever has a drill's journal and raw/ can judge all of it again. Every drill
// of these tests is (see world.run); here are those with facts that are longer than the journal takes, and what is missed
// where some are gone.
func TestJudgedAgain(t *testing.T) {
	for name, answer := range map[string]func(*world) func(string) record.CheckStatus{
		"passed": func(*world) func(string) record.CheckStatus { return nil },
		"failed after the rollback": func(w *world) func(string) record.CheckStatus {
			return func(name string) record.CheckStatus {
				if name == "data" && w.loads > 1 {
					return record.CheckFailed
				}
				return record.CheckPassed
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.answer = answer(w)
			w.change = func(k *Kit) {
				k.Checks["data/ask"] = func(s scenarios.CheckSpec, _ string) (verifier.Check, []scenarios.Problem) {
					return lengthy{fakeCheck{w, s.Name}}, nil
				}
			}
			res := w.run(simple)
			assert.Equal(t, w.answer != nil, res.Verdict.Status == record.StatusFailed, "%+v", res.Verdict.Reasons)
			files, err := filepath.Glob(filepath.Join(res.Dir, "raw", "facts", "*.json"))
			require.NoError(t, err)
			require.NotEmpty(t, files)
			for _, file := range files {
				for how, harm := range map[string]func(path string) error{
					"gone": os.Remove,
					"cut":  func(path string) error { return os.Truncate(path, factsShown) },
				} {
					alone := leaveAlone(t, res.Dir)
					require.NoError(t, judgedAgain(alone, w.checks, res))
					require.NoError(t, harm(filepath.Join(alone, "raw", "facts", filepath.Base(file))))
					assert.Error(t, judgedAgain(alone, w.checks, res), how)
				}
			}
		})
	}
}

// Where what a check observed cannot be kept, nobody can judge it again: the drill cannot pass.
func TestFactsThatCannotBeKept(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) {
		k.Checks["data/ask"] = func(s scenarios.CheckSpec, _ string) (verifier.Check, []scenarios.Problem) {
			return lengthy{fakeCheck{w, s.Name}}, nil
		}
	}
	w.answer = func(string) record.CheckStatus {
		dirs, err := List(w.home)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dirs[0], "raw", "facts"), nil, 0o600)) // in the folder's place
		return record.CheckPassed
	}
	res := w.run(simple)
	assert.Equal(t, record.StatusInconclusive, res.Verdict.Status)
	assert.Contains(t, reasons(res.Verdict), "harness.broke")
}
