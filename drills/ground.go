package drills

import (
	"net"
	"slices"

	"lifeboat/drills/instance"
	"lifeboat/drills/store"
)

// speaksTo are the hosts that the drill itself or what the scenario lets out speaks to, and the networks that guests
// have on their own cards: no machine may have their addresses.
func (p *Plan) speaksTo() []string {
	var all []string
	for _, b := range p.Backups {
		if r, ok := b.Store.(store.Remote); ok {
			all = append(all, r.Hosts()...)
		}
	}
	for _, out := range p.Scenario.Egress.Allow {
		if host, _, err := net.SplitHostPort(out); err == nil {
			all = append(all, host)
		}
	}
	for _, own := range p.own {
		if n, ok := instance.As[instance.Networked](own); ok {
			all = append(all, n.Network().String())
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
