package docker

import (
	"context"
	"fmt"
	"net/netip"

	"github.com/moby/moby/api/types/container"
	mobynet "github.com/moby/moby/api/types/network"
	"github.com/testcontainers/testcontainers-go"
)

// plan of a container.
type plan struct {
	name, image, instance, role string
	entrypoint, command         []string
	env                         map[string]string
	user, dir, hostname         string
	host                        container.HostConfig
	networks, aliases           []string
	address                     netip.Addr
}

// createContainer writes the container to the ledger and creates it, unstarted, with testcontainers.
func (d *Driver) createContainer(ctx context.Context, p plan) (testcontainers.Container, error) {
	provider, err := d.engine.lifecycle()
	if err != nil {
		return nil, err
	}
	if err := d.intend("container", undoContainer, p.name, "docker rm -fv "+p.name); err != nil {
		return nil, err
	}
	labels := d.labels(p.instance, p.role)
	req := testcontainers.ContainerRequest{Name: p.name, Image: p.image, Env: p.env, Cmd: p.command, Networks: p.networks,
		ConfigModifier: func(c *container.Config) {
			// Without testcontainers' session label a stranger's reaper leaves us alone.
			c.Labels, c.Entrypoint, c.User, c.WorkingDir, c.Hostname = labels, p.entrypoint, p.user, p.dir, p.hostname
		},
		HostConfigModifier: func(h *container.HostConfig) { harden(h, p.host) },
		EndpointSettingsModifier: func(all map[string]*mobynet.EndpointSettings) {
			for _, e := range all {
				e.Aliases, e.IPAMConfig = p.aliases, &mobynet.EndpointIPAMConfig{IPv4Address: p.address}
			}
		},
	}
	c, err := provider.CreateContainer(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("create container %s: %w", p.name, err)
	}
	return c, nil
}

// harden is what every container of a drill has in common.
func harden(h *container.HostConfig, want container.HostConfig) {
	*h = want
	h.CapDrop = []string{"ALL"}
	h.SecurityOpt = []string{"no-new-privileges:true", seccompOption()}
	h.RestartPolicy = container.RestartPolicy{Name: container.RestartPolicyDisabled}
	h.LogConfig = container.LogConfig{Type: "json-file", Config: map[string]string{"max-size": "10m", "max-file": "3"}}
}

// terminate ends a container at once and removes it with its unnamed volumes.
// One that is not there is as good.
func terminate(ctx context.Context, c testcontainers.Container) error {
	err := c.Terminate(ctx, testcontainers.StopTimeout(0))
	if gone(err) {
		return nil
	}
	return err
}
