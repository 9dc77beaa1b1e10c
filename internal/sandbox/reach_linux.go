package sandbox

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/binaryutil"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"
)

const (
	reachGroup = 67 // of the packet filter's log: connections of ours over which payload went both ways
	marked     = 4  // bits of a connection's mark: asked, answered, told
	asked      = 1
	answered   = 2
	pushed     = 0x08 // the flag of TCP that every segment has with which a write ends, and no empty one
)

// watchReach has the packet filter tell of each connection out of this namespace to another sandbox of the drill once
// payload went both ways over it, and again while it is answered. Restored code shares the namespace and cannot touch the filter.
func watchReach(c Config) error {
	conn := &nftables.Conn{}
	t := conn.AddTable(&nftables.Table{Family: nftables.TableFamilyINet, Name: "reach"})
	pass := nftables.ChainPolicyAccept
	for _, way := range []struct {
		name      string
		hook      *nftables.ChainHook
		direction byte   // of the connection in which such packets go
		offset    uint32 // of the other sandbox's address in an IPv4 header
		bit       uint32
	}{{"asks", nftables.ChainHookOutput, 0, 16, asked}, {"answers", nftables.ChainHookInput, 1, 12, answered}} {
		chain := conn.AddChain(&nftables.Chain{Name: way.name, Table: t, Type: nftables.ChainTypeFilter, Policy: &pass,
			Hooknum: way.hook, Priority: nftables.ChainPriorityRef(10)})
		for _, payload := range payloads() {
			var e []expr.Any
			for _, part := range [][]expr.Any{peer(c.Subnet, way.offset), connection(way.direction), payload,
				hasMark(way.bit, 0), setMark(way.bit)} {
				e = append(e, part...)
			}
			conn.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: e})
		}
		var tell []expr.Any
		for _, part := range [][]expr.Any{peer(c.Subnet, way.offset), hasMark(asked|answered|marked, asked|answered),
			setMark(marked), {toldOf()}} {
			tell = append(tell, part...)
		}
		conn.AddRule(&nftables.Rule{Table: t, Chain: chain, Exprs: tell})
		if way.bit != answered {
			continue
		}
		for i, payload := range payloads() {
			lately := &nftables.Set{Table: t, Name: "lately" + strconv.Itoa(i)}
			if err := tellAgain(conn, lately, chain, slices.Concat(peer(c.Subnet, way.offset), connection(way.direction), payload)); err != nil {
				return err
			}
		}
	}
	return conn.Flush()
}

// payloads match packets that carry some: TCP segments that push, datagrams.
func payloads() [][]expr.Any {
	return [][]expr.Any{append(l4(unix.IPPROTO_TCP, 0), pushes()...), l4(unix.IPPROTO_UDP, 0)}
}

// tellAgain tells of answers over connections that were told of before, of each service once a second: connections may
// last longer than what stood at their other end.
func tellAgain(conn *nftables.Conn, lately *nftables.Set, chain *nftables.Chain, answers []expr.Any) error {
	lately.KeyType = nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetService)
	lately.Concatenation, lately.Dynamic, lately.HasTimeout, lately.Timeout = true, true, true, time.Second
	if err := conn.AddSet(lately, nil); err != nil {
		return err
	}
	const key = unix.NFT_REG32_00 // of two registers: the service's address and port
	e := slices.Concat(answers, hasMark(marked, marked), []expr.Any{
		&expr.Payload{DestRegister: key, Base: expr.PayloadBaseNetworkHeader, Offset: 12, Len: 4},
		&expr.Payload{DestRegister: key + 1, Base: expr.PayloadBaseTransportHeader, Offset: 0, Len: 2},
		&expr.Lookup{SourceRegister: key, SetName: lately.Name, SetID: lately.ID, Invert: true},
		&expr.Dynset{SrcRegKey: key, SetName: lately.Name, SetID: lately.ID, Operation: unix.NFT_DYNSET_OP_ADD,
			Timeout: lately.Timeout},
		toldOf()})
	conn.AddRule(&nftables.Rule{Table: lately.Table, Chain: chain, Exprs: e})
	return nil
}

// toldOf logs a packet to the group that is listened to.
func toldOf() expr.Any {
	return &expr.Log{Key: 1<<unix.NFTA_LOG_GROUP | 1<<unix.NFTA_LOG_SNAPLEN, Group: reachGroup, Snaplen: 64}
}

// peer matches IPv4 packets with an address of the drill's subnet at an offset.
func peer(p netip.Prefix, offset uint32) []expr.Any {
	e := to(p)
	for _, x := range e {
		if load, ok := x.(*expr.Payload); ok {
			load.Offset = offset
		}
	}
	return e
}

// connection matches packets in one direction of a connection that began here or there.
func connection(direction byte) []expr.Any {
	return []expr.Any{&expr.Ct{Key: expr.CtKeyDIRECTION, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{direction}}}
}

func pushes() []expr.Any {
	return []expr.Any{&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 13, Len: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{pushed}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{0}}}
}

// hasMark matches connections of whose mark these bits are so.
func hasMark(bits, are uint32) []expr.Any {
	return []expr.Any{&expr.Ct{Key: expr.CtKeyMARK, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(bits),
			Xor: make([]byte, 4)},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: binaryutil.NativeEndian.PutUint32(are)}}
}

func setMark(bit uint32) []expr.Any {
	return []expr.Any{&expr.Ct{Key: expr.CtKeyMARK, Register: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 4, Mask: binaryutil.NativeEndian.PutUint32(^bit),
			Xor: binaryutil.NativeEndian.PutUint32(bit)},
		&expr.Ct{Key: expr.CtKeyMARK, Register: 1, SourceRegister: true}}
}

// reachedBy reads a packet that the filter told of: the service at its other end.
func reachedBy(p []byte, own netip.Addr) (protocol string, service netip.AddrPort, ok bool) {
	if len(p) < 20 || p[0]>>4 != 4 {
		return "", service, false
	}
	n := int(p[0]&0xf) * 4
	if n < 20 || len(p) < n+4 {
		return "", service, false
	}
	source, target := netip.AddrFrom4([4]byte(p[12:16])), netip.AddrFrom4([4]byte(p[16:20]))
	service = netip.AddrPortFrom(source, binary.BigEndian.Uint16(p[n:]))
	if source == own {
		service = netip.AddrPortFrom(target, binary.BigEndian.Uint16(p[n+2:]))
	}
	return map[byte]string{unix.IPPROTO_UDP: "udp", unix.IPPROTO_TCP: "tcp"}[p[9]], service, service.Addr() != own
}

// ownPort tells whether a service is this program itself, in whichever sandbox.
func ownPort(port uint16) bool { return port == AnswerPort || port == recorderPort || port == dnsPort }

// reach begins to write down which services of other sandboxes are reached from here.
func reach(c Config, log *egress) error {
	if err := listenLog(reachGroup, func(packet []byte, _ bool) {
		if protocol, service, ok := reachedBy(packet, c.Address); ok && !ownPort(service.Port()) {
			log.spoke(protocol, service)
		}
	}); err != nil {
		return err
	}
	return watchReach(c)
}
