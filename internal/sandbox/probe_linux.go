package sandbox

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

const (
	probeDial   = time.Second
	probeAnswer = 300 * time.Millisecond
	controlWait = 15 * time.Second // a probe that must get through: a busy host is no closed way
	probeMark   = 0x6c62           // of packets of our own probes
)

// marking makes sockets whose packets carry our mark. Outside a sandbox nobody may, and nobody needs it.
func marking(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) { _ = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_MARK, probeMark) })
}

func dialMarked(network, address string, within time.Duration) (net.Conn, error) {
	d := net.Dialer{Timeout: within, Control: marking}
	d.SetMultipathTCP(false)
	return d.Dial(network, address)
}

// tryProbes runs the probes: near ones first, outside addresses only when all of
// those were shut, so that no packet of a probe leaves the host.
func tryProbes(probes []Probe, log *egress) []Probe {
	near, outside := []Probe{}, []Probe{}
	for _, p := range probes {
		if p.Outside {
			outside = append(outside, p)
		} else {
			near = append(near, p)
		}
	}
	tryAll(near, log)
	shut := true
	for _, p := range near {
		shut = shut && p.Reached == p.Control
	}
	if shut {
		tryAll(outside, log)
	} else {
		for i := range outside {
			outside[i].Untried, outside[i].Detail = true, "not tried: something nearer is open"
		}
	}
	return append(near, outside...)
}

func tryAll(probes []Probe, log *egress) {
	var wg sync.WaitGroup
	for i := range probes {
		wg.Add(1)
		go func() {
			defer wg.Done()
			try(&probes[i], log)
		}()
	}
	wg.Wait()
}

func try(p *Probe, log *egress) {
	switch p.Protocol {
	case "tcp":
		tryTCP(p, log)
	case "udp":
		tryUDP(p)
	case "icmp":
		tryICMP(p)
	case "dns":
		tryDNS(p, log)
	case "vsock":
		tryVsock(p)
	default:
		p.Reached, p.Detail = true, "unknown protocol "+p.Protocol // fail closed
	}
}

// tryTCP counts as reached what answers, and also what merely accepts, unless
// it was our own recorder: a connect that succeeds proves nothing by itself.
func tryTCP(p *Probe, log *egress) {
	dial, answer := probeDial, probeAnswer
	if p.Control {
		dial, answer = controlWait, controlWait
	}
	c, err := dialMarked("tcp", p.Address, dial)
	if err != nil {
		p.Detail = short(err)
		return
	}
	defer c.Close()
	b := make([]byte, 256)
	_ = c.SetDeadline(time.Now().Add(answer))
	n, err := c.Read(b)
	if errors.Is(err, os.ErrDeadlineExceeded) && !p.Control { // the recorder may be slow: who accepted it?
		knock()
		_ = c.SetDeadline(time.Now().Add(answer))
		n, err = c.Read(b)
	}
	p.Recorded = log.caughtProbe(c.LocalAddr().String())
	switch {
	case n > 0:
		p.Reached = !p.Control || strings.Contains(string(b[:n]), p.Want)
		p.Detail = fmt.Sprintf("answered %q", b[:n])
		if p.Want != "" && strings.Contains(string(b[:n]), p.Want) {
			p.Detail = "gave the answer that only it can give"
		}
	case p.Recorded:
		p.Detail = "led to the recorder"
	default:
		p.Reached = !p.Control
		p.Detail = "accepted, without an answer: " + short(err)
	}
}

// knock returns when the recorder has noted every connection that came to it before: it serves in turn.
func knock() {
	for _, a := range []string{Resolver, "::1"} {
		c, err := dialMarked("tcp", net.JoinHostPort(a, strconv.Itoa(recorderPort)), controlWait)
		if err != nil {
			continue // there is none
		}
		_ = c.SetDeadline(time.Now().Add(controlWait))
		_, _ = c.Read(make([]byte, 1))
		_ = c.Close()
	}
}

func tryUDP(p *Probe) {
	c, err := dialMarked("udp", p.Address, probeDial)
	if err != nil {
		p.Detail = short(err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(probeAnswer))
	if _, err := c.Write([]byte(p.Want)); err != nil {
		p.Detail = short(err)
		return
	}
	b := make([]byte, 256)
	n, err := c.Read(b)
	if p.Reached = n > 0; p.Reached {
		p.Detail = fmt.Sprintf("answered %q", b[:n])
		return
	}
	p.Detail = short(err)
}

// tryVsock makes a socket of the hypervisor and connects it to nobody: where there is one, the way is open.
func tryVsock(p *Probe) {
	fd, err := unix.Socket(unix.AF_VSOCK, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		p.Detail = short(err)
		return
	}
	_ = unix.Close(fd)
	p.Reached, p.Detail = true, "such a socket can be made"
}

func tryICMP(p *Probe) {
	c, err := pinging()
	if err != nil {
		p.Detail = short(err)
		return
	}
	defer c.Close()
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: os.Getpid(), Seq: 1, Data: []byte("lifeboat")}}
	b, err := m.Marshal(nil)
	if err == nil {
		_, err = c.WriteTo(b, &net.UDPAddr{IP: net.ParseIP(p.Address)})
	}
	if err != nil {
		p.Detail = short(err)
		return
	}
	_ = c.SetReadDeadline(time.Now().Add(probeAnswer))
	in := make([]byte, 1500)
	n, _, err := c.ReadFrom(in)
	if err != nil {
		p.Detail = short(err)
		return
	}
	if r, err := icmp.ParseMessage(1, in[:n]); err == nil && r.Type == ipv4.ICMPTypeEchoReply {
		p.Reached, p.Detail = true, "echo reply"
	}
}

// pinging is a socket for echo requests, marked; x/net/icmp would hide it from us.
func pinging() (net.PacketConn, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_ICMP)
	if err != nil {
		return nil, err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_MARK, probeMark)
	f := os.NewFile(uintptr(fd), "icmp")
	defer f.Close()
	return net.FilePacketConn(f)
}

// tryDNS asks a server (Address is server!name) and is shut when our own stub
// was the one that got the question, or nobody answered.
func tryDNS(p *Probe, log *egress) {
	server, name, _ := strings.Cut(p.Address, "!")
	log.asks(strings.ToLower(name))
	n, err := dnsmessage.NewName(name + ".")
	if err != nil {
		p.Reached, p.Detail = true, short(err) // fail closed: the probe itself is wrong
		return
	}
	q := dnsmessage.Message{Header: dnsmessage.Header{ID: 1, RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: n, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}}}
	b, err := q.Pack()
	var c net.Conn
	if err == nil {
		c, err = dialMarked("udp", net.JoinHostPort(server, "53"), probeDial)
	}
	if err != nil {
		p.Detail = short(err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(3 * probeAnswer))
	_, _ = c.Write(b)
	in := make([]byte, 1500)
	k, err := c.Read(in)
	if err != nil {
		p.Detail = short(err)
		return
	}
	p.Recorded = log.caughtProbe(strings.ToLower(name))
	var r dnsmessage.Message
	if err := r.Unpack(in[:k]); err == nil && p.Recorded && r.RCode == dnsmessage.RCodeNameError {
		p.Detail = "answered by the stub: no such name"
		return
	}
	p.Reached, p.Detail = true, "answered by a foreign server"
}

// short keeps the reason of a network error, without addresses.
func short(err error) string {
	if err == nil {
		return ""
	}
	s := err.Error()
	if i := strings.LastIndex(s, ": "); i >= 0 {
		return s[i+2:]
	}
	return s
}
