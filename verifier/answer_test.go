package verifier_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

type fact struct {
	N int `json:"n"`
}

func yes(before *fact, after fact) verifier.Answer {
	if before != nil {
		return verifier.Passed("%d before, %d after", before.N, after.N)
	}
	return verifier.Passed("%d", after.N)
}

func TestFactsOfAnotherKindAreNoAnswer(t *testing.T) {
	good, err := verifier.Encode("count", fact{N: 3})
	require.NoError(t, err)
	verifiertest.Says(t, verifier.Passed("3"), verifier.JudgeAs("count", nil, good, yes))
	verifiertest.Says(t, verifier.Passed("3 before, 3 after"), verifier.JudgeAs("count", good, good, yes))
	for name, bad := range map[string]string{
		"nothing": "", "null": "null", "empty object": "{}", "text": `"x"`, "list": "[]", "number": "1",
		"cut":          string(good[:len(good)-1]),
		"another kind": `{"kind":"tcp","seen":{"n":3}}`, "seen null": `{"kind":"count","seen":null}`,
		"no seen": `{"kind":"count"}`, "unknown key": `{"kind":"count","seen":{"n":3,"m":1}}`,
		"unknown outside": `{"kind":"count","seen":{"n":3},"x":1}`, "followed": string(good) + "{}",
		"wrong type": `{"kind":"count","seen":{"n":"3"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, record.CheckCrashed, verifier.JudgeAs("count", nil, verifier.Facts(bad), yes).Status)
			if bad != "" {
				assert.Equal(t, record.CheckCrashed, verifier.JudgeAs("count", verifier.Facts(bad), good, yes).Status)
			}
		})
	}
}

// compared is a check that needs a before.
type compared struct{ verifier.Asked }

func (compared) Compares() bool { return true }
func (compared) Observe(context.Context, verifier.Target) (verifier.Facts, error) {
	return verifier.Encode("count", fact{N: 1})
}
func (compared) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("count", before, after, yes)
}

type panicking struct{ compared }

func (panicking) Compares() bool                            { return false }
func (panicking) Judge(_, _ verifier.Facts) verifier.Answer { panic("out of range") }

func TestJudgeNeedsABefore(t *testing.T) {
	facts, err := compared{}.Observe(context.Background(), nil)
	require.NoError(t, err)
	assert.Equal(t, record.CheckPassed, verifier.Judge(compared{}, "before", nil, facts).Status,
		"the first observation is recorded")
	assert.Equal(t, record.CheckPassed, verifier.Judge(compared{}, "after", facts, facts).Status)
	assert.Equal(t, record.CheckCrashed, verifier.Judge(compared{}, "after", nil, facts).Status, "nothing to compare with")
	assert.Equal(t, record.CheckCrashed, verifier.Judge(compared{}, "broken", nil, facts).Status)
	verifiertest.Says(t, verifier.Crashed("the check crashed: out of range"), verifier.Judge(panicking{}, "after", nil, facts))
}

func TestSystemFault(t *testing.T) {
	refused := &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"refused":          {fmt.Errorf("connect: %w", refused), true},
		"down":             {fmt.Errorf("run: %w", verifier.ErrDown), true},
		"does not boot":    {&instance.BootError{Instance: "db", Reason: "it ended"}, true},
		"engine":           {errors.New("cannot connect to the engine"), false},
		"time":             {context.DeadlineExceeded, false},
		"nothing happened": {nil, false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, verifier.SystemFault(c.err)) })
	}
}

func TestLine(t *testing.T) {
	assert.Equal(t, "a b c", verifier.Line(" a\n\tb  c ", 10))
	assert.Equal(t, "aaa…", verifier.Line(strings.Repeat("a", 9), 3))
}
