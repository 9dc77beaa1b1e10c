package drills

import (
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/detect"
	"lifeboat/drills/record"
	"lifeboat/drills/secrets"
)

// A step that waits is neither failed nor given up by a question that could not be asked just when its time was up.
func TestWaitStepThatCannotAsk(t *testing.T) {
	waits := strings.Replace(simple, "  - boot: db\n", "  - boot: db\n  - wait: {check: data, within: 5s}\n", 1)
	for name, tc := range map[string]struct {
		blind, then time.Duration // since the wait began: from when on nobody can ask, and until when
		after       record.CheckStatus
		want        record.Status
		reason      string
	}{
		"yes afterwards":          {3 * time.Second, 12 * time.Second, record.CheckPassed, record.StatusPassed, "passed.all"},
		"no afterwards":           {3 * time.Second, 12 * time.Second, record.CheckFailed, record.StatusFailed, "rollback.failed"},
		"nobody can ask any more": {3 * time.Second, time.Hour, record.CheckPassed, record.StatusInconclusive, "harness.broke"},
	} {
		w := newWorld(t)
		var began time.Time
		w.answer = func(check string) record.CheckStatus {
			if w.loads < 2 || check != "data" {
				return record.CheckPassed
			}
			if began.IsZero() {
				began = time.Now()
			}
			switch took := time.Since(began); {
			case took < tc.blind:
				return record.CheckFailed
			case took < tc.then:
				panic("the tunnel broke off")
			}
			return tc.after
		}
		res := w.run(waits)
		assert.Equal(t, tc.want, res.Verdict.Status, "%s: %+v", name, res.Verdict.Reasons)
		assert.Contains(t, reasons(res.Verdict), tc.reason, name)
	}
}

// That a business was waited for in vain must stand in the journal: without it the judge cannot excuse anything.
func TestWaitedInVainIsWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j, err := record.Create(filepath.Join(t.TempDir(), "journal.ndjson"), record.Header{}, time.Now(), record.Clock{})
		require.NoError(t, err)
		require.NoError(t, j.Close())
		b := &books{base: time.Now(), journal: j, Known: &secrets.Known{}, generation: func(string) int { return 0 }}
		asked := &business{books: b, host: &hostWatch{books: b}}
		asked.pulse = &pulse{books: b, running: &fakePulse{}, changed: make(chan struct{}), edges: detect.EdgesOf(0, 0, record.Pace{Rate: 1}),
			silence: detect.SilenceOf(record.Pace{Rate: 1, Blind: time.Minute})}
		err = asked.waitGreen(t.Context(), time.Second, time.Second, 0)
		require.Error(t, err)
		assert.NotErrorIs(t, err, errNotGreen, "who is told that goes on")
	})
}
