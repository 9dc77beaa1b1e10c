package drills

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/internal/decoy"
	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/service"
)

// passes is a flow that is good before decoys of one kind.
func passes(kind decoy.Kind) func(decoy.Kind) (verifier.FlowResult, error) {
	return func(k decoy.Kind) (verifier.FlowResult, error) {
		if k == kind {
			return verifier.FlowResult{Iterations: 1, Good: 1, ChecksPassed: 1}, nil
		}
		return verifier.FlowResult{Iterations: 1, ChecksFailed: 1}, nil
	}
}

// observed are the flows and checks that an observation names.
func observed(r *record.Record, id string) string {
	for _, o := range r.Observations {
		if o.ID == id {
			return o.Args["flows"]
		}
	}
	return ""
}

// Checks that lifeboat asks by itself are put before the same decoys, without a container.
func TestChecksBeforeDecoys(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) {
		for _, kind := range service.Kinds() {
			k.Checks["service/"+kind] = func(s scenarios.CheckSpec, dir string) (verifier.Check, []scenarios.Problem) {
				return service.New(s, dir)
			}
		}
	}
	res := w.run(strings.NewReplacer("  service: [{kind: ask, name: service}]\n", `  service:
  - {kind: http, name: any page, to: "db:80"}
  - {kind: http, name: any page by TLS, url: "https://db/"}
  - {kind: http, name: this page, to: "db:80", contains: shop}
  - {kind: http, name: moved, to: "db:80", status: 301}
  - {kind: tcp, name: any listener, to: "db:25"}
  - {kind: tcp, name: greeting, to: "db:25", expect: "220"}
  - {kind: tcp, name: answer, to: "db:6379", send: "PING\r\n", expect: PONG}
`).Replace(simple))
	assert.Equal(t, "any page, any page by TLS, any listener", observed(res.Record, "flow.hollow"))
	assert.Equal(t, "flow.js, any page, any page by TLS, this page, moved, any listener, greeting, answer",
		observed(res.Record, "flow.controlled"))
	assert.Empty(t, observed(res.Record, "flow.blind_errors"), "a plain question is one that can be asked")
	assert.Equal(t, []record.Reason{{ID: "flow.hollow", Args: map[string]string{
		"flows": "any page, any page by TLS, any listener"}}}, res.Verdict.Weak, "beside the verdict, whatever it is")

	w = newWorld(t)
	w.change = func(k *Kit) { k.Checks["service/http"] = service.New }
	res = w.run(strings.Replace(simple, "{kind: ask, name: service}", `{kind: http, to: "db:80", status: 500}`, 1))
	assert.Equal(t, record.StatusInconclusive, res.Verdict.Status)
	assert.Equal(t, []string{"flow.blind_errors"}, idsOf(res.Verdict.Reasons))
	assert.Zero(t, w.loads, "before anything is restored")

	w = newWorld(t)
	w.before = passes(decoy.Silent)
	assert.Equal(t, []string{"flow.blind"}, idsOf(w.run(simple).Verdict.Reasons))
	assert.Zero(t, w.loads, "before anything is restored")
}

func idsOf(reasons []record.Reason) []string {
	var ids []string
	for _, r := range reasons {
		ids = append(ids, r.ID)
	}
	return ids
}

// A flow may throw instead of calling check(): where it was seen to, an iteration that does not throw is an answer.
func TestFlowThatThrows(t *testing.T) {
	throws := func(when ...decoy.Kind) func(decoy.Kind) (verifier.FlowResult, error) {
		return func(k decoy.Kind) (verifier.FlowResult, error) {
			for _, w := range when {
				if w == k {
					return verifier.FlowResult{Iterations: 1, Threw: 1}, nil
				}
			}
			return verifier.FlowResult{Iterations: 1, Unproven: 1}, nil
		}
	}
	for name, c := range map[string]struct {
		before func(decoy.Kind) (verifier.FlowResult, error)
		want   record.Status
		hollow string
	}{
		"where nothing answers or all is an error": {throws(decoy.Silent, decoy.Failing), record.StatusPassed, "flow.js"},
		"before every decoy":                       {throws(decoy.Kinds()...), record.StatusPassed, ""},
		"only where nothing answers":               {throws(decoy.Silent), record.StatusInconclusive, ""},
		"never":                                    {throws(), record.StatusInconclusive, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.mute, w.before = true, c.before
			res := w.run(simple)
			require.Equal(t, c.want, res.Verdict.Status, "%v", res.Verdict.Reasons)
			assert.Equal(t, c.hollow, observed(res.Record, "flow.hollow"))
		})
	}
}
