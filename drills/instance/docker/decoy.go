package docker

import (
	"context"
	"fmt"

	"github.com/moby/moby/api/types/container"

	"lifeboat/drills/instance"
	"lifeboat/internal/sandbox"
)

// runAgainst runs a program in a namespace of its own where a decoy answers for everybody: there is no network but the
// loopback, so there is nothing to seal, and the decoy ends with the program.
func (d *Driver) runAgainst(ctx context.Context, p instance.Program) (instance.Process, error) {
	image, err := d.sandboxImage(ctx)
	if err != nil {
		return nil, err
	}
	memory := int64(sandboxMemory)
	c, err := d.createContainer(ctx, plan{
		name: d.name("decoy", p.Name), image: image, role: roleDecoy,
		entrypoint: []string{programInside, sandbox.CommandDecoy, string(p.Decoy)},
		host: container.HostConfig{
			NetworkMode: "none", CapAdd: []string{"NET_ADMIN"}, ReadonlyRootfs: true,
			Sysctls:   map[string]string{"net.ipv6.conf.lo.disable_ipv6": "0"},
			Resources: container.Resources{Memory: memory, MemorySwap: memory, PidsLimit: ptr(int64(sandboxPids))},
		},
	})
	if err != nil {
		return nil, err
	}
	beside := []*body{c}
	proc, err := d.start(ctx, p, c)
	if err != nil {
		(&process{engine: d.engine, name: p.Name, beside: beside}).clear(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("run %s against a decoy: %w", p.Name, err)
	}
	return proc, nil
}

// start the decoy and, once it says that it stands, the program beside it.
func (d *Driver) start(ctx context.Context, p instance.Program, decoy *body) (instance.Process, error) {
	if err := decoy.start(ctx); err != nil {
		return nil, err
	}
	if _, err := d.awaitSeal(ctx, &box{id: decoy.id}); err != nil {
		return nil, err
	}
	return d.run(ctx, p, place{network: container.NetworkMode("container:" + decoy.id),
		beside: []*body{decoy}})
}
