package night

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// TestRunsWhileOthersCleanUp: one that cleans up keeps nobody from asking, but for whom there is no room beside it, and who would be one too many.
func TestRunsWhileOthersCleanUp(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		needs, room int64
		want        string // who began (a), had asked (-a) and was clean (.a)
	}{
		{40, 100, "a -a b -b .a c .b -c d -d .c .d"}, {60, 100, "a -a .a b -b .b c -c .c d -d .d"}, {60, 0, "a -a b -b .a c .b -c d -d .c .d"},
	} {
		synctest.Test(t, func(t *testing.T) {
			j, n := begin(t, t.TempDir(), "a", "b", "c", "d")
			var mu sync.Mutex
			var seen []string
			see := func(what string) { mu.Lock(); seen = append(seen, what); mu.Unlock() }
			var jobs []Job
			for i, p := range n.Planned {
				jobs = append(jobs, Job{Planned: p, Needs: Room{Memory: tc.needs}, Prove: func(_ context.Context, asked func()) Proof {
					see(p.Backup)
					time.Sleep(2*time.Second + time.Duration(i)*time.Millisecond)
					see("-" + p.Backup)
					asked()
					time.Sleep(5 * time.Second)
					see("." + p.Backup)
					return proof(p.Backup, record.StatusPassed)
				}})
			}
			require.NoError(t, Run(t.Context(), j, jobs, 1, Room{Memory: tc.room}, func(Proof) {}))
			require.NoError(t, j.Seal())
			assert.Equal(t, tc.want, strings.Join(seen, " "))
		})
	}
}
