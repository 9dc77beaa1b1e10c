package docker

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

// Reached implements instance.ReachReporter.
func (d *Driver) Reached(ctx context.Context) ([]record.Link, error) {
	d.mu.Lock()
	slots := slices.Collect(maps.Values(d.slots))
	d.mu.Unlock()
	boxes, names := map[*slot]sealedSandbox{}, map[netip.Addr]string{}
	for _, s := range slots {
		s.mu.Lock()
		if s.sandbox != nil && s.wanted {
			boxes[s] = *s.sandbox
			if !s.programs {
				names[s.sandbox.address] = s.name
			}
		}
		s.mu.Unlock()
	}
	var all []record.Link
	for s, b := range boxes {
		if s.programs && s.flow == "" {
			continue // what a user's script speaks to is no word of the business's
		}
		said, err := d.engine.said(ctx, b.id)
		if err != nil {
			return nil, fmt.Errorf("read whom %s spoke to: %w", s.name, err)
		}
		if said.unmeasured != "" {
			return nil, fmt.Errorf("%w: %s", instance.ErrUnmeasured, said.unmeasured)
		}
		for _, r := range said.reached {
			l := record.Link{Flow: s.flow, To: names[r.Service.Addr()], Port: int(r.Service.Port()), Protocol: r.Protocol,
				First: b.ready + r.First, Last: b.ready + r.Last}
			if s.flow == "" {
				l.From = s.name
			}
			if l.To != "" {
				all = append(all, l)
			}
		}
	}
	return all, nil
}
