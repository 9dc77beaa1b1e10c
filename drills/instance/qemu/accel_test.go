package qemu

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Only a probe that booted something answers for the drills to come: an engine that was busy says nothing about the host.
func TestAccelerationIsRemembered(t *testing.T) {
	for name, tc := range map[string]struct {
		works, booted  bool
		now, remembers accel
	}{
		"it works":        {true, true, accelKVM, accelKVM},
		"it hangs":        {false, true, accelTCG, accelTCG},
		"it was not seen": {false, false, accelTCG, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_CACHE_HOME", t.TempDir())
			var x accelerator
			got, err := x.settle(t.Context(), slog.New(slog.DiscardHandler),
				func(context.Context) (bool, bool, error) { return tc.works, tc.booted, nil })
			require.NoError(t, err)
			assert.Equal(t, tc.now, got)
			assert.Equal(t, tc.remembers, remembered())
		})
	}
}
