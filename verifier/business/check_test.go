package business

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
	"lifeboat/verifier"
	"lifeboat/verifier/verifiertest"
)

const keys = `{script: flows/a.js, iterations: 2}`

func TestEveryKind(t *testing.T) {
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) { verifiertest.NeverPasses(t, NewCheck, kind, keys) })
	}
	_, problems := NewCheck(verifiertest.Spec(t, "tcp", "{}"), "")
	assert.Len(t, problems, 1)
	assert.Equal(t, []string{"iterations: 0 iterations prove nothing"},
		verifiertest.Problems(t, NewCheck, "k6", `{script: a.js, iterations: 0}`))
	assert.Equal(t, []string{"script: k6 runs no script"}, verifiertest.Problems(t, NewCheck, "k6", `{timeout: 5s}`))
}

func FuzzJudge(f *testing.F) { verifiertest.Fuzz(f, NewCheck, map[string]string{"k6": keys}) }

func TestControl(t *testing.T) {
	one := verifier.FlowResult{Iterations: 1, Good: 1, ChecksPassed: 1, Complete: true}
	all := verifier.FlowResult{Iterations: 500, Good: 500, ChecksPassed: 500, Complete: true}
	threshold := func(r verifier.FlowResult, failed string) verifier.FlowResult {
		r.Exit, r.Failed = 99, []string{failed}
		return r
	}
	for name, c := range map[string]struct {
		results []verifier.FlowResult // of one iteration, and of all
		want    record.CheckStatus
	}{
		"green":   {[]verifier.FlowResult{one}, record.CheckPassed},
		"nothing": {[]verifier.FlowResult{{Complete: true, Exit: 100}}, record.CheckCrashed},
		"red":     {[]verifier.FlowResult{{Iterations: 1, ChecksFailed: 1, Complete: true}}, record.CheckFailed},
		"green, with a threshold that fails": {[]verifier.FlowResult{threshold(one, "http_req_failed: rate<0.01"),
			threshold(all, "http_req_failed: rate<0.01")}, record.CheckFailed},
		"green, with a threshold that one iteration cannot hold": {[]verifier.FlowResult{threshold(one, "iterations: count>=500"), all},
			record.CheckPassed},
	} {
		t.Run(name, func(t *testing.T) {
			check := verifiertest.Make(t, NewCheck, "k6", `{script: flows/a.js, iterations: 500, timeout: 90s}`).(verifier.Controlled)
			var asked []int
			a, err := check.Control(t.Context(), verifiertest.Fake{OnFlow: func(r verifier.FlowRequest) (verifier.FlowResult, error) {
				asked = append(asked, r.Iterations)
				assert.Equal(t, verifier.FlowRequest{Script: "/scenario/flows/a.js", Iterations: r.Iterations, Timeout: 90 * time.Second,
					Decoy: decoy.Silent}, r, "as much time as it has where something answers: what waits longer does not pass there either")
				return c.results[len(asked)-1], nil
			}}, decoy.Silent)
			require.NoError(t, err)
			assert.Equal(t, c.want, a.Status, a.Message)
			assert.Equal(t, []int{1, 500}[:len(c.results)], asked)
		})
	}
	for keys, within := range map[string]time.Duration{`{script: a.js}`: time.Minute, `{script: a.js, timeout: 9m}`: time.Minute,
		`{script: a.js, timeout: 9s}`: 9 * time.Second} {
		check := verifiertest.Make(t, NewCheck, "k6", keys).(verifier.Controlled)
		_, err := check.Control(t.Context(), verifiertest.Fake{OnFlow: func(r verifier.FlowRequest) (verifier.FlowResult, error) {
			assert.Equal(t, within, r.Timeout, "a decoy that answers is not waited for as long as the system")
			return one, nil
		}}, decoy.Empty)
		require.NoError(t, err)
	}
	check := verifiertest.Make(t, NewCheck, "k6", `{script: flows/a.js}`).(verifier.Controlled)
	_, err := check.Control(t.Context(), verifiertest.Fake{}, decoy.Silent)
	assert.ErrorIs(t, err, verifiertest.ErrNotScripted)
}

