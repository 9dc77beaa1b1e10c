package docker

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Intact implements instance.Guard.
func (d *Driver) Intact(ctx context.Context) error {
	d.mu.Lock()
	slots := slices.Collect(maps.Values(d.slots))
	d.mu.Unlock()
	for _, s := range slots {
		s.mu.Lock()
		b, m, wanted := s.sandbox, s.machine, s.wanted
		s.mu.Unlock()
		if b == nil || !wanted { // one that was sealed ahead is looked at when it is wanted
			continue
		}
		running, err := d.engine.running(ctx, b.id)
		if err != nil && !gone(err) {
			return fmt.Errorf("look at the sandbox of %s: %w", s.name, err)
		}
		if !running {
			return fmt.Errorf("the sandbox of %s ended by itself, and its network with it", s.name)
		}
		if err := d.cutOff(ctx, b); err != nil {
			return err
		}
		if m != nil {
			if err := m.foreign(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}
