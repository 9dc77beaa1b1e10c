package sandbox

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	originalDestination = 80 // SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST
	firstBytes          = 500 * time.Millisecond
)

// record accepts what tried to leave, notes where it wanted to go and what it
// called it, and resets the connection. It never sends a byte.
func record(l net.Listener, log *egress) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		// Noted before the next is accepted: they come first come, first served, and who knocks last knows all noted.
		t := c.(*net.TCPConn)
		_ = t.SetLinger(0)
		target := original(t)
		counted := log.saw(attempt{protocol: "tcp", target: target, mark: c.RemoteAddr().String(), ours: isMarked(t)})
		if !counted {
			_ = t.Close()
			continue
		}
		go func() {
			defer t.Close()
			_ = t.SetReadDeadline(time.Now().Add(firstBytes))
			log.named("tcp", target, hostName(t))
		}()
	}
}

// isMarked tells our own probe from restored code: the kernel hands the mark of a connection's first packet on to who
// accepts it (net.ipv4.tcp_fwmark_accept), and only CAP_NET_ADMIN, which restored code has not, can set one.
func isMarked(c *net.TCPConn) bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	mark := 0
	_ = raw.Control(func(fd uintptr) { mark, _ = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK) })
	return mark == probeMark
}

// original is the address that the caller dialled.
func original(c *net.TCPConn) string {
	raw, err := c.SyscallConn()
	if err != nil {
		return "unknown"
	}
	target := "unknown"
	v6 := c.LocalAddr().(*net.TCPAddr).IP.To4() == nil
	_ = raw.Control(func(fd uintptr) {
		if v6 {
			if a, err := unix.GetsockoptIPv6MTUInfo(int(fd), unix.IPPROTO_IPV6, originalDestination); err == nil {
				// the kernel stores the port in network order
				p := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, a.Addr.Port))
				target = netip.AddrPortFrom(netip.AddrFrom16(a.Addr.Addr), p).String()
			}
			return
		}
		if a, err := syscall.GetsockoptIPv6Mreq(int(fd), unix.IPPROTO_IP, originalDestination); err == nil {
			ip := netip.AddrFrom4([4]byte(a.Multiaddr[4:8]))
			target = netip.AddrPortFrom(ip, binary.BigEndian.Uint16(a.Multiaddr[2:4])).String()
		}
	})
	return target
}

var errSeen = errors.New("seen")

// hostName is the name in the first bytes of a connection: TLS server name or
// HTTP host; empty when there is none.
func hostName(c net.Conn) string {
	r := bufio.NewReaderSize(c, 16<<10)
	first, err := r.Peek(1)
	if err != nil {
		return ""
	}
	const tlsHandshake = 0x16
	if first[0] == tlsHandshake {
		var name string
		conf := &tls.Config{GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			name = h.ServerName
			return nil, errSeen
		}}
		_ = tls.Server(listenOnly{c, r}, conf).Handshake()
		return name
	}
	req, err := http.ReadRequest(bufio.NewReader(io.LimitReader(r, 16<<10)))
	if err != nil {
		return ""
	}
	return req.Host
}

// listenOnly swallows what the TLS machinery would send: the recorder is silent.
type listenOnly struct {
	net.Conn
	r io.Reader
}

func (l listenOnly) Read(p []byte) (int, error)  { return l.r.Read(p) }
func (l listenOnly) Write(p []byte) (int, error) { return len(p), nil }
