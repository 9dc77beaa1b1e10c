package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// wallRoutes makes every foreign address local to this namespace: even without
// the packet filter there is no way out, and an attempt over IPv6, for which
// there is no network at all, still reaches the recorder. Allowed addresses go
// by the gateway that the engine had set.
func wallRoutes(c Config) error {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return err
	}
	defer conn.Close()
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	via, link, err := dropDefault(conn)
	if err != nil {
		return fmt.Errorf("drop the default route: %w", err)
	}
	for _, p := range everywhereElse() {
		m := routeMessage(unix.RTM_NEWROUTE, p, unix.RTN_LOCAL, unix.RT_SCOPE_HOST)
		m.Data = append(m.Data, attribute(unix.RTA_OIF, binary.NativeEndian.AppendUint32(nil, uint32(lo.Index)))...)
		if p.Addr().Is4() {
			// Else the source would be the foreign address itself, and the recorder's replies to it foreign packets.
			m.Data = append(m.Data, attribute(unix.RTA_PREFSRC, c.Address.AsSlice())...)
		}
		if _, err := conn.Execute(m); err != nil {
			return fmt.Errorf("add route %s: %w", p, err)
		}
	}
	for _, a := range c.Allow {
		if !via.IsValid() {
			return errors.New("there is no gateway for the allowed addresses")
		}
		m := routeMessage(unix.RTM_NEWROUTE, netip.PrefixFrom(a.Address, a.Address.BitLen()), unix.RTN_UNICAST,
			unix.RT_SCOPE_UNIVERSE)
		m.Data = append(m.Data, attribute(unix.RTA_GATEWAY, via.AsSlice())...)
		m.Data = append(m.Data, attribute(unix.RTA_OIF, link)...)
		if _, err := conn.Execute(m); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("add route to %s: %w", a.Address, err)
		}
	}
	return nil
}

// dropDefault removes the engine's default routes and returns the last one's gateway and link.
func dropDefault(conn *netlink.Conn) (via netip.Addr, link []byte, err error) {
	list := routeMessage(unix.RTM_GETROUTE, netip.MustParsePrefix("0.0.0.0/0"), 0, 0)
	list.Header.Flags = netlink.Request | netlink.Dump
	routes, err := conn.Execute(list)
	if err != nil {
		return via, nil, err
	}
	for _, r := range routes {
		if len(r.Data) < unix.SizeofRtMsg || r.Data[1] != 0 || r.Data[4] != unix.RT_TABLE_MAIN {
			continue
		}
		del := netlink.Message{Header: netlink.Header{Type: unix.RTM_DELROUTE,
			Flags: netlink.Request | netlink.Acknowledge}, Data: r.Data}
		if _, err := conn.Execute(del); err != nil {
			return via, nil, err
		}
		d, err := netlink.NewAttributeDecoder(r.Data[unix.SizeofRtMsg:])
		if err != nil {
			return via, nil, err
		}
		for d.Next() {
			switch d.Type() {
			case unix.RTA_GATEWAY:
				via, _ = netip.AddrFromSlice(d.Bytes())
			case unix.RTA_OIF:
				link = append([]byte(nil), d.Bytes()...)
			}
		}
	}
	return via, link, nil
}

func routeMessage(kind netlink.HeaderType, p netip.Prefix, typ, scope byte) netlink.Message {
	f := byte(unix.AF_INET)
	if p.Addr().Is6() {
		f = unix.AF_INET6
	}
	m := netlink.Message{Header: netlink.Header{Type: kind,
		Flags: netlink.Request | netlink.Acknowledge | netlink.Create | netlink.Excl},
		Data: []byte{f, byte(p.Bits()), 0, 0, unix.RT_TABLE_MAIN, unix.RTPROT_STATIC, scope, typ, 0, 0, 0, 0}}
	if p.Bits() > 0 {
		m.Data = append(m.Data, attribute(unix.RTA_DST, p.Addr().AsSlice())...)
	}
	return m
}

func attribute(kind uint16, value []byte) []byte {
	b, err := netlink.MarshalAttributes([]netlink.Attribute{{Type: kind, Data: value}})
	if err != nil {
		panic(err) // only when a value is longer than 64 KiB
	}
	return b
}
