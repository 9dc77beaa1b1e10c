package docker

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/moby/moby/api/types/container"
	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// plan of a container.
type plan struct {
	name, image, instance, role string
	entrypoint, command         []string
	env                         map[string]string
	user, dir, hostname         string
	stdin                       bool // is kept open
	once                        bool // until whoever writes to it has ended
	gains                       bool // its programs may gain rights when they are started
	host                        container.HostConfig
	networks, aliases           []string
	address                     netip.Addr
}

// ownContainer is a container that this process made.
type ownContainer struct {
	testcontainers.Container
	engine *Engine
	id     string
}

// createLimit is how long what an engine has begun to make is waited for after an abort.
const createLimit = 20 * time.Second

// creating is a context for what the engine is asked to make. An abort does not cut the question off at once: the engine
// would go on, and what it makes show up when the clean-up has passed.
func creating(ctx context.Context) (context.Context, context.CancelFunc) {
	own, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(createLimit, func() { cancel(context.Cause(ctx)) }) })
	return own, func() { stop(); cancel(nil) }
}

// createContainer writes the container to the ledger and creates it, unstarted.
func (d *Driver) createContainer(ctx context.Context, p plan) (*ownContainer, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	ctx, done := creating(ctx)
	defer done()
	if err := d.intend("container", undoContainer, p.name, "docker rm -fv "+p.name); err != nil {
		return nil, err
	}
	provider, err := d.engine.lifecycle()
	if err != nil {
		return nil, err
	}
	c, err := provider.CreateContainer(ctx, testcontainers.ContainerRequest{Name: p.name, Image: p.image, Networks: p.networks,
		ConfigModifier: func(c *container.Config) {
			// All of it: without testcontainers' session label a stranger's reaper leaves us alone.
			*c = container.Config{Image: p.image, Entrypoint: p.entrypoint, Cmd: p.command, Env: environment(p.env),
				User: p.user, WorkingDir: p.dir, Hostname: p.hostname, OpenStdin: p.stdin, StdinOnce: p.once, Healthcheck: noHealthcheck,
				Labels: d.labels(p.instance, p.role)}
		},
		HostConfigModifier: func(h *container.HostConfig) {
			*h = harden(p.host, p.gains)
			if p.role == roleProgram { // what it prints is taken as it comes: to keep it costs more than to make it, and may be what a backup holds
				h.LogConfig = container.LogConfig{Type: "none"}
			}
			if len(p.networks) > 0 { // engines before version 25 take one at creation
				h.NetworkMode = container.NetworkMode(p.networks[0])
			}
		},
		EndpointSettingsModifier: func(all map[string]*mobynet.EndpointSettings) {
			for _, e := range all {
				e.Aliases, e.DriverOpts = p.aliases, linkSysctls()
				e.IPAMConfig = &mobynet.EndpointIPAMConfig{IPv4Address: p.address}
			}
		},
	})
	if gone(err) {
		if _, look := d.engine.client.ImageInspect(ctx, p.image); gone(look) {
			err = d.engine.noImage(p.image)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("create container %s: %w", p.name, err)
	}
	return &ownContainer{c, d.engine, c.GetContainerID()}, nil
}

// noImage says what is missing: nothing is pulled for a drill, which must not depend on a registry that the disaster took
// along.
func (e *Engine) noImage(ref string) error {
	return fmt.Errorf("the engine at %s has no image %s; build, load or pull it first (lifeboat pulls nothing)", e.host, ref)
}

// harden adds what every container of a drill has in common.
func harden(h container.HostConfig, gains bool) container.HostConfig {
	h.CapDrop = []string{"ALL"}
	h.SecurityOpt = []string{seccompOption()}
	if !gains {
		h.SecurityOpt = append(h.SecurityOpt, "no-new-privileges:true")
	}
	h.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyDisabled}
	h.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}}
	return h
}

func (b *ownContainer) start(ctx context.Context) error { return b.Start(ctx) }

// stop with the image's own signal, then by force after the grace, which is rounded up to seconds.
func (b *ownContainer) stop(ctx context.Context, signal string, grace time.Duration) error {
	_, err := b.engine.client.ContainerStop(ctx, b.id, client.ContainerStopOptions{Signal: signal, Timeout: new(int((grace + time.Second - 1) / time.Second))})
	return err
}

// terminate ends it at once and removes it with its unnamed volumes. One that is not there is as good.
func (b *ownContainer) terminate(ctx context.Context) error {
	err := b.Terminate(ctx, testcontainers.StopTimeout(0))
	if gone(err) {
		return nil
	}
	return err
}
