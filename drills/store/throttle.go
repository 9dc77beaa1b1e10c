package store

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Bounds of one throttled read: small enough for a smooth flow, large enough
// that the calls cost nothing.
const (
	pieces    = 100       // reads per second that a limit is cut into
	burst     = 4         // a burst is a second divided by this: 250 ms of credit outlast a scheduler's delay
	largeRead = 256 << 10 // bytes
)

// Throttled is a stream with a limit that can be changed while it runs.
// The limit counts bytes as stored, so compressed ones.
type Throttled struct {
	Stream
	ctx context.Context

	mu      sync.Mutex
	limit   *rate.Limiter // nil: no limit
	chunk   int
	changed chan struct{} // closed when the limit changes
}

// Throttle limits a stream to so many bytes per second; 0 or less is no limit.
// A limit starts without credit: the first bytes are as slow as all others.
// Read returns the context's error once ctx ends.
func Throttle(ctx context.Context, s Stream, bytesPerSecond float64) *Throttled {
	t := &Throttled{Stream: s, ctx: ctx, changed: make(chan struct{})}
	t.SetLimit(bytesPerSecond)
	return t
}

// SetLimit changes the limit from now on, for a read that is waiting as well.
// It may be called from any goroutine.
func (t *Throttled) SetLimit(bytesPerSecond float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	close(t.changed)
	t.changed = make(chan struct{})
	if bytesPerSecond <= 0 {
		t.limit = nil
		return
	}
	t.chunk = min(max(int(bytesPerSecond/pieces), 1), largeRead)
	credit := max(int(bytesPerSecond/burst), t.chunk)
	t.limit = rate.NewLimiter(rate.Limit(bytesPerSecond), credit)
	t.limit.AllowN(time.Now(), credit)
}

// Read reads one piece and waits until the limit has room for it.
func (t *Throttled) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	t.mu.Lock()
	if t.limit != nil && len(p) > t.chunk {
		p = p[:t.chunk]
	}
	t.mu.Unlock()
	n, err := t.Stream.Read(p)
	if e := t.wait(n); e != nil {
		return n, e
	}
	return n, err
}

// wait takes n bytes from the limit, and starts anew when the limit changes meanwhile.
func (t *Throttled) wait(n int) error {
	for n > 0 {
		t.mu.Lock()
		limit, changed := t.limit, t.changed
		t.mu.Unlock()
		if limit == nil {
			return nil
		}
		take := min(n, limit.Burst())
		r := limit.ReserveN(time.Now(), take)
		delay := r.Delay()
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
		case <-t.ctx.Done():
			timer.Stop()
			return t.ctx.Err()
		}
	}
	return nil
}
