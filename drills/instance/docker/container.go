package docker

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/moby/moby/api/types/container"
	mobynet "github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
)

// plan of a container.
type plan struct {
	name, image, instance, role string
	entrypoint, command         []string
	env                         map[string]string
	user, dir, hostname         string
	stdin                       bool // is kept open
	gains                       bool // its programs may gain rights when they are started
	host                        container.HostConfig
	networks, aliases           []string
	address                     netip.Addr
}

// body is a container that this process made.
type body struct {
	engine *Engine
	id     string
}

// createContainer writes the container to the ledger and creates it, unstarted.
func (d *Driver) createContainer(ctx context.Context, p plan) (*body, error) {
	if err := d.intend("container", undoContainer, p.name, "docker rm -fv "+p.name); err != nil {
		return nil, err
	}
	host := harden(p.host, p.gains)
	ends := map[string]*mobynet.EndpointSettings{}
	if len(p.networks) > 0 { // engines before version 25 take one at creation
		host.NetworkMode = container.NetworkMode(p.networks[0])
		ends[p.networks[0]] = &mobynet.EndpointSettings{Aliases: p.aliases, DriverOpts: linkSysctls(),
			IPAMConfig: &mobynet.EndpointIPAMConfig{IPv4Address: p.address}}
	}
	c, err := d.engine.client.ContainerCreate(ctx, client.ContainerCreateOptions{Name: p.name, HostConfig: &host,
		Config: &container.Config{Image: p.image, Entrypoint: p.entrypoint, Cmd: p.command, Env: environment(p.env),
			User: p.user, WorkingDir: p.dir, Hostname: p.hostname, OpenStdin: p.stdin, Healthcheck: noHealthcheck, Labels: d.labels(p.instance, p.role)},
		NetworkingConfig: &mobynet.NetworkingConfig{EndpointsConfig: ends}})
	if gone(err) {
		if _, look := d.engine.client.ImageInspect(ctx, p.image); gone(look) {
			err = d.engine.noImage(p.image)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("create container %s: %w", p.name, err)
	}
	b := &body{d.engine, c.ID}
	for _, n := range p.networks[min(1, len(p.networks)):] {
		if _, err := d.engine.client.NetworkConnect(ctx, n, client.NetworkConnectOptions{Container: c.ID}); err != nil {
			return b, fmt.Errorf("connect container %s to network %s: %w", p.name, n, err)
		}
	}
	return b, nil
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

func (b *body) start(ctx context.Context) error {
	_, err := b.engine.client.ContainerStart(ctx, b.id, client.ContainerStartOptions{})
	return err
}

// stop with the image's own signal, then by force after the grace, which is rounded up to seconds.
func (b *body) stop(ctx context.Context, signal string, grace time.Duration) error {
	t := int((grace + time.Second - 1) / time.Second)
	_, err := b.engine.client.ContainerStop(ctx, b.id, client.ContainerStopOptions{Signal: signal, Timeout: &t})
	return err
}

// terminate ends it at once and removes it with its unnamed volumes. One that is not there is as good.
func (b *body) terminate(ctx context.Context) error {
	_, err := b.engine.client.ContainerRemove(ctx, b.id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if gone(err) {
		return nil
	}
	return err
}
