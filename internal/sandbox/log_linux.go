package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strconv"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// Of linux/netfilter/nfnetlink_log.h.
const (
	ulogConfig     = unix.NFNL_SUBSYS_ULOG<<8 | 1
	ulogCommand    = 1 // attribute: struct nfulnl_msg_config_cmd
	ulogMode       = 2 // attribute: struct nfulnl_msg_config_mode
	ulogThreshold  = 5 // attribute: packets to wait for before a message is sent
	ulogBind       = 1
	ulogCopyPacket = 2
	ulogMark       = 2 // attribute of a logged packet: its mark, where it has one
	ulogPayload    = 9 // attribute of a logged packet
	headLength     = 128
)

// rejected notes the packets that the filter rejected: UDP, ICMP and all
// other protocols, which cannot be led to the recorder.
func rejected(log *egress) func(packet []byte, marked bool) {
	return func(packet []byte, marked bool) {
		if protocol, target, ok := describe(packet); ok {
			log.saw(attempt{protocol: protocol, target: target, mark: target, ours: marked})
		}
	}
}

// listenLog hands on the first bytes of the packets that the filter logs to a group.
func listenLog(number uint16, each func(packet []byte, marked bool)) error {
	c, err := netlink.Dial(unix.NETLINK_NETFILTER, nil)
	if err != nil {
		return err
	}
	group := binary.BigEndian.AppendUint16([]byte{unix.AF_UNSPEC, unix.NFNETLINK_V0}, number)
	mode := append(binary.BigEndian.AppendUint32(nil, headLength), ulogCopyPacket, 0)
	one := binary.BigEndian.AppendUint32(nil, 1)
	for _, a := range [][]byte{attribute(ulogCommand, []byte{ulogBind}), attribute(ulogMode, mode),
		attribute(ulogThreshold, one)} {
		m := netlink.Message{Header: netlink.Header{Type: ulogConfig, Flags: netlink.Request | netlink.Acknowledge},
			Data: append(append([]byte(nil), group...), a...)}
		if _, err := c.Execute(m); err != nil {
			_ = c.Close()
			return fmt.Errorf("bind group %d: %w", number, err)
		}
	}
	go func() {
		defer c.Close()
		for {
			// A full buffer (ENOBUFS) loses packets of a flood; the ones after it count again.
			messages, err := c.Receive()
			if err != nil && len(messages) == 0 {
				if errors.Is(err, unix.ENOBUFS) {
					continue
				}
				return
			}
			for _, m := range messages {
				logged(m.Data, each)
			}
		}
	}()
	return nil
}

func logged(data []byte, each func(packet []byte, marked bool)) {
	if len(data) < 4 {
		return
	}
	d, err := netlink.NewAttributeDecoder(data[4:])
	if err != nil {
		return
	}
	var packet []byte
	marked := false
	for d.Next() {
		switch d.Type() {
		case ulogMark:
			marked = len(d.Bytes()) == 4 && binary.BigEndian.Uint32(d.Bytes()) == probeMark
		case ulogPayload:
			packet = d.Bytes()
		}
	}
	if packet != nil {
		each(packet, marked)
	}
}

// describe names the protocol and the target of an IP packet's first bytes.
// Neighbour discovery and group membership are the kernel's own talk, not attempts.
func describe(p []byte) (protocol, target string, ok bool) {
	if len(p) < 20 {
		return "", "", false
	}
	var dst netip.Addr
	var number byte
	var rest []byte
	switch p[0] >> 4 {
	case 4:
		n := int(p[0]&0xf) * 4
		if n < 20 || len(p) < n {
			return "", "", false
		}
		dst, number, rest = netip.AddrFrom4([4]byte(p[16:20])), p[9], p[n:]
	case 6:
		if len(p) < 40 {
			return "", "", false
		}
		dst, number, rest = netip.AddrFrom16([16]byte(p[24:40])), p[6], p[40:]
	default:
		return "", "", false
	}
	switch number {
	case unix.IPPROTO_UDP, unix.IPPROTO_TCP, unix.IPPROTO_SCTP:
		if len(rest) < 4 {
			return "", "", false
		}
		name := map[byte]string{unix.IPPROTO_UDP: "udp", unix.IPPROTO_TCP: "tcp", unix.IPPROTO_SCTP: "sctp"}[number]
		return name, netip.AddrPortFrom(dst, binary.BigEndian.Uint16(rest[2:4])).String(), true
	case unix.IPPROTO_ICMP:
		return "icmp", dst.String(), true
	case unix.IPPROTO_ICMPV6:
		kernel := len(rest) > 0 && (rest[0] >= 133 && rest[0] <= 137 || rest[0] == 143 || rest[0] == 131)
		return "icmp", dst.String(), !kernel
	case unix.IPPROTO_IGMP:
		return "", "", false
	}
	return "ip-" + strconv.Itoa(int(number)), dst.String(), true
}