func TestObserve(t *testing.T) {
	t.Setenv("LIFEBOAT_TEST_TOKEN", "sesame")
	check := verifiertest.Make(t, NewCheck, "k6",
		`{script: flows/a.js, iterations: 2, timeout: 90s, env: {USER: alice, TOKEN: {env: LIFEBOAT_TEST_TOKEN}}}`)
	good := verifier.FlowResult{Iterations: 2, Good: 2, ChecksPassed: 4, Complete: true}
	observe := func(result verifier.FlowResult, err error) (verifier.Facts, error) {
		return check.Observe(t.Context(), verifiertest.Fake{OnFlow: func(r verifier.FlowRequest) (verifier.FlowResult,
			error) {
			assert.Equal(t, verifier.FlowRequest{Script: "/scenario/flows/a.js", Iterations: 2, Timeout: 90 * time.Second,
				Env: map[string]string{"USER": "alice", "TOKEN": "sesame"}}, r)
			return result, err
		}})
	}
	facts, err := observe(good, nil)
	require.NoError(t, err)
	verifiertest.Says(t, verifier.Passed("2 iterations, 4 checks passed"), check.Judge(nil, facts))
	bad := good
	bad.Failed, bad.Good = []string{"token refused"}, 1
	facts, err = observe(bad, nil)
	require.NoError(t, err)
	assert.Equal(t, record.CheckFailed, check.Judge(nil, facts).Status)
	_, err = observe(good, errors.New("no engine"))
	assert.EqualError(t, err, "run flows/a.js: no engine")
	t.Setenv("LIFEBOAT_TEST_TOKEN", "")
	plain := verifiertest.Make(t, NewCheck, "k6", `{script: a.js}`)
	_, err = plain.Observe(t.Context(), verifiertest.Fake{OnFlow: func(r verifier.FlowRequest) (verifier.FlowResult,
		error) {
		assert.Nil(t, r.Env, "the flow's own environment")
		assert.Equal(t, 1, r.Iterations)
		return good, nil
	}})
	require.NoError(t, err)
	unset := verifiertest.Make(t, NewCheck, "k6", `{script: a.js, env: {X: {env: LIFEBOAT_TEST_UNSET}}}`)
	_, err = unset.Observe(t.Context(), verifiertest.Fake{})
	assert.ErrorContains(t, err, "LIFEBOAT_TEST_UNSET is not set")
}

// A flow that throws instead of checking is an answer where it was seen to throw before the restore, and only there.
func TestThrows(t *testing.T) {
	threw := verifier.FlowResult{Iterations: 1, Threw: 1, Complete: true, Failed: []string{"Error: 500"}}
	calm := verifier.FlowResult{Iterations: 2, Unproven: 2, Complete: true}
	for name, c := range map[string]struct {
		failing verifier.FlowResult // before the decoy that answers with errors; where nothing answers it throws
		want    record.CheckStatus
	}{
		"also at an error":       {threw, record.CheckPassed},
		"not at an error":        {verifier.FlowResult{Iterations: 1, Unproven: 1, Complete: true}, record.CheckFailed},
		"at an error it checked": {verifier.FlowResult{Iterations: 1, Threw: 1, ChecksFailed: 1, Complete: true}, record.CheckFailed},
	} {
		t.Run(name, func(t *testing.T) {
			check := verifiertest.Make(t, NewCheck, "k6", keys)
			for _, k := range decoy.Kinds() {
				result := threw
				if k == decoy.Failing {
					result = c.failing
				}
				a, err := check.(verifier.Controlled).Control(t.Context(), answering(result), k)
				require.NoError(t, err)
				assert.Equal(t, record.CheckFailed, a.Status)
			}
			facts, err := check.Observe(t.Context(), answering(calm))
			require.NoError(t, err)
			a := check.Judge(nil, facts)
			assert.Equal(t, c.want, a.Status, a.Message)
			mixed := calm
			mixed.Unproven, mixed.Threw, mixed.Failed = 1, 1, []string{"Error: 503"}
			facts, err = check.Observe(t.Context(), answering(mixed))
			require.NoError(t, err)
			assert.Equal(t, record.CheckFailed, check.Judge(nil, facts).Status, "one of them threw")
		})
	}
	check := verifiertest.Make(t, NewCheck, "k6", `{script: flows/a.js}`)
	a, err := check.(verifier.Controlled).Control(t.Context(), answering(verifier.FlowResult{Iterations: 1, Unproven: 1,
		Complete: true}), decoy.Empty)
	require.NoError(t, err)
	assert.Equal(t, record.CheckPassed, a.Status, "an empty page that does not make it throw is worth a word")
}

// answering is a target in which every flow ends so.
func answering(r verifier.FlowResult) verifiertest.Fake {
	return verifiertest.Fake{OnFlow: func(verifier.FlowRequest) (verifier.FlowResult, error) { return r, nil }}
}
