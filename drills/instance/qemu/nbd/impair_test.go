package nbd

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
)

// after runs asks reads of n bytes at once and gives the time until the last answer.
func after(c *testClient, asks int, n uint32) (took time.Duration, codes map[uint32]int) {
	began := time.Now()
	go func() {
		for i := range uint64(asks) {
			c.ask(0, i, 0, n)
		}
	}()
	codes = map[uint32]int{}
	for range asks {
		code, _ := c.answer()
		codes[code]++
		if code == 0 {
			c.take(int(n))
		}
	}
	return time.Since(began), codes
}

func TestImpairments(t *testing.T) {
	for name, test := range map[string]struct {
		impair Impairment
		asks   int
		size   uint32
		want   time.Duration
		code   uint32
	}{
		"none":                     {Impairment{}, 10, 4096, 0, 0},
		"a delay is shared":        {Impairment{Delay: 60 * time.Millisecond}, 10, 4096, 60 * time.Millisecond, 0},
		"a delay of two batches":   {Impairment{Delay: time.Second}, 20, 4096, 2 * time.Second, 0},
		"a limit is one for all":   {Impairment{BytesPerSecond: 10_000}, 10, 4000, 4 * time.Second, 0},
		"one read above the limit": {Impairment{BytesPerSecond: 1 << 20}, 1, 8 << 20, 8 * time.Second, 0},
		"errors":                   {Impairment{Fail: true, Delay: time.Second}, 10, 4096, time.Second, 5},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(noise(8<<20), Options{Impair: test.impair})
				c := connect(t.Context(), t, s).open()
				took, codes := after(c, test.asks, test.size)
				assert.InDelta(t, test.want.Seconds(), took.Seconds(), 0.02)
				assert.Equal(t, map[uint32]int{test.code: test.asks}, codes)
				assert.NoError(t, s.Err(), "it was on purpose")
				c.conn.Close()
				<-c.served
			})
		})
	}
}

func TestImpairChanges(t *testing.T) {
	for name, test := range map[string]struct {
		first, then Impairment
		want        time.Duration
		code        uint32
	}{
		"a stall is over":        {Impairment{Stall: true}, Impairment{}, 10 * time.Second, 0},
		"a stall becomes errors": {Impairment{Stall: true}, Impairment{Fail: true}, 10 * time.Second, 5},
		"a delay is over":        {Impairment{Delay: time.Hour}, Impairment{}, 10 * time.Second, 0},
		"a delay grows": {Impairment{Delay: 11 * time.Second}, Impairment{Delay: 15 * time.Second},
			15 * time.Second, 0},
		"a limit is over":         {Impairment{BytesPerSecond: 1}, Impairment{}, 10 * time.Second, 0},
		"a limit becomes a stall": {Impairment{BytesPerSecond: 4096.0 / 11}, Impairment{Stall: true}, time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := New(noise(1<<20), Options{Impair: test.first})
				c := connect(t.Context(), t, s).open()
				go func() {
					time.Sleep(10 * time.Second)
					s.Impair(test.then)
					time.Sleep(time.Hour - 10*time.Second)
					s.Impair(Impairment{})
				}()
				took, codes := after(c, 1, 4096)
				assert.InDelta(t, test.want.Seconds(), took.Seconds(), 0.02)
				assert.Equal(t, map[uint32]int{test.code: 1}, codes)
				time.Sleep(2 * time.Hour)
				took, codes = after(c, 1, 4096)
				assert.Zero(t, took, "healthy again")
				assert.Equal(t, map[uint32]int{0: 1}, codes)
				c.conn.Close()
				<-c.served
			})
		})
	}
}
