package drills

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/record"
)

// Steps between restore and baseline are taken before anything is asked; one that fails is no word on a backup.
func TestPrepare(t *testing.T) {
	for _, fails := range []bool{false, true} {
		w := newWorld(t)
		prepared := false
		w.machine.Images["img"] = fake.Script{BootTime: time.Second,
			Exec: func(_ context.Context, _ *fake.Machine, c instance.Command) (instance.Result, error) {
				prepared = prepared || c.Args[0] == "reindex"
				return instance.Result{Exit: map[bool]int{true: 1}[fails && c.Args[0] == "reindex"]}, nil
			}}
		w.answer = func(string) record.CheckStatus {
			assert.True(t, prepared, "before anything is asked")
			return record.CheckPassed
		}
		res := w.run(strings.Replace(simple, "faults:", "prepare: [{exec: {on: db, run: [reindex]}}]\nfaults:", 1))
		require.NotEmpty(t, res.Record.Steps, "%v", res.Verdict.Reasons)
		assert.Equal(t, record.PhasePrepare, res.Record.Steps[0].Phase)
		assert.Equal(t, []string{"exec on db: reindex"}, res.Record.Header.Prepare)
		if fails {
			assert.Equal(t, record.StatusInconclusive, res.Verdict.Status)
			assert.Equal(t, "prepare.failed", reasons(res.Verdict), "and nothing else is said")
			continue
		}
		assert.Equal(t, record.StatusPassed, res.Verdict.Status, "%v", res.Verdict.Reasons)
	}
}
