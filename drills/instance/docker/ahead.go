package docker

import (
	"context"
	"sync"
	"sync/atomic"

	"lifeboat/drills/instance"
)

// aheadAtOnce is how many sandboxes are sealed ahead at the same time: an engine starts two in less time than one after
// the other, and more take the processor from what is restored meanwhile.
const aheadAtOnce = 2

// SealAhead implements instance.Ahead.
func (d *Driver) SealAhead(ctx context.Context, places []instance.Place) (wait func()) {
	var begun atomic.Int64
	var all sync.WaitGroup
	for range aheadAtOnce {
		all.Go(func() {
			for i := begun.Add(1); i <= int64(len(places)); i = begun.Add(1) {
				d.sealAhead(ctx, places[i-1])
			}
		})
	}
	return all.Wait
}

// sealAhead seals the sandbox of a place that nobody wants yet.
func (d *Driver) sealAhead(ctx context.Context, p instance.Place) {
	name := p.Instance
	if name == "" {
		name = clientSandbox(instance.Program{Flow: p.Flow, Allow: p.Allow})
	}
	s := d.slot(name)
	if !s.mu.TryLock() { // its boot has begun
		return
	}
	defer s.mu.Unlock()
	if s.wanted || s.sandbox != nil || ctx.Err() != nil {
		return
	}
	err := d.seal(ctx, s, p.Aliases, p.Allow)
	switch {
	case err == nil && p.Instance != "":
		s.sandbox.way.open()
	case err != nil && s.refused == nil && ctx.Err() == nil:
		d.log.Warn("seal a sandbox ahead; it is sealed again when it is wanted", "sandbox", name, "error", err)
	}
}
