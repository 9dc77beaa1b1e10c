package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/internal/sandbox"
)

const (
	sealLimit     = time.Minute // a busy host is slow, not open
	discardLimit  = 10 * time.Second
	sandboxMemory = 1 << 30 // it is our own code, the limit only ends a mistake
	sandboxPids   = 512
)

// sealedSandbox is a sealed sandbox: a network namespace with a fixed address.
type sealedSandbox struct {
	id      string
	name    string // of the instance, or of the programs
	address netip.Addr
	began   time.Duration // since the drill's base, before it was started
	ready   time.Duration // and when it was sealed
	way     *way          // into it
}

// seal gives a slot a sandbox that is proved to be closed. A sandbox that died
// (its namespace is gone with it) is replaced at the same address.
func (d *Driver) seal(ctx context.Context, s *slot, aliases, allow []string) error {
	if s.refused != nil {
		return s.refused
	}
	if s.sandbox != nil {
		running, err := d.engine.running(ctx, s.sandbox.id)
		if err != nil {
			return fmt.Errorf("look at the sandbox of %s: %w", s.name, err)
		}
		if running {
			return nil
		}
		s.sandbox.way.close()
		if _, err := d.engine.client.ContainerRemove(ctx, s.sandbox.id,
			client.ContainerRemoveOptions{Force: true}); err != nil && !gone(err) {
			return fmt.Errorf("replace the sandbox of %s: %w", s.name, err)
		}
	}
	n, err := d.network(ctx)
	if err != nil {
		return err
	}
	b := &sealedSandbox{name: s.name}
	if s.sandbox != nil {
		b.address = s.sandbox.address
	} else if b.address, err = d.address(n); err != nil {
		return err
	}
	listener, err := listenOnHost()
	if err != nil {
		return fmt.Errorf("listen for probes on this host: %w", err)
	}
	defer listener.Close()
	conf := sandbox.Config{Subnet: n.subnet, Gateway: n.gateway, Address: b.address,
		Answer: answerOf(d.site.Scope.Drill, s.name)}
	if conf.Allow, err = resolveAllowed(ctx, allow); err != nil {
		return err
	}
	if conf.Probes, err = d.probes(ctx, conf, listener); err != nil {
		return err
	}
	if err = d.startSandbox(ctx, b, n, conf, aliases); err != nil {
		err = fmt.Errorf("seal %s: %w", s.name, err)
	} else if results, werr := d.awaitSeal(ctx, b); werr != nil {
		err = fmt.Errorf("seal %s: %w", s.name, werr)
	} else {
		err = d.judgeSeal(s.name, results, listener)
		s.refused = err
	}
	if err != nil {
		d.discard(ctx, b)
		return err
	}
	s.sandbox = b
	return nil
}

// discard removes a sandbox that may not be used, so that another try finds its name free.
func (d *Driver) discard(ctx context.Context, b *sealedSandbox) {
	if b.id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), discardLimit)
	defer cancel()
	_, err := d.engine.client.ContainerRemove(ctx, b.id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !gone(err) {
		d.log.Warn("remove a sandbox that is not sealed; the ledger's entry will", "sandbox", b.name, "error", err)
	}
}

// startSandbox creates and starts the sandbox container.
func (d *Driver) startSandbox(ctx context.Context, b *sealedSandbox, n *network, conf sandbox.Config, aliases []string) error {
	image, err := d.sandboxImage(ctx)
	if err != nil {
		return err
	}
	arg, err := json.Marshal(conf)
	if err != nil {
		return err
	}
	networks := []string{n.name}
	if len(conf.Allow) > 0 {
		out, err := d.outward(ctx)
		if err != nil {
			return err
		}
		networks = append(networks, out)
	}
	name := d.name(b.name, "sandbox")
	b.began = time.Since(d.base)
	c, err := d.startWith6(ctx, plan{
		name: name, image: image, instance: b.name, role: roleSandbox,
		entrypoint: []string{programInside, sandbox.CommandSeal, string(arg)},
		host: container.HostConfig{
			CapAdd: []string{"NET_ADMIN", "NET_BIND_SERVICE"}, ReadonlyRootfs: true,
			DNS: []netip.Addr{netip.MustParseAddr(sandbox.Resolver)}, DNSSearch: []string{"."},
			Sysctls:   map[string]string{"net.ipv4.tcp_fwmark_accept": "1"}, // our own probes are known by their mark
			Resources: container.Resources{Memory: sandboxMemory, MemorySwap: sandboxMemory, PidsLimit: new(int64(sandboxPids))},
		},
		hostname: b.name, networks: networks, aliases: append([]string{b.name}, aliases...), address: b.address,
	})
	if c != nil {
		b.id = c.id
	}
	if err != nil {
		return err
	}
	b.way = &way{engine: d.engine, sandbox: b.id}
	return nil
}

// awaitSeal reads the sandbox's output until it is ready.
func (d *Driver) awaitSeal(ctx context.Context, b *sealedSandbox) ([]sandbox.Probe, error) {
	ctx, cancel := context.WithTimeout(ctx, sealLimit)
	defer cancel()
	var results []sandbox.Probe
	for l, err := range d.engine.lines(ctx, b.id, true) {
		switch {
		case err != nil:
			return nil, err
		case l.Event == "probe":
			results = append(results, *l.Probe)
		case l.Event == "error":
			return nil, errors.New(l.Error)
		case l.Event == "ready":
			b.ready = d.sealedAt(l.Boot, b.began)
			return results, nil
		}
	}
	return nil, errors.New("the sandbox ended before it was sealed")
}

// sealedAt places what a sandbox's clock showed when it was sealed on the drill's: a busy host hears of it late. The
// clock of another host says nothing.
func (d *Driver) sealedAt(boot int64, began time.Duration) time.Duration {
	now := time.Since(d.base)
	if at := now - time.Duration(record.Boottime()-boot); boot > 0 && at >= began && at <= now {
		return at
	}
	return now
}

// judgeSeal writes every probe to the journal and refuses a sandbox with a way
// out, or with a control that failed: then the probes prove nothing.
func (d *Driver) judgeSeal(name string, results []sandbox.Probe, listener *hostListener) error {
	var open []record.Probe
	var failed string
	controls := 0
	for _, p := range results {
		f := record.Probe{Target: p.Target, Address: p.Address, Protocol: p.Protocol, Reached: p.Reached,
			Control: p.Control, Detail: p.Detail}
		if !f.Reached && !f.Control && p.Want != "" && listener.heard(p.Address, p.Protocol) {
			f.Reached, f.Detail = true, "it arrived there, though no answer came back"
		}
		if err := d.site.Journal.Append(record.KindProbe, record.Subject{Instance: name}, f); err != nil {
			return fmt.Errorf("write the probes of %s to the journal: %w", name, err)
		}
		switch {
		case f.Control && !f.Reached:
			failed = f.Target + " at " + f.Address + ": " + f.Detail
		case f.Control:
			controls++
		case f.Reached:
			open = append(open, f)
		}
	}
	if len(open) > 0 {
		return &instance.LeakError{Instance: name, Probes: open}
	}
	if failed != "" || controls == 0 {
		return fmt.Errorf("prove the seal of %s: a probe that must get through did not (%s), so the others prove nothing",
			name, failed)
	}
	return nil
}
