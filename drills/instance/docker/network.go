package docker

import (
	"context"
	"fmt"
	"net/netip"

	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"lifeboat/drills/record"
)

const (
	subnetTries   = 12
	firstHost     = 2 // the first address is the gateway that nobody has
	hostsInSubnet = 1<<(32-subnetBits) - 2
)

// network is the drill's own: internal, and its bridge has no address on the host.
type network struct {
	name    string
	id      string
	subnet  netip.Prefix
	gateway netip.Addr
	next    int  // offset of the next free address
	outward bool // the second network, for allowed addresses, exists
}

// network returns the drill's network and creates it the first time.
func (d *Driver) network(ctx context.Context) (*network, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.net != nil {
		return d.net, nil
	}
	if err := d.intendSweep(); err != nil {
		return nil, err
	}
	n := &network{name: d.name(), next: firstHost}
	if err := d.intend("network", undoNetwork, n.name, "docker network rm "+n.name); err != nil {
		return nil, err
	}
	var failed error
	for range subnetTries {
		taken, err := d.taken(ctx)
		if err != nil {
			return nil, err
		}
		if n.subnet, err = freeSubnet(d.site.Network.Range, taken); err != nil {
			return nil, fmt.Errorf("create network %s: %w", n.name, err)
		}
		n.gateway = n.subnet.Addr().Next()
		making, done := creating(ctx)
		r, err := d.engine.client.NetworkCreate(making, n.name, client.NetworkCreateOptions{
			Driver: "bridge", Internal: true, Labels: d.labels("", roleNetwork),
			Options: map[string]string{"com.docker.network.bridge.inhibit_ipv4": "true"},
			IPAM:    &mobynet.IPAM{Config: []mobynet.IPAMConfig{{Subnet: n.subnet, Gateway: n.gateway}}},
		})
		done()
		if err == nil {
			n.id = r.ID
			said := record.Network{Range: n.subnet.String()}
			if d.site.Network.Range.IsValid() {
				said.Declared = d.site.Network.Range.String()
			}
			if err := d.site.Journal.Append(record.KindNetwork, record.Subject{}, said); err != nil {
				return nil, fmt.Errorf("write the network to the journal: %w", err)
			}
			d.net = n
			return n, nil
		}
		// Another drill may have taken the same subnet since we looked.
		if failed = err; ctx.Err() != nil {
			break
		}
	}
	return nil, fmt.Errorf("create network %s: %w", n.name, failed)
}

// address hands out the next free address.
func (d *Driver) address(n *network) (netip.Addr, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n.next > hostsInSubnet {
		return netip.Addr{}, fmt.Errorf("network %s is full: %d sandboxes", n.name, hostsInSubnet-1)
	}
	a := plus(n.subnet.Addr(), uint32(n.next))
	n.next++
	return a, nil
}
