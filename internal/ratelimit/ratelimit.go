// Package ratelimit limits a flow of bytes. A limit can be changed at any time,
// and whoever waits for it notices.
package ratelimit

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of what is taken from a limit at once: small enough for a smooth flow,
// large enough that the calls cost nothing.
const (
	pieces    = 100       // per second that a limit is cut into
	burst     = 4         // a burst is a second divided by this: 250 ms of credit outlast a scheduler's delay
	largePart = 256 << 10 // bytes
)

// Limit is so many bytes per second for all who wait for it together. Safe for concurrent use.
type Limit struct {
	mu      sync.Mutex
	limiter *rate.Limiter // nil: no limit
	piece   int
	changed chan struct{} // closed when the limit changes
}

// New makes a limit in bytes per second; 0 or less is none. A limit starts
// without credit: the first bytes are as slow as all others.
func New(bytesPerSecond float64) *Limit {
	l := &Limit{changed: make(chan struct{})}
	l.Set(bytesPerSecond)
	return l
}

// Set changes the limit from now on, for those who are waiting as well.
func (l *Limit) Set(bytesPerSecond float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
	if bytesPerSecond <= 0 {
		l.limiter = nil
		return
	}
	l.piece = min(max(int(bytesPerSecond/pieces), 1), largePart)
	credit := max(int(bytesPerSecond/burst), l.piece)
	l.limiter = rate.NewLimiter(rate.Limit(bytesPerSecond), credit)
	l.limiter.AllowN(time.Now(), credit)
}

// Piece is how many of n bytes to move at once for a smooth flow; all where there is no limit.
func (l *Limit) Piece(n int) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.limiter == nil {
		return n
	}
	return min(n, l.piece)
}

// Wait takes n bytes from the limit; it returns once there was room for all of
// them, or with the context's error. A limit that changes meanwhile holds for the rest.
func (l *Limit) Wait(ctx context.Context, n int) error {
	for n > 0 {
		l.mu.Lock()
		limiter, changed := l.limiter, l.changed
		l.mu.Unlock()
		if limiter == nil {
			return nil
		}
		take := min(n, limiter.Burst())
		delay := limiter.ReserveN(time.Now(), take).Delay()
		if delay == 0 {
			n -= take
			continue
		}
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
			n -= take
		case <-changed:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
	return nil
}
