package sandbox

import (
	"crypto/tls"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestHostName(t *testing.T) {
	for name, c := range map[string]struct {
		say  func(net.Conn)
		want string
	}{
		"http": {func(c net.Conn) { _, _ = c.Write([]byte("GET / HTTP/1.1\r\nHost: api.prod.example.com\r\n\r\n")) },
			"api.prod.example.com"},
		"proxy": {func(c net.Conn) {
			_, _ = c.Write([]byte("CONNECT pay.example.com:443 HTTP/1.1\r\nHost: pay.example.com:443\r\n\r\n"))
		}, "pay.example.com:443"},
		"tls": {func(c net.Conn) { _ = tls.Client(c, &tls.Config{ServerName: "pay.prod.example.com"}).Handshake() },
			"pay.prod.example.com"},
		"neither": {func(c net.Conn) { _, _ = c.Write([]byte("\x00\x00\x00\x08\x04\xd2\x16\x2f\r\n\r\n")) }, ""},
		"silence": {func(net.Conn) {}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe()
			defer near.Close()
			_ = far.SetReadDeadline(time.Now().Add(200 * time.Millisecond))
			go c.say(near)
			assert.Equal(t, c.want, hostName(far))
			_ = far.Close()
		})
	}
}

func TestDescribe(t *testing.T) {
	v4 := func(proto byte, rest ...byte) []byte {
		return append([]byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, proto, 0, 0, 198, 18, 0, 2, 203, 0, 113, 7}, rest...)
	}
	v6 := append([]byte{0x60, 0, 0, 0, 0, 0, 17, 64}, append(netip.MustParseAddr("::1").AsSlice(),
		append(netip.MustParseAddr("2001:db8::7").AsSlice(), 0, 9, 1, 187)...)...)
	for name, c := range map[string]struct {
		packet           []byte
		protocol, target string
		ok               bool
	}{
		"udp":              {v4(17, 0, 9, 0, 123), "udp", "203.0.113.7:123", true},
		"icmp":             {v4(1, 8, 0), "icmp", "203.0.113.7", true},
		"gre":              {v4(47), "ip-47", "203.0.113.7", true},
		"igmp is no way":   {v4(2), "", "", false},
		"udp cut short":    {v4(17, 0), "", "", false},
		"udp over IPv6":    {v6, "udp", "[2001:db8::7]:443", true},
		"header cut short": {v6[:30], "", "", false},
		"nothing":          {nil, "", "", false},
		"lying length":     {[]byte{0x4f, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			protocol, target, ok := describe(c.packet)
			assert.Equal(t, []any{c.protocol, c.target, c.ok}, []any{protocol, target, ok})
		})
	}
}

func FuzzDescribe(f *testing.F) {
	f.Add([]byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 0, 2})
	f.Fuzz(func(_ *testing.T, b []byte) { _, _, _ = describe(b) })
}

func TestLast(t *testing.T) {
	assert.Equal(t, "198.18.0.127", last(netip.MustParsePrefix("198.18.0.64/26")).String())
	assert.Equal(t, "198.18.255.255", last(netip.MustParsePrefix("198.18.0.0/16")).String())
}

func TestReachedBy(t *testing.T) {
	own, peer := netip.MustParseAddr("198.18.0.3"), netip.MustParseAddr("198.18.0.2")
	packet := func(from, to netip.Addr, proto byte, ports ...byte) []byte {
		head := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, 64, proto, 0, 0}
		return append(append(append(head, from.AsSlice()...), to.AsSlice()...), ports...)
	}
	for name, c := range map[string]struct {
		packet            []byte
		protocol, service string
		ok                bool
	}{
		"an answer":              {packet(peer, own, 6, 21, 56, 0xc0, 1), "tcp", "198.18.0.2:5432", true},
		"a question":             {packet(own, peer, 6, 0xc0, 1, 21, 56), "tcp", "198.18.0.2:5432", true},
		"a datagram":             {packet(peer, own, 17, 0, 53, 0xc0, 1), "udp", "198.18.0.2:53", true},
		"to itself":              {packet(own, own, 6, 0xc0, 1, 21, 56), "tcp", "198.18.0.3:5432", false},
		"cut short":              {packet(own, peer, 6, 0xc0), "", "", false},
		"IPv6, which no one has": {make([]byte, 40), "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			protocol, service, ok := reachedBy(c.packet, own)
			assert.Equal(t, c.ok, ok)
			if c.service != "" {
				assert.Equal(t, []string{c.protocol, c.service}, []string{protocol, service.String()})
			}
		})
	}
	assert.True(t, ownPort(AnswerPort))
	assert.False(t, ownPort(5432))
}
