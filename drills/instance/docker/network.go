package docker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"

	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

const (
	// Subnets are cut from the range set aside for benchmarks (RFC 2544): production does not use
	// it, so a restored system that looks for 10.x or 192.168.x never finds a neighbour by accident.
	subnetRange   = "198.18.0.0/15"
	subnetBits    = 26
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
		taken, err := d.engine.taken(ctx)
		if err != nil {
			return nil, err
		}
		n.subnet = freeSubnet(taken)
		n.gateway = n.subnet.Addr().Next()
		r, err := d.engine.client.NetworkCreate(ctx, n.name, client.NetworkCreateOptions{
			Driver: "bridge", Internal: true, Labels: d.labels("", roleNetwork),
			Options: map[string]string{"com.docker.network.bridge.inhibit_ipv4": "true"},
			IPAM:    &mobynet.IPAM{Config: []mobynet.IPAMConfig{{Subnet: n.subnet, Gateway: n.gateway}}},
		})
		if err == nil {
			n.id = r.ID
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
	b := n.subnet.Addr().As4()
	b[3] += byte(n.next)
	n.next++
	return netip.AddrFrom4(b), nil
}

// taken lists the address ranges of this host and of the engine's networks.
func (e *Engine) taken(ctx context.Context) ([]netip.Prefix, error) {
	list, err := e.client.NetworkList(ctx, client.NetworkListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list networks: %w", err)
	}
	var all []netip.Prefix
	for _, n := range list.Items {
		for _, c := range n.IPAM.Config {
			all = append(all, c.Subnet)
		}
	}
	own, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list this host's addresses: %w", err)
	}
	for _, a := range own {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, p.Masked())
		}
	}
	return all, nil
}

func freeSubnet(taken []netip.Prefix) netip.Prefix {
	base := netip.MustParsePrefix(subnetRange)
	for {
		b := base.Addr().As4()
		n := rand.IntN(1 << (subnetBits - base.Bits()))
		b[1] |= byte(n >> 10)
		b[2] = byte(n >> 2)
		b[3] = byte(n << 6)
		p := netip.PrefixFrom(netip.AddrFrom4(b), subnetBits)
		if !slices.ContainsFunc(taken, p.Overlaps) || len(taken) > 1<<(subnetBits-base.Bits()) {
			return p
		}
	}
}
