package docker

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/store"
	"lifeboat/internal/sandbox"
)

const (
	roomPrefix = "store-" // of the scope of a room that no drill has
	roomMemory = 2 << 30  // of a tool, bytes
	roomLimit  = time.Minute
)

// room implements store.Room: a holder without any network in whose namespace the tools run, and their volume.
type room struct {
	d      *Driver
	asked  store.RoomRequest
	name   string
	notes  *trialNotes // of a room that no drill has; nil: the drill's ledger has it all
	scope  ledger.Scope
	volume string
	holder *ownContainer
	lent   net.Listener
	served chan struct{} // closed when nothing is served any more
}

// OpenRoom makes a room on the engine of a site; one without a drill has a scope of its own.
func OpenRoom(ctx context.Context, site instance.Site, r store.RoomRequest) (store.Room, error) {
	x := &room{asked: r, name: "store-" + strings.ToLower(rand.Text()[:8])}
	if site.Scope.Drill == "" {
		site.Scope = ledger.Scope{Drill: roomPrefix + x.name[len("store-"):], Owner: ledger.Self(), Deadline: time.Now().Add(24 * time.Hour)}
		x.notes = &trialNotes{}
		site.Ledger, site.Journal = x.notes, x.notes
	}
	x.scope = site.Scope
	var err error
	if x.d, err = New(site); err != nil {
		return nil, err
	}
	if err := x.open(ctx); err != nil {
		return nil, errors.Join(err, x.Close())
	}
	return x, nil
}

func (x *room) open(ctx context.Context) error {
	if x.asked.Mount != "" && !x.d.Local() {
		return fmt.Errorf("the engine at %s does not see the files of this host; run lifeboat beside it", x.d.engine.host)
	}
	if _, err := x.d.engine.client.ImageInspect(ctx, x.asked.Image); gone(err) {
		return x.d.engine.noImage(x.asked.Image)
	}
	image, err := x.d.sandboxImage(ctx)
	if err != nil {
		return err
	}
	volume := x.d.name(x.name, "volume")
	if err := x.d.createVolume(ctx, "", volume); err != nil {
		return err
	}
	x.volume = volume
	memory := int64(sandboxMemory)
	p := plan{name: x.d.name(x.name, "holder"), image: image, role: roleProgram, entrypoint: []string{programInside, sandbox.CommandWait},
		host: container.HostConfig{NetworkMode: "none", ReadonlyRootfs: true,
			Resources: container.Resources{Memory: memory, MemorySwap: memory, PidsLimit: new(int64(sandboxPids))}}}
	if x.holder, err = x.d.createContainer(ctx, p); err != nil {
		return err
	}
	if err := x.holder.start(ctx); err != nil || x.asked.Serve == nil {
		return err
	}
	return x.serve(ctx)
}

// serve answers what the tools ask at store.RoomURL.
func (x *room) serve(ctx context.Context) error {
	at, err := url.Parse(store.RoomURL)
	if err != nil {
		return err
	}
	both, err := x.d.engine.attach(ctx, x.holder.id, sandbox.CommandLend, at.Port())
	if err != nil {
		return err
	}
	if x.lent, err = sandbox.Borrow(ctx, both); err != nil {
		return errors.Join(err, both.Close())
	}
	x.served = make(chan struct{})
	go func() {
		defer close(x.served)
		_ = (&http.Server{Handler: x.asked.Serve, ReadHeaderTimeout: roomLimit}).Serve(x.lent) // it ends with the listener
	}()
	return nil
}

// Run implements store.Room.
func (x *room) Run(ctx context.Context, t store.Tool) error {
	p := plan{image: x.asked.Image, entrypoint: t.Args, env: t.Env, dir: t.Dir, host: container.HostConfig{
		NetworkMode: container.NetworkMode("container:" + x.holder.id), Tmpfs: map[string]string{"/tmp": ""}}}
	p.host.Memory = roomMemory
	if x.asked.Mount != "" {
		p.host.Mounts = []mount.Mount{{Type: mount.TypeBind, Source: x.asked.Mount, Target: store.RoomMount, ReadOnly: true}}
	}
	return x.run(ctx, p, t)
}

// Pack implements store.Room.
func (x *room) Pack(ctx context.Context, folder string, to io.Writer) error {
	image, err := x.d.sandboxImage(ctx)
	if err != nil {
		return err
	}
	var said capped
	p := plan{image: image, entrypoint: []string{programInside, sandbox.CommandPack, path.Join(treeInside, strings.TrimPrefix(folder, treeInside))},
		host: container.HostConfig{NetworkMode: "none"}}
	p.host.Memory = treeMemory
	if err := x.run(ctx, p, store.Tool{Stdout: to, Stderr: &said}); err != nil {
		return fmt.Errorf("read what was restored to %s: %w: %s", folder, err, strings.TrimSpace(said.String()))
	}
	return nil
}

// run adds what every container of the room has: its volume, few rights, nothing else that it could write to.
func (x *room) run(ctx context.Context, p plan, t store.Tool) error {
	p.name, p.role = x.d.name(x.name, fmt.Sprint(x.d.count.Add(1))), roleProgram
	p.stdin, p.once = t.Stdin != nil, t.Stdin != nil
	p.user = cmp.Or(t.User, "0:0")
	if p.host.ReadonlyRootfs = true; t.User == "" {
		p.host.CapAdd = treeCapabilities
	}
	p.host.MemorySwap, p.host.PidsLimit = p.host.Memory, new(int64(defaultPids))
	p.host.Mounts = append(p.host.Mounts, mount.Mount{Type: mount.TypeVolume, Source: x.volume, Target: store.RoomVolume,
		VolumeOptions: &mount.VolumeOptions{NoCopy: true, Labels: x.d.labels("", roleVolume)}})
	c, err := x.d.createContainer(ctx, p)
	if err != nil {
		return err
	}
	proc, err := x.d.engine.launch(ctx, c, instance.Program{Name: p.name, Stdin: t.Stdin, Stdout: t.Stdout, Stderr: t.Stderr}, nil)
	if err != nil {
		return errors.Join(err, c.terminate(context.WithoutCancel(ctx)))
	}
	exit, err := proc.Wait(ctx)
	switch {
	case err == nil && exit == 0:
		return nil
	case err == nil:
		return &store.ExitError{Code: exit}
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	}
	own, cancel := context.WithTimeout(context.WithoutCancel(ctx), killLimit)
	defer cancel()
	return errors.Join(err, c.terminate(own)) // its volume goes with the room
}

// Close implements store.Room. What cannot be removed now the ledger will, where a drill has one.
func (x *room) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), roomLimit)
	defer cancel()
	var err error
	if x.lent != nil {
		_ = x.lent.Close()
		<-x.served
	}
	if x.holder != nil {
		err = x.holder.terminate(ctx)
	}
	if x.volume != "" {
		if _, e := x.d.engine.client.VolumeRemove(ctx, x.volume, client.VolumeRemoveOptions{Force: true}); e != nil && !gone(e) {
			err = errors.Join(err, e)
		}
	}
	if x.notes != nil {
		for _, o := range ledger.Unwind(ctx, ledger.UnwindRequest{Scope: x.scope, Entries: x.notes.entries, Undoers: Undoers(x.d.log), Within: roomLimit}) {
			if o.State == ledger.Failed {
				err = errors.Join(err, fmt.Errorf("remove the %s of a store's tool: %w", o.Entry.What, o.Err))
			}
		}
	}
	return errors.Join(err, x.d.Close())
}
