package ratelimit

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestWait(t *testing.T) {
	for name, test := range map[string]struct {
		rate    float64
		takers  int
		each    int
		seconds float64
	}{
		"no limit":              {0, 4, 1 << 20, 0},
		"one":                   {1000, 1, 4000, 4},
		"several share it":      {1000, 4, 1000, 4},
		"less than a burst":     {1000, 1, 100, 0.1},
		"slower than one piece": {3, 1, 6, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := New(test.rate)
				began := time.Now()
				var wg sync.WaitGroup
				for range test.takers {
					wg.Go(func() { assert.NoError(t, l.Wait(t.Context(), test.each)) })
				}
				wg.Wait()
				assert.InDelta(t, test.seconds, time.Since(began).Seconds(), 0.01)
			})
		})
	}
}

func TestSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(1)
		began := time.Now()
		go func() {
			time.Sleep(10 * time.Second)
			l.Set(1000)
			time.Sleep(time.Second)
			l.Set(0)
		}()
		require.NoError(t, l.Wait(t.Context(), 1_000_000))
		assert.InDelta(t, 11, time.Since(began).Seconds(), 0.01, "those who wait notice each change")
	})
}

func TestWaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		require.ErrorIs(t, New(1).Wait(ctx, 1000), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

func TestPiece(t *testing.T) {
	assert.Equal(t, 5000, New(0).Piece(5000))
	assert.Equal(t, 10, New(1000).Piece(5000))
	assert.Equal(t, 1, New(3).Piece(5000))
	assert.Equal(t, largePart, New(1e12).Piece(1<<30))
}
