package qemu

import (
	"fmt"
	"net/netip"
	"strconv"
)

// firstLease is the address that QEMU's user-mode network gives by DHCP where nothing else is said.
var firstLease = netip.MustParseAddr("10.0.2.15")

// dumpFile keeps the heads of the packets that pass the guest's card while it comes up: see wire.go.
const (
	dumpFile   = diskDir + "/card.pcap"
	dumpObject = "card-dump"
	dumpHead   = 64 // bytes of each packet
)

// lan is the network that a guest with an address of its own expects.
type lan struct {
	net                      netip.Prefix
	guest, gateway, dns, own netip.Addr // own: QEMU's
}

// lanOf a machine; false where DHCP gives it an address.
func lanOf(vm *VM) (lan, bool, error) {
	if vm.Address == "" {
		return lan{}, false, nil
	}
	p, err := netip.ParsePrefix(vm.Address)
	if err != nil {
		return lan{}, false, fmt.Errorf("read the guest's address: %w", err)
	}
	l := lan{net: p.Masked(), guest: p.Addr()}
	first := l.net.Addr().Next()
	if l.gateway = first; l.gateway == l.guest {
		l.gateway = first.Next()
	}
	if vm.Gateway != "" {
		if l.gateway, err = netip.ParseAddr(vm.Gateway); err != nil {
			return lan{}, false, fmt.Errorf("read the guest's gateway: %w", err)
		}
	}
	// QEMU answers for two addresses, its own and the name server's, and sends on what comes to either. A gateway that
	// answers names, as most routers do, is the second; the first is then any other, or where there is none the network's.
	l.dns, l.own = l.gateway, l.net.Addr()
	if vm.DNS != "" && vm.DNS != l.gateway.String() {
		if l.dns, err = netip.ParseAddr(vm.DNS); err != nil {
			return lan{}, false, fmt.Errorf("read the guest's name server: %w", err)
		}
		l.own = l.gateway
		return l, true, nil
	}
	for a := first; l.net.Contains(a.Next()); a = a.Next() {
		if a != l.guest && a != l.gateway {
			l.own = a
			break
		}
	}
	return l, true, nil
}

// options of QEMU's user-mode network.
func (l lan) options() string {
	return fmt.Sprintf(",net=%s,host=%s,dns=%s,dhcpstart=%s", l.net, l.own, l.dns, l.guest)
}

// netArguments forward ports within the namespace. The guest's own connections are sockets of the
// namespace, so the sandbox refuses and records them; restrict=on would hide them from its record.
func (m *Machine) netArguments() ([]string, error) {
	vm := m.vm
	net, guest := "user,id=net0,ipv6=off", ""
	l, own, err := lanOf(vm)
	if err != nil {
		return nil, fmt.Errorf("boot %s: %w", m.Name(), err)
	}
	if own {
		net, guest = net+l.options(), l.guest.String()
	}
	if vm.Hostname != "" {
		net += ",hostname=" + vm.Hostname
	}
	net += ",hostfwd=tcp:127.0.0.1:" + strconv.Itoa(sshForward) + "-" + guest + ":22"
	for _, p := range vm.Ports {
		net += fmt.Sprintf(",hostfwd=tcp:0.0.0.0:%[1]d-%[2]s:%[1]d", p, guest)
	}
	nic := "virtio-net-pci,id=" + cardDevice + ",netdev=net0,romfile="
	if vm.MAC != "" {
		nic += ",mac=" + vm.MAC
	}
	return []string{"-netdev", net, "-device", nic, "-object",
		fmt.Sprintf("filter-dump,id=%s,netdev=net0,file=%s,maxlen=%d", dumpObject, dumpFile, dumpHead)}, nil
}

// given is the address at which the guest is reached.
func (m *Machine) given() netip.Addr {
	if l, own, err := lanOf(m.vm); own && err == nil {
		return l.guest
	}
	return firstLease
}
