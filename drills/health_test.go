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
	"lifeboat/drills/restore"
	"lifeboat/scenarios"
)

// healthy is an image that is well some time after its start, and says so to its own healthcheck.
func healthy(after time.Duration) fake.Script {
	var started time.Time
	return fake.Script{
		Health: &instance.Health{Command: []string{"check"}, Timeout: 30 * time.Second, Within: 3 * time.Minute},
		Up:     func(context.Context, *fake.Machine) error { started = time.Now(); return nil },
		Exec: func(_ context.Context, _ *fake.Machine, c instance.Command) (instance.Result, error) {
			if c.Args[0] != "check" || time.Since(started) < after {
				return instance.Result{Exit: 1}, nil
			}
			return instance.Result{}, nil
		},
	}
}

// Where the scenario does not say when a container is ready its image's healthcheck does, in the time that it asks for; where
// neither does, nothing is measured, and nothing is bad.
func TestHealthcheckIsTheReadiness(t *testing.T) {
	for name, c := range map[string]struct {
		image  fake.Script
		status record.Status
		reason string
		took   time.Duration
		unseen bool
	}{
		"listens after 40 s":        {healthy(40 * time.Second), record.StatusPassed, "passed.check_run", 40 * time.Second, false},
		"listens after 2.5 minutes": {healthy(150 * time.Second), record.StatusPassed, "passed.check_run", 150 * time.Second, false},
		"never well":                {healthy(time.Hour), record.StatusFailed, "backup.bad", 0, false},
		"neither says when it is":   {fake.Script{}, record.StatusInconclusive, "objective.not_measured", 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.machine.Images["img"] = c.image
			w.change = func(k *Kit) {
				k.Imagers = map[string]func(scenarios.Settings) (restore.Imager, []scenarios.Problem){
					"image": func(scenarios.Settings) (restore.Imager, []scenarios.Problem) { return readyImage{}, nil }}
			}
			res := w.run(strings.NewReplacer(", ready: {tcp: 8080, within: 2m}", "", "{age: 26h}", "{age: 26h, boot: 10m}").Replace(bootable))
			assert.Equal(t, c.status, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			assert.Equal(t, c.reason, res.Verdict.Reasons[0].ID)
			if c.status == record.StatusFailed {
				return
			}
			require.Len(t, res.Record.Boots, 1)
			b := res.Record.Boots[0]
			assert.Equal(t, c.unseen, b.Unseen)
			if !c.unseen {
				assert.InDelta(t, c.took.Seconds(), (b.Ready - b.Started).Seconds(), 1)
				assert.Equal(t, "check", b.Facts["healthcheck"])
			}
		})
	}
}
