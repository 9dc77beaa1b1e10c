package sandbox

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

const (
	probeDial   = time.Second
	probeAnswer = 300 * time.Millisecond
)

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
	c, err := net.DialTimeout("tcp", p.Address, probeDial)
	if err != nil {
		p.Detail = short(err)
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(probeAnswer))
	b := make([]byte, 256)
	n, err := c.Read(b)
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

func tryUDP(p *Probe) {
	c, err := net.DialTimeout("udp", p.Address, probeDial)
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
	c, err := icmp.ListenPacket("udp4", "0.0.0.0")
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

// tryDNS asks a server (Address is server!name) and is shut when our own stub
// was the one that got the question, or nobody answered.
func tryDNS(p *Probe, log *egress) {
	server, name, _ := strings.Cut(p.Address, "!")
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
		c, err = net.DialTimeout("udp", net.JoinHostPort(server, "53"), probeDial)
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
