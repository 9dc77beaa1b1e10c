package qemu

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// pcapOf packets, as filter-dump writes them.
func pcapOf(packets ...[]byte) []byte {
	b := make([]byte, 24)
	for _, p := range packets {
		head := make([]byte, 16)
		binary.LittleEndian.PutUint32(head[8:], uint32(len(p)))
		b = append(append(b, head...), p...)
	}
	return b
}

func address(s string) []byte { return netip.MustParseAddr(s).AsSlice() }

var (
	guestCard = []byte{0x52, 0x54, 0, 0x12, 0x34, 0x56}
	slirpCard = []byte{0x52, 0x55, 10, 0, 2, 2}
)

func arpOf(card []byte, from, asked string) []byte {
	p := append(append(append(make([]byte, 6), card...), 8, 6), 0, 1, 8, 0, 6, 4, 0, 1)
	p = append(append(append(p, card...), address(from)...), make([]byte, 6)...)
	return append(p, address(asked)...)
}

func udpOf(from, to string, port byte) []byte {
	p := append(append(make([]byte, 6), guestCard...), 8, 0, 0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0)
	return append(append(append(p, address(from)...), address(to)...), 0, 68, 0, port, 0, 8, 0, 0)
}

func TestWire(t *testing.T) {
	t.Parallel()
	static := arpOf(guestCard, "192.168.10.20", "192.168.10.1")
	const says = "network silent: the guest is up, its packets come from 192.168.10.20 and it looks for 192.168.10.1; it is reached at 10.0.2.15"
	const quiet = "network silent: the guest is up, it never asked for an address by DHCP, and sends nothing from any; it is " +
		"reached at 10.0.2.15"
	for name, c := range map[string]struct {
		pcap  []byte
		words string
	}{
		"nothing":       {nil, quiet},
		"an empty file": {pcapOf(), quiet},
		"static": {pcapOf(arpOf(guestCard, "192.168.10.20", "192.168.10.20"), static, static,
			arpOf(guestCard, "192.168.10.20", "192.168.10.53")), says},
		"it looks whether its address is free": {pcapOf(arpOf(guestCard, "0.0.0.0", "192.168.10.20"), static), says},
		"one is being written":                 {append(pcapOf(static), 1, 2, 3), says},
		"QEMU asks for it":                     {pcapOf(arpOf(slirpCard, "10.0.2.2", "10.0.2.15")), quiet},
		"it asks for an address": {pcapOf(udpOf("0.0.0.0", "255.255.255.255", 67),
			arpOf(guestCard, "192.168.10.20", "192.168.10.20")), ""},
		"it has the address, and another one": {pcapOf(arpOf(guestCard, "10.0.2.15", "10.0.2.2"), static, static), ""},
		"its own only":                        {pcapOf(udpOf("10.0.2.15", "10.0.2.3", 53)), ""},
		"link-local":                          {pcapOf(arpOf(guestCard, "169.254.7.7", "169.254.7.8")), quiet},
	} {
		f, silent := readWire(c.pcap).silent(firstLease)
		assert.Equal(t, c.words != "", silent, name)
		if silent {
			assert.Equal(t, c.words, f.words, name)
			assert.Equal(t, record.LackAddress, f.lack, name)
		}
	}
}

func FuzzReadWire(f *testing.F) {
	f.Add(pcapOf(arpOf(guestCard, "192.168.10.20", "192.168.10.1"), udpOf("10.0.2.15", "10.0.2.3", 53)))
	f.Fuzz(func(_ *testing.T, pcap []byte) { readWire(pcap).silent(firstLease) })
}

func TestLAN(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		vm   VM
		want string
	}{
		"the gateway answers names": {VM{Address: "192.168.10.20/24"},
			",net=192.168.10.0/24,host=192.168.10.2,dns=192.168.10.1,dhcpstart=192.168.10.20"},
		"the guest is the first": {VM{Address: "192.168.10.1/24"},
			",net=192.168.10.0/24,host=192.168.10.3,dns=192.168.10.2,dhcpstart=192.168.10.1"},
		"all are given": {VM{Address: "10.1.2.3/16", Gateway: "10.1.255.254", DNS: "10.1.0.53"},
			",net=10.1.0.0/16,host=10.1.255.254,dns=10.1.0.53,dhcpstart=10.1.2.3"},
		"next to no place": {VM{Address: "203.0.113.6/30", Gateway: "203.0.113.5", DNS: "203.0.113.5"},
			",net=203.0.113.4/30,host=203.0.113.4,dns=203.0.113.5,dhcpstart=203.0.113.6"},
	} {
		l, own, err := lanOf(&c.vm)
		assert.NoError(t, err, name)
		assert.True(t, own, name)
		assert.Equal(t, c.want, l.options(), name)
	}
	_, own, err := lanOf(&VM{})
	assert.NoError(t, err)
	assert.False(t, own)
}
