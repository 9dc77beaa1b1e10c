package docker

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"

	"github.com/moby/moby/client"

	"lifeboat/drills/ledger"
	"lifeboat/internal/sandbox"
)

// Addresses that no packet of ours may reach: they are tried only after all nearer ways were shut.
const (
	metadataAddress = "169.254.169.254" // of cloud providers
	outsideAddress  = "203.0.113.1"     // documentation, RFC 5737
	outsideAddress6 = "2001:db8::1"     // documentation, RFC 3849
	outsideName     = "example.com"     // RFC 2606
	engineResolver  = "127.0.0.11"
	hostAddresses   = 12 // of this host at most
	otherSandboxes  = 3  // of other drills at most
)

func answerOf(drill, name string) string { return "lifeboat sandbox " + drill + "/" + name }

// probes lists the ways out to try from a new sandbox.
func (d *Driver) probes(ctx context.Context, c sandbox.Config, e *hostListener) ([]sandbox.Probe, error) {
	own := netip.AddrPortFrom(c.Address, sandbox.AnswerPort).String()
	p := []sandbox.Probe{{Target: "control", Address: own, Protocol: "tcp", Want: c.Answer, Control: true}}
	for _, a := range e.addresses() {
		at := net.JoinHostPort(a.String(), strconv.Itoa(e.port))
		p = append(p, sandbox.Probe{Target: "host", Address: at, Protocol: "tcp", Want: e.secret},
			sandbox.Probe{Target: "host", Address: at, Protocol: "udp", Want: e.secret})
		if a.Is4() {
			p = append(p, sandbox.Probe{Target: "host", Address: a.String(), Protocol: "icmp"})
		}
	}
	gate := netip.AddrPortFrom(c.Gateway, uint16(e.port)).String()
	p = append(p, sandbox.Probe{Target: "gateway", Address: gate, Protocol: "tcp", Want: e.secret},
		sandbox.Probe{Target: "gateway", Address: gate, Protocol: "udp", Want: e.secret},
		sandbox.Probe{Target: "gateway", Address: c.Gateway.String(), Protocol: "icmp"})
	others, err := d.otherSandboxes(ctx)
	if err != nil {
		return nil, err
	}
	p = append(p, others...)
	p = append(p, sandbox.Probe{Target: "hypervisor", Address: "AF_VSOCK", Protocol: "vsock"})
	for _, a := range []string{engineResolver, c.Gateway.String(), metadataAddress, outsideAddress} {
		// A name of its own: nobody else asks for it, and no other probe's answer can be taken for this one's.
		name := strings.ToLower(rand.Text()) + "." + outsideName
		p = append(p, sandbox.Probe{Target: "dns", Address: a + "!" + name, Protocol: "dns", Outside: true})
	}
	return append(p,
		sandbox.Probe{Target: "metadata", Address: net.JoinHostPort(metadataAddress, "80"), Protocol: "tcp", Outside: true},
		sandbox.Probe{Target: "outside", Address: net.JoinHostPort(outsideAddress, "443"), Protocol: "tcp", Outside: true},
		sandbox.Probe{Target: "outside", Address: net.JoinHostPort(outsideAddress, "443"), Protocol: "udp", Outside: true},
		sandbox.Probe{Target: "outside", Address: outsideAddress, Protocol: "icmp", Outside: true},
		sandbox.Probe{Target: "outside", Address: net.JoinHostPort(outsideAddress6, "443"), Protocol: "tcp",
			Outside: true}), nil
}

// otherSandboxes are those of other drills on this engine: they must be as far away as production.
func (d *Driver) otherSandboxes(ctx context.Context) ([]sandbox.Probe, error) {
	list, err := d.engine.client.ContainerList(ctx, client.ContainerListOptions{
		Filters: make(client.Filters).Add("label", labelRole+"="+roleSandbox)})
	if err != nil {
		return nil, fmt.Errorf("look for sandboxes of other drills: %w", err)
	}
	var p []sandbox.Probe
	for _, c := range list.Items {
		if c.Labels[ledger.LabelDrill] == d.site.Scope.Drill || c.NetworkSettings == nil || len(p) == otherSandboxes {
			continue
		}
		for _, n := range c.NetworkSettings.Networks {
			if n.IPAddress.IsValid() {
				p = append(p, sandbox.Probe{Target: "other sandbox", Protocol: "tcp", Want: "lifeboat sandbox",
					Address: netip.AddrPortFrom(n.IPAddress, sandbox.AnswerPort).String()})
				break
			}
		}
	}
	return p, nil
}

// hostListener is a service on all addresses of this host while the probes run. It
// answers with a secret, and remembers what arrived with it.
type hostListener struct {
	secret string
	port   int
	tcp    net.Listener
	udp    net.PacketConn

	mu  sync.Mutex
	got bool // the secret arrived by UDP
}

func listenOnHost() (*hostListener, error) {
	e := &hostListener{secret: rand.Text()}
	var err error
	if e.tcp, err = net.Listen("tcp", ":0"); err != nil {
		return nil, err
	}
	e.port = e.tcp.Addr().(*net.TCPAddr).Port
	if e.udp, err = net.ListenPacket("udp", ":"+strconv.Itoa(e.port)); err != nil {
		_ = e.tcp.Close()
		return nil, err
	}
	go e.answerTCP()
	go e.answerUDP()
	return e, nil
}

func (e *hostListener) answerTCP() {
	for {
		c, err := e.tcp.Accept()
		if err != nil {
			return
		}
		_, _ = c.Write([]byte(e.secret))
		_ = c.Close()
	}
}

func (e *hostListener) answerUDP() {
	b := make([]byte, 512)
	for {
		n, from, err := e.udp.ReadFrom(b)
		if err != nil {
			return
		}
		if strings.Contains(string(b[:n]), e.secret) {
			e.mu.Lock()
			e.got = true
			e.mu.Unlock()
			_, _ = e.udp.WriteTo([]byte(e.secret), from)
		}
	}
}

// heard tells whether a probe over UDP arrived although its answer did not.
func (e *hostListener) heard(address, protocol string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return protocol == "udp" && e.got && strings.HasSuffix(address, ":"+strconv.Itoa(e.port))
}

// addresses of this host on which the service really answers.
func (e *hostListener) addresses() []netip.Addr {
	list, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	var all []netip.Addr
	for _, a := range list {
		p, err := netip.ParsePrefix(a.String())
		if err != nil || p.Addr().IsLoopback() || p.Addr().IsLinkLocalUnicast() || len(all) == hostAddresses {
			continue
		}
		all = append(all, p.Addr())
	}
	return all
}

// Close ends the service.
func (e *hostListener) Close() {
	_ = e.tcp.Close()
	_ = e.udp.Close()
}
