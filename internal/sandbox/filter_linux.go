package sandbox

import (
	"net"
	"net/netip"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

const logGroup = 66 // of the packet filter's log: what was neither TCP nor DNS

// wallFilter closes the namespace for IPv4 and IPv6: what is not its own or the
// drill's subnet, and not on the allow-list, is led to the recorder or rejected.
func wallFilter(c Config) error {
	conn := &nftables.Conn{}
	t := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "lifeboat"})
	drop, pass := nftables.ChainPolicyDrop, nftables.ChainPolicyAccept
	nat := conn.AddChain(&nftables.Chain{Name: "lead", Table: t, Type: nftables.ChainTypeNAT, Policy: &pass,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityRef(-90)})
	out := conn.AddChain(&nftables.Chain{Name: "out", Table: t, Type: nftables.ChainTypeFilter, Policy: &drop,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityFilter})
	in := conn.AddChain(&nftables.Chain{Name: "in", Table: t, Type: nftables.ChainTypeFilter, Policy: &pass,
		Hooknum: nftables.ChainHookInput, Priority: nftables.ChainPriorityFilter})
	add := func(ch *nftables.Chain, parts ...[]expr.Any) {
		var e []expr.Any
		for _, p := range parts {
			e = append(e, p...)
		}
		conn.AddRule(&nftables.Rule{Table: t, Chain: ch, Exprs: e})
	}
	resolver := netip.MustParseAddr(Resolver)
	// The engine's own resolver forwards here; a redirect keeps port 53 free for restored services.
	add(nat, to(netip.PrefixFrom(resolver, 32)), l4(unix.IPPROTO_UDP, 53), dnat(resolver, dnsPort))
	for _, ch := range []*nftables.Chain{nat, out} {
		add(ch, to(netip.MustParsePrefix("127.0.0.0/8")), accept())
		add(ch, to(netip.MustParsePrefix("::1/128")), accept())
		add(ch, not(c.Gateway), not(last(c.Subnet)), to(c.Subnet), accept())
		for _, a := range c.Allow {
			add(ch, to(netip.PrefixFrom(a.Address, a.Address.BitLen())), l4(unix.IPPROTO_TCP, a.Port), accept())
		}
	}
	for _, a := range []netip.Addr{resolver, netip.IPv6Loopback()} {
		add(nat, family(a), l4(unix.IPPROTO_UDP, 53), dnat(a, dnsPort))
		add(nat, family(a), l4(unix.IPPROTO_TCP, 0), dnat(a, recorderPort))
	}
	add(out, []expr.Any{&expr.Log{Key: 1<<unix.NFTA_LOG_GROUP | 1<<unix.NFTA_LOG_SNAPLEN, Group: logGroup, Snaplen: 128},
		&expr.Reject{Type: unix.NFT_REJECT_ICMPX_UNREACH, Code: unix.NFT_REJECT_ICMPX_ADMIN_PROHIBITED}})
	// Link-local neighbours could talk IPv6 to each other; nobody does so in a drill.
	add(in, family(netip.IPv6Loopback()), foreignLink(), []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}})
	return conn.Flush()
}

func accept() []expr.Any { return []expr.Any{&expr.Verdict{Kind: expr.VerdictAccept}} }

func family(a netip.Addr) []expr.Any {
	f := byte(unix.NFPROTO_IPV4)
	if a.Is6() {
		f = unix.NFPROTO_IPV6
	}
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyNFPROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{f}}}
}

// destination loads the destination address into register 1.
func destination(a netip.Addr) []expr.Any {
	p := &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4}
	if a.Is6() {
		p.Offset, p.Len = 24, 16
	}
	return append(family(a), p)
}

func to(p netip.Prefix) []expr.Any {
	a := p.Masked().Addr()
	n := a.BitLen() / 8
	return append(destination(a),
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: uint32(n), Mask: net.CIDRMask(p.Bits(), a.BitLen()),
			Xor: make([]byte, n)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: a.AsSlice()})
}

func not(a netip.Addr) []expr.Any {
	return append(destination(a), &expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: a.AsSlice()})
}

// l4 matches a transport protocol and, unless it is 0, the destination port.
func l4(proto byte, port uint16) []expr.Any {
	e := []expr.Any{&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{proto}}}
	if port == 0 {
		return e
	}
	return append(e, &expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.BigEndian.PutUint16(port)})
}

func dnat(a netip.Addr, port uint16) []expr.Any {
	f := uint32(unix.NFPROTO_IPV4)
	if a.Is6() {
		f = unix.NFPROTO_IPV6
	}
	return []expr.Any{&expr.Immediate{Register: 1, Data: a.AsSlice()},
		&expr.Immediate{Register: 2, Data: binaryutil.BigEndian.PutUint16(port)},
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: f, RegAddrMin: 1, RegProtoMin: 2}}
}

func foreignLink() []expr.Any {
	return []expr.Any{&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: 1},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: append([]byte("lo"), make([]byte, 14)...)}}
}

// last is the broadcast address of an IPv4 subnet.
func last(p netip.Prefix) netip.Addr {
	b := p.Masked().Addr().As4()
	for i := p.Bits(); i < 32; i++ {
		b[i/8] |= 1 << (7 - i%8)
	}
	return netip.AddrFrom4(b)
}
