package verifier

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"syscall"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// Asked is what all checks have: a name, and the instance that they ask ("" for several or none).
type Asked struct{ name, on string }

// AskedOf names a check.
func AskedOf(name, on string) Asked { return Asked{name: name, on: on} }

// Name implements Check.
func (a Asked) Name() string { return a.name }

// On is the instance whose state the check is about.
func (a Asked) On() string { return a.on }

// Passed is the answer yes.
func Passed(format string, args ...any) Answer { return answer(record.CheckPassed, format, args) }

// Failed is the answer no: the system's fault.
func Failed(format string, args ...any) Answer { return answer(record.CheckFailed, format, args) }

// Silent is the answer no where there was none within a limit of time.
func Silent(within time.Duration, format string, args ...any) Answer {
	a := answer(record.CheckFailed, format, args)
	a.Late = within
	return a
}

// Crashed says that there is no answer: the drill's fault, or the harness's.
func Crashed(format string, args ...any) Answer { return answer(record.CheckCrashed, format, args) }

func answer(s record.CheckStatus, format string, args []any) Answer {
	return Answer{Status: s, Message: Line(fmt.Sprintf(format, args...), 400), Said: record.SaidOf(format, args...)}
}

// Line makes one line of at most n bytes of any text. The mark at the cut says where the engine has to look for
// the rest of a secret.
func Line(text string, n int) string {
	words := string(bytes.Join(bytes.Fields([]byte(text)), []byte(" ")))
	words = strings.ToValidUTF8(words, "?")
	if len(words) > n {
		words = strings.ToValidUTF8(words[:n], "") + "…"
	}
	return words
}

// envelope is how facts stand in the record: those of another kind are no answer.
type envelope struct {
	Kind string          `json:"kind"`
	Seen json.RawMessage `json:"seen"`
}

// Encode writes what a check of a kind has seen.
func Encode(kind string, seen any) (Facts, error) {
	b, err := json.Marshal(seen)
	if err != nil {
		return nil, fmt.Errorf("write facts: %w", err)
	}
	return json.Marshal(envelope{Kind: kind, Seen: b})
}

var errNothing = errors.New("nothing was observed")

// decode reads facts strictly: what this kind did not write is no answer.
func decode(f Facts, kind string, into any) error {
	var e envelope
	if len(f) == 0 {
		return errNothing
	}
	if err := strict(f, &e); err != nil {
		return err
	}
	if e.Kind != kind {
		return fmt.Errorf("facts are of kind %q, not %q", e.Kind, kind)
	}
	if len(e.Seen) == 0 || string(e.Seen) == "null" {
		return errNothing
	}
	return strict(e.Seen, into)
}

func strict(raw []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read facts: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read facts: something follows them")
	}
	return nil
}

// JudgeAs reads the facts of a check and has them judged. Facts that cannot be
// read are crashed. before is nil where nothing was observed before.
func JudgeAs[T any](kind string, before, after Facts, judge func(before *T, after T) Answer) Answer {
	var now T
	if err := decode(after, kind, &now); err != nil {
		return Crashed("%v", err)
	}
	if len(before) == 0 {
		return judge(nil, now)
	}
	var then T
	if err := decode(before, kind, &then); err != nil {
		return Crashed("before the upgrade: %v", err)
	}
	return judge(&then, now)
}

// Comparer is a check that may hold the state after the rollback against the
// state before the upgrade.
type Comparer interface {
	// Compares tells that it does, so that an answer without a before proves nothing.
	Compares() bool
}

// Judge judges what was observed at a time of the drill. A check that compares
// and has nothing to compare with does not pass, except at the first observation.
func Judge(c Check, when record.When, before, after Facts) (a Answer) {
	defer func() {
		if p := recover(); p != nil {
			a = Crashed("the check crashed: %v", p)
		}
	}()
	if when == record.Before {
		before = nil
	} else if with, ok := c.(Comparer); ok && with.Compares() && len(before) == 0 {
		return Crashed("nothing was recorded before the upgrade to compare with")
	}
	return c.Judge(before, after)
}

// ErrDown says that an instance cannot be asked because it does not run. A
// Target may wrap it: it is an answer of the system's.
var ErrDown = errors.New("the instance is not running")

// SystemFault tells whether an error of a Target is the system's own doing, and
// not the harness's: nobody listens, or the instance does not run or come up.
func SystemFault(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, ErrDown) || errors.As(err, new(*instance.BootError))
}

// Unasked tells whether an error means that a question did not get through, so that nothing was answered.
func Unasked(err error) bool {
	return errors.As(err, new(*instance.UnaskedError))
}

// Kinds makes the checks of a layer, each by its kind.
type Kinds map[string]func(spec scenarios.CheckSpec) (Check, []scenarios.Problem)

// Names of the kinds, sorted.
func (k Kinds) Names() []string { return slices.Sorted(maps.Keys(k)) }

// New makes a check of its part of a scenario.
func (k Kinds) New(layer string, spec scenarios.CheckSpec) (Check, []scenarios.Problem) {
	if make, ok := k[spec.Kind]; ok {
		return make(spec)
	}
	return nil, []scenarios.Problem{spec.Settings.Problem("", "kinds: "+strings.Join(k.Names(), ", "),
		"there is no %s check %q", layer, spec.Kind)}
}
