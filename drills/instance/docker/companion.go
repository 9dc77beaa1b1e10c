package docker

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/internal/decoy"
)

const (
	programPath       = "/program"
	programRepository = "lifeboat/k6"
)

// Run implements instance.Companion. Programs stand in a sandbox of their own,
// sealed like the others: they reach the drill's instances by name and nothing
// else. Programs of the same flow and allow-list share it.
func (d *Driver) Run(ctx context.Context, p instance.Program) (instance.Process, error) {
	switch p.Decoy {
	case decoy.None:
	case decoy.Silent:
		return d.run(ctx, p, place{network: "none"})
	default:
		return d.runAgainst(ctx, p)
	}
	s := d.slot(clientSandbox(p))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.programs, s.flow, s.wanted = true, p.Flow, true
	if err := d.seal(ctx, s, nil, p.Allow); err != nil {
		return nil, err
	}
	return d.run(ctx, p, place{network: container.NetworkMode("container:" + s.sandbox.id)})
}

// place is where a program runs.
type place struct {
	network container.NetworkMode
	devices []string        // of this host that it sees
	beside  []*ownContainer // end with it
}

func (d *Driver) run(ctx context.Context, p instance.Program, at place) (instance.Process, error) {
	run := plan{name: d.name("run", p.Name), image: p.Image, role: roleProgram, command: p.Args, env: p.Env, dir: p.Dir,
		stdin: p.Stdin != nil}
	run.host = container.HostConfig{NetworkMode: at.network, Tmpfs: map[string]string{"/tmp": ""}}
	for _, dev := range at.devices {
		run.host.Devices = append(run.host.Devices,
			container.DeviceMapping{PathOnHost: dev, PathInContainer: dev, CgroupPermissions: "rw"})
	}
	if p.Image == "" {
		image, err := d.programImage(ctx, p.Binary)
		if err != nil {
			return nil, err
		}
		run.image, run.entrypoint = image, []string{programPath}
	} else {
		run.host.CapAdd = capabilities
		if len(p.Args) > 0 {
			run.entrypoint, run.command = p.Args[:1], p.Args[1:]
		}
	}
	run.host.Memory = p.Memory
	if p.Memory == 0 {
		run.host.Memory = instance.ProgramMemory
	}
	run.host.MemorySwap, run.host.PidsLimit = run.host.Memory, new(int64(defaultPids))
	c, err := d.createContainer(ctx, run)
	if err != nil {
		return nil, err
	}
	if err := d.engine.furnish(ctx, c.id, p); err != nil {
		return nil, fmt.Errorf("run %s: %w", p.Name, err)
	}
	proc, err := d.engine.launch(ctx, c, p, at.beside)
	if err != nil {
		return nil, err
	}
	return proc, nil
}

// clientSandbox names the sandbox of programs of one flow, or of no flow, with this allow-list. No instance has a name with a dot.
func clientSandbox(p instance.Program) string {
	name := "client.script"
	if p.Flow != "" {
		name = "client.k6"
	}
	if p.Flow == "" && len(p.Allow) == 0 {
		return name
	}
	sum := sha256.Sum256([]byte(p.Flow + "\n" + strings.Join(slices.Sorted(slices.Values(p.Allow)), "\n")))
	return name + "-" + hex.EncodeToString(sum[:4])
}

// furnish copies a program's files and trees into its container.
func (e *Engine) furnish(ctx context.Context, id string, p instance.Program) error {
	var heads []*tar.Header
	contents := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(p.Files)) {
		in := strings.TrimPrefix(path.Clean(name), "/")
		if dir := path.Dir(in); dir != "." {
			heads = append(heads, folderHeaders(dir)...)
		}
		heads = append(heads, &tar.Header{Name: in, Mode: 0o755})
		contents[in] = p.Files[name]
	}
	if len(heads) > 0 {
		if err := e.put(ctx, id, "/", tarOf(heads, contents)); err != nil {
			return fmt.Errorf("put its files: %w", err)
		}
	}
	for _, t := range p.Trees {
		if err := e.put(ctx, id, t.Dir, t.Tar); err != nil {
			return fmt.Errorf("put files into %s: %w", t.Dir, err)
		}
	}
	return nil
}

