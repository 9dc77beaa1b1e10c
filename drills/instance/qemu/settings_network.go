package qemu

import (
	"net/netip"

	"lifeboat/drills/instance/docker"
	"lifeboat/scenarios"
)

// The narrowest and the widest network of a virtual machine's own, in bits of its prefix. A gateway and a name server
// need addresses in it beside the guest's.
const (
	widestMachine    = 8
	narrowestMachine = 30
	addressExample   = "write it with its network, such as 192.168.10.20/24"
)

// network is what the machine sees on its own card.
func (v *VM) network() netip.Prefix {
	if p, err := netip.ParsePrefix(v.Address); err == nil {
		return p.Masked()
	}
	return docker.GuestRange
}

// network checks the network that a guest with an address of its own expects.
func (r *review) network(vm VM) {
	const path = "vm"
	if vm.Address == "" {
		for key, value := range map[string]string{"gateway": vm.Gateway, "dns": vm.DNS} {
			if value != "" {
				r.problem(path+"."+key, "add address: the guest's own, or delete it; a guest that asks DHCP is told",
					"belongs to a guest with an address of its own")
			}
		}
		return
	}
	at := path + ".address"
	p, err := netip.ParsePrefix(vm.Address)
	switch {
	case err != nil || !p.Addr().Is4():
		r.problem(at, addressExample, "%q is not the IPv4 address of a network card", scenarios.Clip(vm.Address))
		return
	case p.Bits() < widestMachine || p.Bits() > narrowestMachine:
		r.problem(at, "give a network between /8 and /30", "/%d leaves no place for a gateway", p.Bits())
		return
	case p.Addr() == p.Masked().Addr() || p.Addr() == lastOf(p):
		r.problem(at, addressExample, "%s is the network itself, or all of it", p.Addr())
		return
	case scenarios.Unusable(p):
		r.problem(at, addressExample, "no network can have these addresses")
		return
	}
	for key, value := range map[string]string{"gateway": vm.Gateway, "dns": vm.DNS} {
		if value == "" {
			continue
		}
		a, err := netip.ParseAddr(value)
		switch at := path + "." + key; {
		case err != nil || !a.Is4():
			r.problem(at, "write it like 192.168.10.1", "%q is not an IPv4 address", scenarios.Clip(value))
		case !p.Masked().Contains(a) && key == "dns":
			r.problem(at, "delete it: name servers elsewhere are answered for at any address", "%s is not in %s", a, p.Masked())
		case !p.Masked().Contains(a):
			r.problem(at, "give the router of its own network, as the guest has it", "%s is not in %s", a, p.Masked())
		case a == p.Addr():
			r.problem(at, "give another one", "%s is the guest itself", a)
		}
	}
}

// lastOf a network: its broadcast address.
func lastOf(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < p.Addr().BitLen(); i++ {
		b[i/8] |= 0x80 >> (i % 8)
	}
	return netip.AddrFrom4(b)
}
