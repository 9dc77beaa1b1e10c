package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

const (
	shopDisk  = "build/vm/shop-pos.qcow2" // that make vm-images makes
	diskImage = "lifeboat/qemu:7.2"
)

// disks are those of the shelf: broken ones first, then the good one as it is and converted. A boot takes a minute where processors are
// emulated, so they stand in no sample, and nobody writes rules for them.
func disks() []item {
	of := &shape{name: "disk", good: disk("", nil), alone: diskTool, entry: diskEntry}
	broken := func(name, what string, l *label, happens accident.Func) item {
		return item{name: "disk-" + name, what: what, shape: of, make: disk("", happens), label: l, other: true}
	}
	bad := func(name, what string, happens accident.Func) item {
		return broken(name, what, at(objective.RungStarted), happens)
	}
	good := func(name, what, format string) item {
		return item{name: "disk-good-" + name, what: what, shape: of, make: disk(format, nil), other: true}
	}
	return []item{
		bad("cut-1", "1 % of it is there", accident.Share(0.01)),
		bad("cut-50", "half of it is there", accident.Share(0.5)),
		bad("cut-99", "99 % of it are there", accident.Share(0.99)),
		bad("text", "a text in its place", accident.Be("the disk was put elsewhere\n")),
		bad("no-table", "its header points to a table that is not there", word(40, 1<<50)),
		broken("other-version", "its header has a version that there is not", doubtAt(objective.RungStarted), word(4, 9<<32)),
		bad("no-clusters", "its tables are zeros", tables),
		broken("backing", "it lies on a disk of last week that is not there", doubtAt(objective.RungRestored),
			backing("/backup/full-of-last-week.qcow2")),
		broken("backing-outside", "it lies on a file of the host", doubtAt(objective.RungRestored), backing("/etc/shadow")),
		broken("empty", "nothing in its place", at(objective.RungRead), accident.Be("")),
		broken("encrypted", "encrypted by openssl", doubtAt(objective.RungRead), accident.Before("Salted__")),
		good("qcow2", "as it is", ""),
		good("vmdk", "converted to VMDK", "vmdk"),
	}
}

// word writes eight bytes into a header.
func word(at int, value uint64) accident.Func {
	return func(raw []byte) ([]byte, error) {
		binary.BigEndian.PutUint64(raw[at:], value)
		return raw, nil
	}
}

// tables loses the first table of a qcow2 image: its place stands at byte 40, the number of its entries at 36 (QEMU, docs/interop/qcow2.txt).
func tables(raw []byte) ([]byte, error) {
	from, entries := binary.BigEndian.Uint64(raw[40:]), uint64(binary.BigEndian.Uint32(raw[36:]))
	if from+8*entries > uint64(len(raw)) {
		return nil, errors.New("find the first table of the disk: it is not in the file")
	}
	clear(raw[from : from+8*entries])
	return raw, nil
}

// backing has an image name another one below it; the name lies where the header has nothing.
func backing(name string) accident.Func {
	return func(raw []byte) ([]byte, error) {
		const at = 0x400
		copy(raw[at:], name)
		binary.BigEndian.PutUint64(raw[8:], at)
		binary.BigEndian.PutUint32(raw[16:], uint32(len(name)))
		return raw, nil
	}
}

// disk is the shop's, in another format where one is named.
func disk(format string, happens accident.Func) maker {
	return func(ctx context.Context, _ *bench, dir string) error {
		raw, err := os.ReadFile(shopDisk)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w; make vm-images makes it", err)
		}
		if err == nil && happens != nil {
			raw, err = happens(raw)
		}
		if err != nil {
			return err
		}
		file := filepath.Join(dir, "pos.qcow2")
		if err := os.WriteFile(file, raw, 0o600); err != nil || format == "" {
			return err
		}
		if _, err := command(ctx, nil, "docker", "run", "--rm", "--network", "none", "-v", dir+":/disk", diskImage, "qemu-img", "convert", "-f", "qcow2",
			"-O", format, "/disk/pos.qcow2", "/disk/pos."+format); err != nil {
			return err
		}
		return os.Remove(file)
	}
}

// diskEntry is what lifeboat new writes of it.
func diskEntry(_ column, i item) string {
	format := "qcow2"
	if strings.HasSuffix(i.name, "-vmdk") {
		format = "vmdk"
	}
	return `objectives: {age: 0s}
restore: {kind: disk, format: ` + format + `}
as: vm
instance: {kind: qemu, ready: {exec: ["true"], within: 10m}}
checks: {system: [{kind: disk, on: vm}]}
`
}

// diskTool asks qemu-img, as backup scripts do.
func diskTool(ctx context.Context, _ *bench, dir string) (tool string, fine bool, err error) {
	name, err := backupIn(dir)
	if err != nil || name == "" {
		return "", false, err
	}
	_, err = command(ctx, nil, "docker", "run", "--rm", "--network", "none", "-v", dir+":/disk:ro", diskImage, "qemu-img", "check", "-q", "/disk/"+name)
	return "qemu-img check", err == nil, nil
}