// launch attaches to the container's output, so that not a line is missed, and starts it.
func (e *Engine) launch(ctx context.Context, c *ownContainer, p instance.Program,
	beside []*ownContainer) (*process, error) {
	h, err := e.client.ContainerAttach(context.WithoutCancel(ctx), c.id, client.ContainerAttachOptions{Stream: true,
		Stdin: p.Stdin != nil, Stdout: true, Stderr: true})
	if err != nil {
		return nil, fmt.Errorf("attach to %s: %w", p.Name, err)
	}
	if err := c.start(ctx); err != nil {
		h.Close()
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	if p.Stdin != nil {
		go func() {
			_ = pass(h.Conn, p.Stdin) // a program that has ended takes no more
			_ = h.CloseWrite()        // nor does it read on, where it was told that its input ends
		}()
	}
	proc := &process{engine: e, container: c, name: p.Name, beside: beside, ended: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer h.Close()
		_, err := stdcopy.StdCopy(orDiscard(p.Stdout), orDiscard(p.Stderr), h.Reader)
		if err != nil {
			h.Close() // nobody takes what comes: an engine that keeps it for us neither sees the program's end nor lets the container be removed
		}
		proc.end(context.WithoutCancel(ctx), err)
	}()
	return proc, nil
}

func orDiscard(w io.Writer) io.Writer {
	if w == nil {
		return io.Discard
	}
	return w
}

// process is a program that was started.
type process struct {
	engine    *Engine
	container *ownContainer
	name      string

	beside []*ownContainer // end with it

	ended, done chan struct{} // closed when exit and err are set, and when it is removed besides
	exit        int
	err         error
}

// end learns the exit code and removes the container. An output that broke off
// makes the run unknown: its last lines may be the ones that matter.
func (p *process) end(ctx context.Context, output error) {
	defer close(p.done)
	defer p.clear(ctx)
	w := p.engine.client.ContainerWait(ctx, p.container.id,
		client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	select {
	case r := <-w.Result:
		p.exit = int(r.StatusCode)
		if r.Error != nil {
			p.err = errors.New(r.Error.Message)
		}
	case p.err = <-w.Error:
	}
	if output != nil {
		p.err = errors.Join(p.err, fmt.Errorf("its output broke off: %w", output))
	}
	close(p.ended)
	if p.err != nil {
		return // left for whoever looks; the ledger removes it
	}
	if err := p.container.terminate(ctx); err != nil && !p.engine.leaving(ctx, whatContainer, p.name) { // else whoever stopped it removes it
		p.engine.log.Warn("remove a program that ended", "program", p.name, "error", err)
	}
}

// clear removes what stood beside it; what cannot be removed now the ledger will.
func (p *process) clear(ctx context.Context) {
	for _, c := range p.beside {
		if err := c.terminate(ctx); err != nil {
			p.engine.log.Warn("remove what stood beside a program", "program", p.name, "error", err)
		}
	}
}

// Wait implements instance.Process. It returns after the last line of output was written.
func (p *process) Wait(ctx context.Context) (int, error) { return p.wait(ctx, p.done) }

func (p *process) wait(ctx context.Context, until <-chan struct{}) (int, error) {
	select {
	case <-until:
		if p.err != nil {
			return 0, fmt.Errorf("run %s: %w", p.name, p.err)
		}
		return p.exit, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Stop implements instance.Process.
func (p *process) Stop(ctx context.Context, grace time.Duration) error {
	select {
	case <-p.done:
		return nil
	default:
	}
	if err := p.container.stop(ctx, "SIGTERM", grace); err != nil && !gone(err) {
		return fmt.Errorf("stop %s: %w", p.name, err)
	}
	return nil
}
