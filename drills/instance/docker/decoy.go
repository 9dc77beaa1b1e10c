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
	c, err := d.startWith6(ctx, plan{
		name: d.name("decoy", p.Name), image: image, role: roleDecoy,
		entrypoint: []string{programInside, sandbox.CommandDecoy, string(p.Decoy)},
		host: container.HostConfig{
			NetworkMode: "none", CapAdd: []string{"NET_ADMIN"}, ReadonlyRootfs: true,
			Resources: container.Resources{Memory: memory, MemorySwap: memory, PidsLimit: new(int64(sandboxPids))},
		},
	})
	if c == nil {
		return nil, err
	}
	beside := []*ownContainer{c}
	var proc instance.Process
	if err == nil {
		proc, err = d.besideOf(ctx, p, c)
	}
	if err != nil {
		(&process{engine: d.engine, name: p.Name, beside: beside}).clear(context.WithoutCancel(ctx))
		return nil, fmt.Errorf("run %s against a decoy: %w", p.Name, err)
	}
	return proc, nil
}

// besideOf a decoy a program runs, once it says that it stands.
func (d *Driver) besideOf(ctx context.Context, p instance.Program, decoy *ownContainer) (instance.Process, error) {
	if _, err := d.awaitSeal(ctx, &sealedSandbox{id: decoy.id}); err != nil {
		return nil, err
	}
	return d.run(ctx, p, place{network: container.NetworkMode("container:" + decoy.id),
		beside: []*ownContainer{decoy}})
}
