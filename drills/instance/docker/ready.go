package docker

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"runtime"

	"github.com/moby/moby/client"
)

// Ready says in a sentence why this host cannot boot containers, or nil.
func (d *Driver) Ready(ctx context.Context) error {
	if err := d.engine.ready(ctx); err != nil {
		return err
	}
	return static(d.site.Program)
}

func (e *Engine) ready(ctx context.Context) error {
	p, err := e.client.Ping(ctx, client.PingOptions{})
	if err != nil {
		return fmt.Errorf("no Docker engine answers at %s (%w); install it (apt-get install docker.io), start it, "+
			"or let DOCKER_HOST name one that this user may use", e.host, err)
	}
	if p.OSType != "" && p.OSType != "linux" {
		return fmt.Errorf("the Docker engine at %s runs %s containers; sandboxes need Linux", e.host, p.OSType)
	}
	i, err := e.client.Info(ctx, client.InfoOptions{})
	if err != nil {
		return fmt.Errorf("ask the Docker engine at %s what it can do: %w", e.host, err)
	}
	switch {
	case !i.Info.MemoryLimit:
		return fmt.Errorf("the Docker engine at %s cannot limit memory; a restored machine could take the host down", e.host)
	case !i.Info.PidsLimit:
		return fmt.Errorf("the Docker engine at %s cannot limit processes; a restored machine could take the host down",
			e.host)
	case architecture(i.Info.Architecture) != runtime.GOARCH:
		return fmt.Errorf("the Docker engine at %s is %s and this lifeboat is %s; sandboxes run a part of it, "+
			"so use the build for %[2]s", e.host, i.Info.Architecture, runtime.GOARCH)
	}
	return nil
}

func architecture(kernel string) string {
	switch kernel {
	case "x86_64":
		return "amd64"
	case "aarch64":
		return "arm64"
	}
	return kernel
}

// static refuses an executable that needs libraries: sandboxes are empty but for it.
func static(program *io.SectionReader) error {
	if program == nil {
		return errors.New("there is no program for sandboxes to run; build lifeboat with make build")
	}
	f, err := elf.NewFile(program)
	if err != nil {
		return fmt.Errorf("read the program of sandboxes: %w; build lifeboat with make build", err)
	}
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			return errors.New("the program of sandboxes is linked dynamically; build lifeboat with make build")
		}
	}
	return nil
}
