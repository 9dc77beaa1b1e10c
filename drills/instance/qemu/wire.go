package qemu

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"lifeboat/drills/record"
)

const dumpMost = 1 << 20 // bytes after which no more is kept

// wire is what a guest's card sent.
type wire struct {
	from  map[netip.Addr]int // addresses that it speaks from, and how often
	asked map[netip.Addr]int // addresses that it looks for in its own network
	dhcp  bool               // it asked for an address
}

// readWire reads a file as filter-dump writes it: pcap, in this machine's order of bytes, of Ethernet.
// https://datatracker.ietf.org/doc/html/draft-ietf-opsawg-pcap
func readWire(pcap []byte) wire {
	const fileHead, packetHead = 24, 16
	w := wire{from: map[netip.Addr]int{}, asked: map[netip.Addr]int{}}
	if len(pcap) < fileHead {
		return w
	}
	for rest := pcap[fileHead:]; len(rest) >= packetHead; {
		n := int(binary.LittleEndian.Uint32(rest[8:]))
		if n < 0 || n > len(rest)-packetHead {
			break // it is being written
		}
		w.packet(rest[packetHead : packetHead+n])
		rest = rest[packetHead+n:]
	}
	return w
}

func (w wire) saw(addresses map[netip.Addr]int, b []byte) {
	a, _ := netip.AddrFromSlice(b[:4])
	if !a.IsUnspecified() && !a.IsLinkLocalUnicast() && !a.IsMulticast() && !a.IsLoopback() {
		addresses[a]++
	}
}

func (w *wire) packet(p []byte) {
	const ethernet, arp, ipv4 = 14, 28, 20
	if len(p) < ethernet || p[6] == 0x52 && p[7] == 0x55 { // QEMU's own addresses begin so (slirp's special_ethaddr)
		return
	}
	body := p[ethernet:]
	switch binary.BigEndian.Uint16(p[12:]) {
	case 0x0806:
		if len(body) < arp {
			return
		}
		from, asked := body[14:18], body[24:28]
		if from[0] == 0 { // a probe whether the address is free (RFC 5227): it is the one that it wants
			from = asked
		}
		w.saw(w.from, from)
		if string(from) != string(asked) {
			w.saw(w.asked, asked)
		}
	case 0x0800:
		if len(body) < ipv4 {
			return
		}
		w.saw(w.from, body[12:16])
		head := int(body[0]&0xf) * 4
		if body[9] == 17 && len(body) >= head+4 && binary.BigEndian.Uint16(body[head+2:]) == 67 {
			w.dhcp = true
		}
	}
}

// most is the address that was seen most often.
func most(seen map[netip.Addr]int) (a netip.Addr, ok bool) {
	all := slices.SortedFunc(maps.Keys(seen), func(a, b netip.Addr) int {
		return cmp.Or(seen[b]-seen[a], a.Compare(b))
	})
	if len(all) == 0 {
		return a, false
	}
	return all[0], true
}

// silent tells that a guest that has come up speaks from another address than the one at which it is reached. One that
// asked for an address was given that.
func (w wire) silent(given netip.Addr) (finding, bool) {
	from, ok := most(w.from)
	if w.dhcp || w.from[given] > 0 {
		return finding{}, false
	}
	if !ok {
		return silence("it never asked for an address by DHCP, and sends nothing from any", given, sourceNetwork), true
	}
	asks := ""
	delete(w.asked, from)
	if a, ok := most(w.asked); ok {
		asks = " and it looks for " + a.String()
	}
	return silence(fmt.Sprintf("its packets come from %s%s", from, asks), given, sourceNetwork), true
}

func silence(words string, given netip.Addr, source string) finding {
	return finding{class: classSilent, source: source, fatal: true, lack: record.LackAddress,
		words: fmt.Sprintf("network silent: the guest is up, %s; it is reached at %s", words, given)}
}

// onTheWire is what the guest's card sent since the machine was last switched on. Nothing is kept of one that sends
// much: it is not silent.
func (m *Machine) onTheWire(ctx context.Context) (wire, error) {
	pcap, size, err := m.hypervisor.Tail(ctx, dumpFile, dumpMost)
	if err == nil && size > int64(len(pcap)) {
		m.leaveWire(ctx)
		return readWire(nil), nil
	}
	return readWire(pcap), err
}

// leaveWire ends the keeping of packets: a guest that came up sends without end.
func (m *Machine) leaveWire(ctx context.Context) {
	if q, err := m.qmp(ctx); err == nil {
		_ = q.do(ctx, "object-del", map[string]any{"id": dumpObject}, nil) // it may be gone already
	}
}

// quietFor is how long after its login prompt a guest that sent nothing may take to ask for an address.
const quietFor = 2 * time.Minute

// silentOnTheWire tells that a guest which has come up speaks from another address than the one at which it is reached, or
// from none. Where nothing shows that it has come up, it may take another address yet. login: its console asks for one.
func (m *Machine) silentOnTheWire(ctx context.Context, login bool) (finding, bool) {
	m.mu.Lock()
	if login && m.asked.IsZero() {
		m.asked = time.Now()
	}
	long := login && time.Since(m.asked) > quietFor
	m.mu.Unlock()
	w, err := within(ctx, hostLimit, m.onTheWire)
	if err != nil {
		return finding{}, false // it was reached before, or whoever keeps it does not answer
	}
	f, silent := w.silent(m.given())
	speaks := len(w.from) > 0
	if !speaks && m.vm.Address != "" { // it asks nobody for an address, and nobody may have asked it anything yet
		return finding{}, false
	}
	f.fatal = login && (long || speaks)
	return f, silent && (f.fatal || speaks)
}
