package docker

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"

	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"

	"lifeboat/internal/sandbox"
)

// resolveAllowed turns the scenario's host:port entries into addresses, once:
// a name that moves later does not widen the opening.
func resolveAllowed(ctx context.Context, entries []string) ([]sandbox.Allow, error) {
	var all []sandbox.Allow
	for _, e := range entries {
		host, port, err := net.SplitHostPort(e)
		if err != nil {
			return nil, fmt.Errorf("allow %s: %w; write host:port", e, err)
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("allow %s: %q is no port", e, port)
		}
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", host)
		if err != nil {
			return nil, fmt.Errorf("allow %s: %w", e, err)
		}
		for _, ip := range ips {
			all = append(all, sandbox.Allow{Host: host, Address: netip.AddrFrom4(ip.As4()), Port: uint16(n)})
		}
	}
	return all, nil
}

// outward returns the network by which allowed addresses are reached. It exists
// only in drills whose scenario opens something, and joins no two sandboxes.
func (d *Driver) outward(ctx context.Context) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	name := d.name("out")
	if d.net.outward {
		return name, nil
	}
	if err := d.intend(whatNetwork, undoNetwork, name, "docker network rm "+name); err != nil {
		return "", err
	}
	var failed error
	for range subnetTries {
		// Unlike the drill's own, this one is a route of the host: it must not take any that is there, so the scenario's range,
		// which may be that of the host's own network, is none for it.
		in, err := d.taken(ctx)
		if err != nil {
			return "", err
		}
		in.never = append(in.never, in.ratherNot...)
		subnet, err := freeSubnet(netip.Prefix{}, in)
		if err != nil {
			return "", fmt.Errorf("create network %s: %w", name, err)
		}
		making, done := creating(ctx)
		_, err = d.engine.client.NetworkCreate(making, name, client.NetworkCreateOptions{Driver: "bridge",
			Labels:  d.labels("", roleNetwork),
			Options: map[string]string{"com.docker.network.bridge.enable_icc": "false"},
			IPAM:    &mobynet.IPAM{Config: []mobynet.IPAMConfig{{Subnet: subnet, Gateway: subnet.Addr().Next()}}}})
		done()
		if err == nil {
			d.net.outward = true
			return name, nil
		}
		if failed = err; ctx.Err() != nil {
			break
		}
	}
	return "", fmt.Errorf("create network %s: %w", name, failed)
}
