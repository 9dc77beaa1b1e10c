package docker

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"github.com/moby/moby/client/pkg/versions"
)

// IPv6 exists on the loopback of a sandbox only, so that attempts over it are seen.
const (
	loopback6 = "net.ipv6.conf.lo.disable_ipv6"
	link6     = "net.ipv6.conf.eth0.disable_ipv6"
)

// linkOption carries sysctls of the interface, as engines want them since API 1.46 (Docker 27); Docker 28 refuses them
// among a container's own. Older engines ignore it.
const linkOption = "com.docker.network.endpoint.sysctls"

func linkSysctls() map[string]string {
	return map[string]string{linkOption: strings.Replace(link6, "eth0", "IFNAME", 1) + "=1"}
}

// startWith6 creates and starts a container of our own program with IPv6 on its loopback. Where that is what keeps it from
// starting it is tried without: a kernel that has no IPv6 has no such setting. On any other the program finds its loopback
// lacking, and seals nothing.
func (d *Driver) startWith6(ctx context.Context, p plan) (*ownContainer, error) {
	with := p
	with.host.Sysctls = map[string]string{loopback6: "0"}
	maps.Copy(with.host.Sysctls, p.host.Sysctls)
	if len(p.networks) > 0 && versions.LessThan(d.engine.client.ClientVersion(), "1.46") {
		with.host.Sysctls[link6] = "1"
	}
	c, failed := d.started(ctx, with)
	if failed == nil || ctx.Err() != nil || !strings.Contains(failed.Error(), "ipv6") { // the kernel's own name of it
		return c, failed
	}
	if c != nil {
		if err := c.terminate(ctx); err != nil {
			return c, failed
		}
	}
	c, err := d.started(ctx, p)
	if err != nil {
		return c, fmt.Errorf("%w; without settings of IPv6: %w", failed, err)
	}
	d.log.Warn("a container of lifeboat's own started only without settings of IPv6", "container", p.name, "error", failed)
	return c, nil
}

// started creates a container and starts it. What was created is returned also with an error.
func (d *Driver) started(ctx context.Context, p plan) (*ownContainer, error) {
	c, err := d.createContainer(ctx, p)
	if err != nil {
		return c, err
	}
	return c, c.start(ctx)
}
