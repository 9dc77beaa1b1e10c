package night

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// seen is what became of check runs, in order.
type seen struct {
	mu  sync.Mutex
	all []string
}

func (s *seen) see(what string) { s.mu.Lock(); s.all = append(s.all, what); s.mu.Unlock() }

// TestTurns: one of which nothing is timed any more lets another get ready, which restores when the first cleans up; nobody gets ready for
// whom there is no room beside it, and who would be one too many.
func TestTurns(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		parallel    int
		needs, room int64
		timed       bool   // something is, up to the clean-up
		want        string // who got ready (a), restored (+a), was timed (-a), cleaned up (~a) and was clean (.a)
	}{
		"ahead":            {1, 40, 100, false, "a +a -a b ~a +b .a -b c ~b +c .b -c d ~c +d .c -d ~d .d"},
		"timed":            {1, 40, 100, true, "a +a ~a b +b .a ~b c +c .b ~c d +d .c ~d .d"},
		"no room":          {1, 60, 100, false, "a +a -a ~a .a b +b -b ~b .b c +c -c ~c .c d +d -d ~d .d"},
		"no known room":    {1, 60, 0, false, "a +a -a b ~a +b .a -b c ~b +c .b -c d ~c +d .c -d ~d .d"},
		"two side by side": {2, 40, 0, false, "a b +a +b -a c -b d ~a +c ~b +d .a .b -c -d ~c ~d .c .d"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, n := begin(t, t.TempDir(), "a", "b", "c", "d")
				var got seen
				var jobs []Job
				for i, p := range n.Planned {
					later := time.Duration(i) * time.Millisecond
					jobs = append(jobs, Job{Planned: p, Needs: Room{Memory: tc.needs}, Prove: func(ctx context.Context, turn *Turn) Proof {
						time.Sleep(later / 1000)
						got.see(p.Backup)
						time.Sleep(100*time.Millisecond + later)
						require.NoError(t, turn.Wait(ctx))
						got.see("+" + p.Backup)
						time.Sleep(4*time.Second + later)
						if !tc.timed {
							got.see("-" + p.Backup)
							turn.Timed()
						}
						time.Sleep(time.Second + later)
						got.see("~" + p.Backup)
						turn.Asked()
						time.Sleep(2 * time.Second)
						got.see("." + p.Backup)
						return proof(p.Backup, record.StatusPassed)
					}})
				}
				require.NoError(t, Run(t.Context(), j, jobs, tc.parallel, Room{Memory: tc.room}, func(Proof) {}))
				require.NoError(t, j.Seal())
				assert.Equal(t, tc.want, strings.Join(got.all, " "))
			})
		})
	}
}

// TestTurnThatDoesNotCome: an interrupted night ends what waits for its turn, and waiting is no part of what a check run took.
func TestTurnThatDoesNotCome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, n := begin(t, t.TempDir(), "a", "b", "c")
		ctx, cancel := context.WithCancelCause(t.Context())
		defer cancel(nil)
		why := errors.New("told to end")
		took := map[string]time.Duration{}
		var jobs []Job
		for _, p := range n.Planned {
			jobs = append(jobs, Job{Planned: p, Prove: func(ctx context.Context, turn *Turn) Proof {
				began, got := time.Now(), proof(p.Backup, record.StatusPassed)
				if err := turn.Wait(ctx); err != nil {
					assert.Equal(t, why, err)
					return proof(p.Backup, record.StatusAborted)
				}
				turn.Timed()
				time.Sleep(time.Hour)
				if p.Backup == "b" { // c is ready, and waits
					synctest.Wait()
					cancel(why)
					synctest.Wait()
				}
				got.Took = time.Since(began)
				return got
			}})
		}
		var ended []string
		require.NoError(t, Run(ctx, j, jobs, 1, Room{}, func(p Proof) {
			took[p.Backup] = p.Took
			ended = append(ended, p.Backup+" "+string(p.Status))
		}))
		require.NoError(t, j.Close())
		assert.Equal(t, []string{"a passed", "c aborted", "b passed"}, ended)
		assert.Equal(t, time.Hour, took["b"], "it waited for an hour before")
	})
}
