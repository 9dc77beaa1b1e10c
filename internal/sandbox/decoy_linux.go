package sandbox

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/mdlayher/netlink"
	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"lifeboat/internal/decoy"
)

// everywhere is the address that a decoy gives to every name. Any would do: all of them lead to it.
var everywhere = netip.MustParseAddr("10.255.255.1")

// runDecoy is PID 1 of a namespace that has no network but its loopback, in which every name and every port of every
// address leads to a decoy. It returns on a signal, or when the namespace cannot be made so.
func runDecoy(k decoy.Kind, out io.Writer) error {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	log := newEgress(out)
	if err := startDecoy(k); err != nil {
		log.write(Line{Event: "error", Error: err.Error()})
		return err
	}
	log.write(Line{Event: "ready"})
	<-stop
	return nil
}

func startDecoy(k decoy.Kind) error {
	if err := everyRoute(); err != nil {
		return fmt.Errorf("lead every address to the decoy: %w", err)
	}
	if err := everyPort(); err != nil {
		return fmt.Errorf("lead every port to the decoy: %w", err)
	}
	for _, ip := range ownAddresses() {
		tcp, err := net.Listen("tcp", netip.AddrPortFrom(ip, recorderPort).String())
		if err != nil {
			return fmt.Errorf("open the decoy: %w", err)
		}
		go func() {
			for {
				c, err := tcp.Accept()
				if err != nil {
					return
				}
				go decoy.Serve(c, k)
			}
		}()
		udp, err := net.ListenPacket("udp", netip.AddrPortFrom(ip, dnsPort).String())
		if err != nil {
			return fmt.Errorf("open the decoy's DNS: %w", err)
		}
		go nameEverything(udp)
	}
	return nil
}

// everyRoute makes every address local to this namespace.
func everyRoute() error {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	for _, prefix := range everywhereElse() {
		m := routeMessage(unix.RTM_NEWROUTE, prefix, unix.RTN_LOCAL, unix.RT_SCOPE_HOST)
		m.Data = append(m.Data, attribute(unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, uint32(lo.Index)))...)
		if prefix.Addr().Is4() {
			m.Data = append(m.Data, attribute(unix.RTA_PREFSRC, []byte{127, 0, 0, 1})...)
		}
		if _, err := conn.Execute(m); err != nil {
			return fmt.Errorf("add route %s: %w", prefix, err)
		}
	}
	return nil
}

// everyPort leads TCP and DNS to the decoy, whatever the address.
func everyPort() error {
	conn := &nftables.Conn{}
	t := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "decoy"})
	pass := nftables.ChainPolicyAccept
	lead := conn.AddChain(&nftables.Chain{Name: "lead", Table: t, Type: nftables.ChainTypeNAT, Policy: &pass,
		Hooknum: nftables.ChainHookOutput, Priority: nftables.ChainPriorityRef(-90)})
	add := func(parts ...[]expr.Any) {
		var e []expr.Any
		for _, p := range parts {
			e = append(e, p...)
		}
		conn.AddRule(&nftables.Rule{Table: t, Chain: lead, Exprs: e})
	}
	for _, a := range []netip.Addr{netip.MustParseAddr(Resolver), netip.IPv6Loopback()} {
		add(family(a), l4(unix.IPPROTO_UDP, 53), dnat(a, dnsPort))
		add(family(a), l4(unix.IPPROTO_TCP, 0), dnat(a, recorderPort))
	}
	return conn.Flush()
}

// nameEverything answers every question for an address with the same one.
func nameEverything(u net.PacketConn) {
	b := make([]byte, 4096)
	for {
		n, from, err := u.ReadFrom(b)
		if err != nil {
			return
		}
		if reply := named(b[:n]); reply != nil {
			_, _ = u.WriteTo(reply, from)
		}
	}
}

// named is the reply to one DNS message; nil when it is no question.
func named(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || m.Response || len(m.Questions) == 0 {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.RCode = true, true, dnsmessage.RCodeSuccess
	m.Answers, m.Authorities, m.Additionals = nil, nil, nil
	if q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{
			Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 5},
			Body:   &dnsmessage.AResource{A: everywhere.As4()}}}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}
