package verifiertest

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// New is how each layer makes its checks.
type New func(spec scenarios.CheckSpec, dir string) (verifier.Check, []scenarios.Problem)

// Make makes a check of the text of its keys and requires that it has no problem.
func Make(t testing.TB, build New, kind, keys string) verifier.Check {
	t.Helper()
	c, problems := build(Spec(t, kind, keys), "/scenario")
	require.Empty(t, problems)
	return c
}

// Spec reads the keys of a check named "it".
func Spec(t testing.TB, kind, keys string) scenarios.CheckSpec {
	t.Helper()
	s, err := scenarios.ParseSettings(kind, keys)
	require.NoError(t, err)
	return scenarios.CheckSpec{Kind: kind, Name: "it", Settings: s}
}

// Problems are the messages about a check's keys.
func Problems(t testing.TB, build New, kind, keys string) []string {
	t.Helper()
	_, problems := build(Spec(t, kind, keys), "/scenario")
	var all []string
	for _, p := range problems {
		all = append(all, p.Message)
	}
	return all
}

// Garbage is facts that no check may take for an answer.
func Garbage(kind string) []string {
	all := []string{"", "null", "{}", "[]", `""`, "0", "true", "{", `{"kind":"` + kind + `"}`,
		`{"kind":"other","seen":{}}`}
	for _, seen := range []string{"null", "{}", "[]", `"x"`, "0", `{"first":{}}`, `{"first":null}`, `{"rows":[]}`,
		`{"rows":0}`,
		`{"rows":-1}`, `{"rows":[[]]}`, `{"files":{}}`, `{"result":{}}`, `{"asked":true,"exists":true}`, `{"unknown":1}`} {
		all = append(all, `{"kind":"`+kind+`","seen":`+seen+`}`)
	}
	return all
}

// NeverPasses holds a check to the rules that all have: named, strict about its
// keys, and never passed without having seen anything, whatever was seen before.
func NeverPasses(t *testing.T, build New, kind, keys string) {
	c := Make(t, build, kind, keys)
	assert.Equal(t, "it", c.Name())
	_, has := c.(interface{ On() string })
	assert.True(t, has, "On")
	s, err := scenarios.ParseSettings(kind, keys[:len(keys)-1]+", no_such_key: 1}")
	require.NoError(t, err)
	_, problems := build(scenarios.CheckSpec{Kind: kind, Name: "it", Settings: s}, "")
	require.Len(t, problems, 1, "an unknown key")
	assert.Contains(t, problems[0].Message, `unknown key "no_such_key"`)
	s, err = scenarios.ParseSettings(kind, "{}")
	require.NoError(t, err)
	_, problems = build(scenarios.CheckSpec{Kind: kind, Name: "it", Settings: s}, "")
	assert.NotEmpty(t, problems, "no key at all asks nothing")

	for _, after := range Garbage(kind) {
		for _, before := range append(Garbage(kind), after) {
			for _, when := range []record.When{record.Before, record.Broken, record.After} {
				a := verifier.Judge(c, when, verifier.Facts(before), verifier.Facts(after))
				assert.NotEqual(t, record.CheckPassed, a.Status, "%s: before %s, after %s: %s", when, before, after, a.Message)
				assert.NotEmpty(t, a.Message)
				assert.NotContains(t, a.Message, "the check crashed", "before %s, after %s", before, after)
			}
		}
	}
	facts, err := c.Observe(context.Background(), Fake{Image: &verifier.Image{Says: &instance.ImageFacts{TCP: []int{80}}}})
	assert.ErrorIs(t, err, ErrNotScripted, "a broken harness is no answer")
	assert.Nil(t, facts)
}

// Fuzz holds Judge to the envelope: what passed was written by this kind, and judging it twice says the same.
func Fuzz(f *testing.F, build New, kinds map[string]string) {
	for kind := range kinds {
		for _, g := range Garbage(kind) {
			f.Add(kind, []byte(g), []byte(g))
		}
	}
	f.Fuzz(func(t *testing.T, kind string, before, after []byte) {
		keys, ok := kinds[kind]
		if !ok {
			t.Skip()
		}
		c := Make(t, build, kind, keys)
		a := verifier.Judge(c, "after", before, after)
		if a.Status != record.CheckPassed && a.Status != record.CheckFailed && a.Status != record.CheckCrashed {
			t.Fatalf("status %q", a.Status)
		}
		if a.Status != record.CheckPassed {
			return
		}
		var e struct {
			Kind string
			Seen map[string]any
		}
		if json.Unmarshal(after, &e) != nil || e.Kind != kind || len(e.Seen) == 0 {
			t.Fatalf("%s passed with %s", kind, after)
		}
		if again := verifier.Judge(c, "after", before, after); again.Status != a.Status {
			t.Fatalf("judged twice: %v, %v", a, again)
		}
	})
}
