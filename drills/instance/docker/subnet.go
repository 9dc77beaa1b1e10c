package docker

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"lifeboat/internal/hostnet"
	"lifeboat/scenarios"
)

// subnetBits of a drill's network.
const subnetBits = scenarios.NetworkBits

// privateRanges are where a drill's network lies when the scenario does not say. What was restored treats private
// addresses as it does in production, where most of them are private: an application that begins to refuse them must fail here as there.
// 10.0.0.0/8 comes first, since engines take the networks that nobody asked for from the others.
var privateRanges = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16")}

// resolveLimit bounds the search for addresses that the drill itself speaks to.
const resolveLimit = 5 * time.Second

// taken is what a new network may not overlap.
type taken struct {
	// never: networks of the engine, addresses of this host, and whom the drill itself speaks to
	never []netip.Prefix
	// rather not: whatever else this host has a way to. The drill's own bridge has no address and adds no route, so nothing
	// of the host's would go there by mistake; but a person who looks at both would take one for the other.
	ratherNot []netip.Prefix
}

// taken lists what is in use, now.
func (d *Driver) taken(ctx context.Context) (taken, error) {
	t := taken{never: []netip.Prefix{GuestRange}}
	list, err := d.engine.client.NetworkList(ctx, client.NetworkListOptions{})
	if err != nil {
		return t, fmt.Errorf("list networks: %w", err)
	}
	for _, n := range list.Items {
		for _, c := range n.IPAM.Config {
			t.never = append(t.never, c.Subnet)
		}
	}
	own, err := hostnet.Addresses()
	if err != nil {
		return t, err
	}
	for _, p := range own {
		t.never = append(t.never, netip.PrefixFrom(p.Addr(), p.Addr().BitLen()))
		t.ratherNot = append(t.ratherNot, p.Masked())
	}
	routes, err := hostnet.Routes()
	if err != nil {
		return t, err
	}
	t.ratherNot = append(t.ratherNot, routes...)
	ctx, cancel := context.WithTimeout(ctx, resolveLimit)
	defer cancel()
	for _, host := range append(slices.Clone(d.site.Network.Avoid), d.engine.server()) {
		if p, err := netip.ParsePrefix(host); err == nil {
			t.never = append(t.never, p)
		}
		if host == "" || strings.Contains(host, "/") {
			continue
		}
		// One that has no address now cannot be spoken to either.
		ips, _ := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
		for _, ip := range ips {
			t.never = append(t.never, netip.PrefixFrom(ip.Unmap(), 32))
		}
	}
	return t, nil
}

// server is the host of an engine that is reached over a network; "" for one on a socket.
func (e *Engine) server() string {
	u, err := url.Parse(e.host)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// freeSubnet cuts a network for a drill from a range, or from the private ones where that is the zero value.
func freeSubnet(from netip.Prefix, t taken) (netip.Prefix, error) {
	ranges := privateRanges
	if from.IsValid() {
		ranges = []netip.Prefix{from}
	}
	for _, avoid := range [][]netip.Prefix{slices.Concat(t.never, t.ratherNot), t.never} {
		for _, r := range ranges {
			if p, ok := cut(r, avoid); ok {
				return p, nil
			}
		}
	}
	if from.IsValid() {
		return netip.Prefix{}, fmt.Errorf("no /%d of network: %s is free on this host and engine; give another range", subnetBits, from)
	}
	return netip.Prefix{}, fmt.Errorf("no /%d of the private ranges is free on this host and engine; give one with network: RANGE",
		subnetBits)
}

// cut finds a network within a range that overlaps nothing that is to be avoided, beginning anywhere.
func cut(r netip.Prefix, avoid []netip.Prefix) (netip.Prefix, bool) {
	avoid = slices.DeleteFunc(slices.Clone(avoid), func(p netip.Prefix) bool { return !p.Overlaps(r) })
	count := 1 << (subnetBits - r.Bits())
	for i, first := 0, rand.IntN(count); i < count; i++ {
		p := netip.PrefixFrom(plus(r.Addr(), uint32((first+i)%count)<<(32-subnetBits)), subnetBits)
		if !slices.ContainsFunc(avoid, p.Overlaps) {
			return p, true
		}
	}
	return netip.Prefix{}, false
}

// plus is the IPv4 address so many after another.
func plus(a netip.Addr, n uint32) netip.Addr {
	b := a.As4()
	for i := 3; i >= 0; i-- {
		n += uint32(b[i])
		b[i] = byte(n)
		n >>= 8
	}
	return netip.AddrFrom4(b)
}
