package drills

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/verifier"
)

type limited struct {
	verifier.Check
	limit time.Duration
}

func (l limited) Limit() time.Duration { return l.limit }

// A check that reads all there is may take longer than others, as long as it says so.
func TestBounded(t *testing.T) {
	for name, c := range map[string]struct {
		check verifier.Check
		want  time.Duration // 0: none
	}{
		"any":             {struct{ verifier.Check }{}, checkTimeout},
		"its own":         {limited{limit: 3 * time.Hour}, 3*time.Hour + time.Minute},
		"as it is needed": {limited{}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := bounded(t.Context(), c.check)
			defer cancel()
			end, ends := ctx.Deadline()
			require.Equal(t, c.want > 0, ends)
			if ends {
				assert.WithinDuration(t, time.Now().Add(c.want), end, 10*time.Second)
			}
		})
	}
}
