package remote

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestEach(t *testing.T) {
	gone := errors.New("gone")
	for name, test := range map[string]struct {
		bad   int // the first that fails; -1: none
		asked int32
		took  time.Duration
		want  error
	}{
		"all of them":       {-1, 100, 25 * time.Second, nil},
		"the first is gone": {0, 4, time.Second, gone},
		"one is gone later": {50, 52, 13 * time.Second, gone},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var asked atomic.Int32
				err := Each(t.Context(), 100, 4, func(ctx context.Context, i int) error {
					asked.Add(1)
					time.Sleep(time.Second)
					if i == test.bad {
						return gone
					}
					return nil
				})
				assert.ErrorIs(t, err, test.want)
				assert.InDelta(t, test.asked, asked.Load(), 4)
				assert.InDelta(t, test.took, time.Since(began), float64(time.Second))
			})
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.ErrorIs(t, Each(ctx, 1, 1, func(context.Context, int) error { return gone }), context.Canceled)
}
