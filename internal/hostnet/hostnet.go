// Package hostnet tells which addresses this host has and which it has ways to, so that a drill's network takes none of them.
package hostnet

import (
	"fmt"
	"net"
	"net/netip"
	"syscall"
)

// Addresses of this host, IPv4 and IPv6, each with its network's length.
func Addresses() ([]netip.Prefix, error) {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil, fmt.Errorf("list this host's addresses: %w", err)
	}
	var all []netip.Prefix
	for _, a := range list {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, p)
		}
	}
	return all, nil
}

// widest is the length of the shortest prefix that says where something is. A shorter one (0.0.0.0/0, or the two halves
// that a VPN puts in its place) leads wherever nothing else does.
const widest = 8

// Routes are the IPv4 networks that this host has ways to, in all of its routing tables, but for default routes.
func Routes() ([]netip.Prefix, error) {
	rib, err := syscall.NetlinkRIB(syscall.RTM_GETROUTE, syscall.AF_INET)
	if err != nil {
		return nil, fmt.Errorf("list this host's routes: %w", err)
	}
	messages, err := syscall.ParseNetlinkMessage(rib)
	if err != nil {
		return nil, fmt.Errorf("read this host's routes: %w", err)
	}
	var all []netip.Prefix
	for i := range messages {
		m := &messages[i]
		// A struct rtmsg begins with its family and the length of its destination.
		if m.Header.Type != syscall.RTM_NEWROUTE || len(m.Data) < 2 || m.Data[0] != syscall.AF_INET {
			continue
		}
		bits := int(m.Data[1])
		attributes, err := syscall.ParseNetlinkRouteAttr(m)
		if err != nil {
			return nil, fmt.Errorf("read this host's routes: %w", err)
		}
		for _, a := range attributes {
			if to, ok := netip.AddrFromSlice(a.Value); a.Attr.Type == syscall.RTA_DST && ok && bits >= widest {
				all = append(all, netip.PrefixFrom(to, bits).Masked())
			}
		}
	}
	return all, nil
}
