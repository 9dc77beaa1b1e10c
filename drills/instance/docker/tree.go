package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"

	"lifeboat/drills/instance"
	"lifeboat/internal/sandbox"
	"lifeboat/internal/tree"
)

// treeCapabilities: whoever unpacks gives files away, reads what nobody may read, and keeps setgid and capabilities of files. None makes a
// device.
var treeCapabilities = []string{"CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "SETFCAP"}

const (
	treeInside = "/tree"         // where the volume is, beside the program
	treeMemory = 1 << 30         // of the names of a tree, bytes
	treeStop   = 2 * time.Second // for what is ended in the middle
)

var _ instance.TreeHolder = (*Machine)(nil)

// PutTree implements instance.TreeHolder.
func (m *Machine) PutTree(ctx context.Context, folder string, stream io.Reader) (made tree.Made, got []tree.Entry, err error) {
	err = m.told(ctx, sandbox.CommandUnpack, folder, stream, func(out *bufio.Reader) error {
		var said sandbox.Unpacked
		line, err := out.ReadBytes('\n')
		if err == nil {
			err = json.Unmarshal(line, &said)
		}
		made = said.Made
		switch {
		case err != nil:
			return err
		case said.Damage != "":
			return &tree.Damage{Reason: said.Damage}
		case said.Odd != "":
			return &tree.Odd{Reason: said.Odd, Partial: said.Partial}
		case said.Error != "":
			return errors.New(said.Error)
		}
		began := time.Now()
		got, err = listed(out)
		made.Reading = time.Since(began)
		return err
	})
	if err == nil || errors.As(err, new(*tree.Damage)) || errors.As(err, new(*tree.Odd)) {
		return made, got, err
	}
	return made, nil, fmt.Errorf("put files into %s: %w", m.slot, err)
}

// Tree implements instance.TreeHolder.
func (m *Machine) Tree(ctx context.Context, folder string) (got []tree.Entry, err error) {
	err = m.told(ctx, sandbox.CommandList, folder, nil, func(out *bufio.Reader) error {
		got, err = listed(out)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the files of %s in %s: %w", m.slot, folder, err)
	}
	return got, nil
}

func listed(out io.Reader) ([]tree.Entry, error) {
	m, err := tree.ReadManifest(out)
	tree.Sort(m.Entries)
	return m.Entries, err
}

// told has what the program prints read as it comes. That the program failed is told before what was read of it.
func (m *Machine) told(ctx context.Context, command, folder string, in io.Reader, read func(out *bufio.Reader) error) error {
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := m.beside(ctx, command, folder, in, w)
		w.CloseWithError(err) // nil is the end
		ended <- err
	}()
	err := read(bufio.NewReader(r))
	_, _ = io.Copy(io.Discard, r) // of what is wrong: its writer must not wait
	if e := <-ended; e != nil {
		return e
	}
	return err
}

// beside runs the sandboxes' program on a folder of a volume, in a container that holds nothing else and has no network.
func (m *Machine) beside(ctx context.Context, command, folder string, in io.Reader, out io.Writer) error {
	volume, inside, err := m.volumeOf(folder)
	if err != nil {
		return err
	}
	image, err := m.d.sandboxImage(ctx)
	if err != nil {
		return err
	}
	name := m.d.name(m.slot, command, fmt.Sprint(m.d.count.Add(1)))
	p := plan{name: name, image: image, instance: m.slot, role: roleProgram, stdin: in != nil, once: in != nil,
		entrypoint: []string{programInside, command, inside}}
	p.host = container.HostConfig{NetworkMode: "none", CapAdd: treeCapabilities, ReadonlyRootfs: true,
		Mounts: []mount.Mount{{Type: mount.TypeVolume, Source: volume, Target: treeInside, ReadOnly: command == sandbox.CommandList,
			VolumeOptions: &mount.VolumeOptions{NoCopy: true, Labels: m.d.labels(m.slot, roleVolume)}}}}
	p.host.Memory, p.host.MemorySwap, p.host.PidsLimit = treeMemory, treeMemory, new(int64(sandboxPids))
	c, err := m.d.createContainer(ctx, p)
	if err != nil {
		return err
	}
	var errs capped
	proc, err := m.d.engine.launch(ctx, c, instance.Program{Name: command, Stdin: in, Stdout: out, Stderr: &errs}, nil)
	if err != nil {
		return errors.Join(err, c.terminate(context.WithoutCancel(ctx)))
	}
	m.asides.Go(func() { <-proc.done }) // nobody waits for its removal but whoever removes the volume
	exit, err := proc.wait(ctx, proc.ended)
	if ctx.Err() != nil {
		own, cancel := context.WithTimeout(context.WithoutCancel(ctx), killLimit)
		defer cancel()
		_ = proc.Stop(own, treeStop) // the ledger removes what is left
		_, _ = proc.Wait(own)
		return context.Cause(ctx)
	}
	if err == nil && exit != 0 {
		err = fmt.Errorf("exit code %d: %s", exit, strings.TrimSpace(errs.String()))
	}
	return err
}

// volumeOf finds the volume on which a folder lies, and where that is beside the program.
func (m *Machine) volumeOf(folder string) (volume, inside string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	folder, best := path.Clean(folder), ""
	for at := range m.volumes {
		if clean := path.Clean(at); strings.HasPrefix(folder+"/", clean+"/") && len(clean) >= len(best) {
			best, volume = clean, m.volumes[at]
		}
	}
	if volume == "" {
		return "", "", fmt.Errorf("folder %s lies on no volume", folder)
	}
	return volume, path.Join(treeInside, strings.TrimPrefix(folder, best)), nil
}
