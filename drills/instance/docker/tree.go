package docker

import (
	"bytes"
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
func (m *Machine) PutTree(ctx context.Context, folder string, stream io.Reader) (tree.Made, error) {
	var out bytes.Buffer
	var said sandbox.Unpacked
	err := m.beside(ctx, sandbox.CommandUnpack, folder, stream, &out)
	if err == nil {
		err = json.Unmarshal(out.Bytes(), &said)
	}
	switch {
	case err != nil:
	case said.Damage != "":
		return said.Made, &tree.Damage{Reason: said.Damage}
	case said.Odd != "":
		return said.Made, &tree.Odd{Reason: said.Odd, Partial: said.Partial}
	case said.Error != "":
		err = errors.New(said.Error)
	}
	if err != nil {
		return said.Made, fmt.Errorf("put files into %s: %w", m.slot, err)
	}
	return said.Made, nil
}

// Tree implements instance.TreeHolder.
func (m *Machine) Tree(ctx context.Context, folder string) ([]tree.Entry, error) {
	r, w := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		err := m.beside(ctx, sandbox.CommandList, folder, nil, w)
		w.CloseWithError(err) // nil is the end
		ended <- err
	}()
	listed, err := tree.ReadManifest(r)
	_, _ = io.Copy(io.Discard, r) // of a list that is none: its writer must not wait
	if e := <-ended; e != nil {
		err = e
	}
	if err != nil {
		return nil, fmt.Errorf("read the files of %s in %s: %w", m.slot, folder, err)
	}
	tree.Sort(listed.Entries)
	return listed.Entries, nil
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
	exit, err := proc.Wait(ctx)
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
