package reports

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every clause has a source, says what of it could be read, and names facts that reports can tell; nothing is ever called compliant.
func TestControlsHaveTheirSources(t *testing.T) {
	c := Messages()
	require.Len(t, frameworks(), 8)
	for _, f := range frameworks() {
		name := f.Name["en"]
		assert.Positive(t, f.Version, name)
		_, err := time.Parse(time.DateOnly, f.Read)
		require.NoError(t, err, name)
		assert.NotEmpty(t, f.Clauses, name)
		said := name + f.Name["zh"]
		for _, x := range f.Clauses {
			assert.NotEmpty(t, x.ID)
			assert.Contains(t, []string{"text", "description", "heading"}, x.Read, x.ID)
			assert.Contains(t, f.Source+x.Source, ".", "%s has a source", x.ID)
			assert.True(t, f.Source == "" || x.Source == "", "%s has one", x.ID)
			assert.NotContains(t, f.Source+x.Source, "://", x.ID)
			assert.NotEmpty(t, x.Asks["en"], x.ID)
			assert.NotEmpty(t, x.Asks["zh"], x.ID)
			assert.NotEmpty(t, x.ShownBy, x.ID)
			for _, fact := range x.ShownBy {
				assert.True(t, c.HasLabel("control."+fact), fact)
			}
			said += x.Asks["en"] + x.Asks["zh"]
		}
		for _, x := range f.LeftOut {
			assert.NotEmpty(t, x.ID)
			assert.NotEmpty(t, x.Why["en"])
			assert.NotEmpty(t, x.Why["zh"])
		}
		for _, word := range []string{"compliant", "compliance", "合规", "符合性"} {
			assert.NotContains(t, strings.ToLower(said), word)
		}
	}
}

// A drill is evidence for what it measured and for nothing else: one that restored nothing for no clause on restoring, one that rehearsed nothing
// for none on rollbacks.
func TestControlsAreOfWhatWasMeasured(t *testing.T) {
	for _, sm := range samples(t) {
		m := measured{}
		a := author{c: Messages(), l: English, r: sm.record, v: sm.verdict}
		m.add(a)
		for fact, n := range m {
			assert.LessOrEqual(t, n[0], n[1], "%s: %s", sm.name, fact)
		}
		if sm.name == "bad-backup" {
			assert.Equal(t, [2]int{0, 1}, m["restored"], "a backup that cannot be restored is no good one")
		}
		if sm.name == "check-run" {
			assert.NotContains(t, m, "rehearsed")
		}
		whole := sm
		empty := *sm.record
		empty.Restores, empty.Incidents, empty.Checks, empty.Probes, empty.Header.Checks = nil, nil, nil, nil, nil
		whole.record, whole.verdict.Objectives = &empty, nil
		assert.Empty(t, author{c: Messages(), l: English, r: whole.record, v: whole.verdict}.controls().Blocks, sm.name)
	}
}
