package instancetest

import (
	"fmt"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
)

// ahead seals the sandboxes of instances before they are booted, and waits until that is done.
func (x suite) ahead(t *testing.T, names ...string) Bench {
	t.Helper()
	b := x.New(t)
	a, ok := instance.As[instance.Ahead](b.Driver)
	if !ok {
		t.Skip("the driver seals nothing ahead")
	}
	var places []instance.Place
	for _, name := range names {
		places = append(places, instance.Place{Instance: name})
	}
	a.SealAhead(t.Context(), places)()
	return b
}

// controls are the probes that got through, as they must: one for each sandbox that was sealed.
func controls(b Bench) (count int) {
	for _, p := range b.Notes.Probes() {
		if p.Control && p.Reached {
			count++
		}
	}
	return count
}

// What was sealed ahead is proved and written down before it is wanted, and is not sealed again.
func (x suite) sealedAhead(t *testing.T) {
	b := x.ahead(t, "db", "app")
	first := controls(b)
	require.Positive(t, first, "it is proved before anybody boots in it")
	for _, e := range b.Notes.Entries() {
		assert.Contains(t, b.Undoers, e.Undo.Kind)
	}
	for _, name := range []string{"db", "app"} {
		assert.Equal(t, "echo x\n", ask(t, x.start(t, b, x.request(b, name)), "x"))
	}
	assert.Equal(t, first, controls(b), "and was not sealed once more")
}

// A sandbox that ended before it was wanted is thrown away, and another one is sealed.
func (x suite) aheadAndTorn(t *testing.T) {
	b := x.ahead(t, "db")
	first := controls(b)
	x.Tear(t, b, "db")
	m := x.start(t, b, x.request(b, "db"))
	assert.Equal(t, "echo x\n", ask(t, m, "x"))
	assert.Equal(t, 2*first, controls(b), "another one, with its own proof")
	w, ok := instance.As[instance.Awaiting](m)
	require.True(t, ok)
	assert.Positive(t, w.SealWait(), "for which the boot waited")
}

// A sandbox that nobody wanted is nobody's: it reached nothing, and that it is gone says nothing of the drill.
func (x suite) aheadAndUnwanted(t *testing.T) {
	b := x.ahead(t, "db", "spare")
	x.Tear(t, b, "spare")
	ask(t, x.start(t, b, x.request(b, "db")), "x")
	if g, ok := instance.As[instance.Guard](b.Driver); ok {
		require.NoError(t, g.Intact(t.Context()))
	}
	if r, ok := instance.As[instance.ReachReporter](b.Driver); ok {
		links, err := r.Reached(t.Context())
		require.NoError(t, err)
		for _, l := range links {
			assert.NotEqual(t, "spare", l.To)
		}
	}
	if e, ok := instance.As[instance.EgressReporter](b.Driver); ok {
		_, err := e.Egress(t.Context())
		require.NoError(t, err)
	}
}

// EndSandbox kills the sandbox of a name, on an engine of this host.
func EndSandbox(t *testing.T, b Bench, name string) {
	t.Helper()
	out, err := exec.Command("docker", "kill", fmt.Sprintf("lifeboat-%s-%s-sandbox", b.Site.Scope.Drill, name)).CombinedOutput()
	require.NoError(t, err, string(out))
}
