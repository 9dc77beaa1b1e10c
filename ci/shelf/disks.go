package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/objective"
	"lifeboat/internal/accident"
)

// ownDisk is how the shop's machine boots.
const ownDisk = "vm: {firmware: bios}, "

// diskOf is the shape of a disk of a format, with which instance it boots.
func diskOf(format, vm string) *shape {
	return &shape{name: "disk", good: disk("", nil), alone: diskTool, entry: diskEntry(format, vm), machine: true}
}

// brokenDisk is one whose image is qcow2.
func brokenDisk(name, what string, l *label, m maker) item {
	return item{name: "disk-" + name, what: what, shape: diskOf("qcow2", ownDisk), make: m, label: l, other: l.at == objective.RungStarted}
}

// disks are those of the shelf. A boot takes a minute where processors are emulated, so they stand in no sample, and rules are written
// for two alone.
func disks() []item { return slices.Concat(damagedDisks(), bootingDisks()) }

// bootingDisks are those that only a boot shows to be broken, and the good one as it is, in other formats and by other firmware.
func bootingDisks() []item {
	boots := func(name, what string, commands ...string) item {
		return brokenDisk(name, what, at(objective.RungStarted), edited(commands...))
	}
	good := func(name, what, format, vm string, m maker) item {
		return item{name: "disk-good-" + name, what: what, shape: diskOf(format, vm), make: m, other: name != "qcow2"}
	}
	lastWeek := boots("last-week", "its orders end a week ago", "lines 250 /var/lib/shop-pos/orders.ndjson")
	lastWeek.label, lastWeek.other = &label{at: objective.RungStarted, needs: []need{rule}, unseen: "files"}, false
	return []item{
		brokenDisk("stale-fstab", "its fstab names a file system that is not there, and may be on another disk", doubtAt(objective.RungRestored),
			edited("put /etc/fstab LABEL=root / ext4 errors=remount-ro 0 1\nUUID=11111111-2222-3333-4444-555555555555 /data ext4 defaults 0 2\n")),
		boots("no-kernel", "its kernel is missing", "rm /boot/vmlinuz-KERNEL"),
		boots("no-initrd", "its initrd is missing", "rm /boot/initrd.img-KERNEL"),
		boots("no-init", "its init is missing", "rm /usr/lib/systemd/systemd"),
		boots("no-target", "the target that it boots to is missing", "rm /usr/lib/systemd/system/default.target",
			"cd /etc/systemd/system; symlink default.target /usr/lib/systemd/system/shop.target"),
		boots("failed-unit", "a service fails", "put /etc/systemd/system/shop-pos.service [Service]\nExecStart=/bin/false\n[Install]\nWantedBy=multi-user.target\n"),
		lastWeek,

		good("qcow2", "as it is", "qcow2", ownDisk, disk("", nil)),
		good("vmdk", "converted to VMDK", "vmdk", ownDisk, disk("vmdk", nil)),
		good("vdi", "converted to VDI", "vdi", ownDisk, disk("vdi", nil)),
		good("raw", "converted to raw", "raw", ownDisk, disk("raw", nil)),
		good("uefi", "booted by UEFI", "qcow2", "vm: {firmware: uefi}, ", disk("", nil)),
		good("no-journal", "ext4 without a journal", "qcow2", ownDisk, edited("tune -O ^has_journal")),
	}
}

// damagedDisks are those of which bytes are no longer what they were; few of them boot.
func damagedDisks() []item {
	read, started := at(objective.RungRead), at(objective.RungStarted)
	file := func(name, what string, happens accident.Func) item {
		return brokenDisk(name, what, read, disk("", happens))
	}
	inside := func(name, what string, p patches) item { return brokenDisk(name, what, read, patched(shopDisk, p)) }
	gpt := func(name, what string, p patches) item { return brokenDisk("gpt-"+name, what, read, patched("", p)) }
	cut := func(format string) item {
		return item{name: "disk-" + format + "-cut", what: "its second half is missing", shape: diskOf(format, ownDisk), make: disk(format, accident.Share(0.5)),
			label: read}
	}
	return []item{
		file("cut-1", "1 % of it is there", accident.Share(0.01)),
		file("cut-50", "half of it is there", accident.Share(0.5)),
		file("cut-99", "99 % of it are there", accident.Share(0.99)),
		file("cut-last-block", "all but the last 512 bytes", accident.Drop(512)),
		cut("raw"), cut("vmdk"), cut("vdi"), cut("vhdx"), cut("vpc"),
		file("text", "a text in its place", accident.Be("the disk was put elsewhere\n")),
		file("no-table", "its header points to a table that is not there", word(40, 1<<50)),
		brokenDisk("no-clusters", "its tables are zeros", started, disk("", tables)),
		brokenDisk("no-counts", "its counts of references are zeros", started, disk("", counts)),
		file("noisy-table", "its second table is noise", secondTable(func(t []byte) { copy(t, noise(len(t))) })),
		file("shared-table", "two parts of it have one table", sharedTable),
		brokenDisk("second-table-lost", "its second table is zeros, and all that it speaks of", started, disk("", secondTable(func(t []byte) { clear(t) }))),
		brokenDisk("other-version", "its header has a version that there is not", doubtAt(objective.RungStarted), disk("", word(4, 9<<32))),
		brokenDisk("backing", "it lies on a disk of last week that is not there", doubtAt(objective.RungRestored),
			disk("", backing("/backup/full-of-last-week.qcow2"))),
		brokenDisk("backing-outside", "it lies on a file of the host", doubtAt(objective.RungRestored), disk("", backing("/etc/shadow"))),
		file("empty", "nothing in its place", accident.Be("")),
		brokenDisk("encrypted", "encrypted by openssl", doubtAt(objective.RungRead), disk("", accident.Before("Salted__"))),

		inside("boot-sector", "its first sector is zeros", zeros(0, 512)),
		inside("mbr-entries", "no partition stands in its table", zeros(446, 64)),
		brokenDisk("boot-code", "its boot code is zeros; UEFI would boot it", doubtAt(objective.RungRestored), patched(shopDisk, zeros(0, 440))),
		inside("esp", "the first sector of what UEFI boots from is zeros", zeros(espAt, 512)),
		inside("fat", "the table of files of what UEFI boots from is zeros", zeros(espAt+4*512, 4096)),
		inside("superblock", "the superblock of its file system is zeros", zeros(rootAt+1024, 1024)),
		inside("superblock-flip", "a bit turned in the superblock", superblock(func(b []byte) { b[120] ^= 1 })),
		inside("errors", "its file system has counted errors", superblock(func(b []byte) { b[404] = 3; summed(b) })),
		inside("errors-marked", "its file system is marked to have errors", superblock(func(b []byte) { b[58] |= 2; summed(b) })),
		inside("groups", "the descriptions of its groups of blocks are zeros", zeros(rootAt+4096, 4096)),
		inside("inodes", "the first inodes are zeros", inodes(0)),
		inside("inodes-elsewhere", "inodes of another group are zeros", inodes(1)),
		gpt("wiped", "its first MiB is zeros", zeros(0, 34*512)),
		gpt("without-mbr", "its protective MBR is zeros", zeros(0, 512)),
		gpt("first-copy", "its GPT is zeros, the copy is whole", zeros(512, 33*512)),
		gpt("second-copy", "the copy of its GPT is zeros", fromEnd(512)),
		gpt("both-copies", "both are zeros", both(zeros(512, 33*512), fromEnd(512))),
		gpt("entry", "a bit turned in an entry", flipped(2*512+34)),
	}
}

// word writes eight bytes into a header.
func word(at int, value uint64) accident.Func {
	return func(raw []byte) ([]byte, error) {
		binary.BigEndian.PutUint64(raw[at:], value)
		return raw, nil
	}
}

// table is the first table of a qcow2 image: its place stands at byte 40, the number of its entries at 36 (QEMU, docs/interop/qcow2.txt).
func table(raw []byte) ([]byte, error) {
	from, entries := binary.BigEndian.Uint64(raw[40:]), uint64(binary.BigEndian.Uint32(raw[36:]))
	if from+8*entries > uint64(len(raw)) {
		return nil, errors.New("find the first table of the disk: it is not in the file")
	}
	return raw[from : from+8*entries], nil
}

// tables loses it.
func tables(raw []byte) ([]byte, error) {
	t, err := table(raw)
	clear(t)
	return raw, err
}

// counts loses the table of counts of references, whose place stands at byte 48.
func counts(raw []byte) ([]byte, error) {
	from, clusters := binary.BigEndian.Uint64(raw[48:]), uint64(binary.BigEndian.Uint32(raw[56:]))
	clear(raw[from : from+clusters<<16])
	return raw, nil
}

// secondTable changes the one that the first entry of the first names.
func secondTable(change func([]byte)) accident.Func {
	return func(raw []byte) ([]byte, error) {
		t, err := table(raw)
		if err == nil {
			from := binary.BigEndian.Uint64(t) & 0x00fffffffffffe00
			change(raw[from : from+1<<16])
		}
		return raw, err
	}
}

// sharedTable has the second entry be the first.
func sharedTable(raw []byte) ([]byte, error) {
	t, err := table(raw)
	if err == nil {
		copy(t[8:], t[:8])
	}
	return raw, err
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

// diskEntry is what lifeboat new writes of it, but for the patience with one that never comes up, and the rule of a careful user.
func diskEntry(format, vm string) func(column, item) string {
	return func(c column, i item) string {
		within, more := "10m", ""
		if i.label != nil {
			within = "5m"
		}
		if c == rules {
			more = `, {kind: command, name: orders up to yesterday, on: vm, run: [sh, -c, "test $(wc -l </var/lib/shop-pos/orders.ndjson) -ge 500"], exit: 0}`
		}
		return `objectives: {age: 0s}
restore: {kind: disk, format: ` + strings.Replace(format, "vpc", "vhd", 1) + `}
as: vm
instance: {kind: qemu, ` + vm + `ready: {exec: ["true"], within: ` + within + `}}
checks: {system: [{kind: disk, on: vm}` + more + `]}
`
	}
}

// edited changes files in the shop's root file system, by commands of debugfs. KERNEL is its kernel's name; "put FILE TEXT" writes a file,
// "lines N FILE" cuts one behind so many lines, and "tune OPTIONS" is a command of tune2fs.
func edited(commands ...string) maker {
	return func(ctx context.Context, b *bench, dir string) error {
		raw, err := b.rawDisk(ctx)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, "pos.raw")
		if _, err := command(ctx, nil, "cp", "--sparse=always", raw, to); err != nil {
			return err
		}
		defer os.Remove(to)
		kernels, err := os.ReadFile("build/vm/kernels")
		if err != nil {
			return err
		}
		_, kernel, _ := strings.Cut(strings.SplitN(string(kernels), "\n", 2)[0], "=")
		for _, line := range commands {
			if err := edit(ctx, dir, to, strings.ReplaceAll(line, "KERNEL", kernel)); err != nil {
				return fmt.Errorf("%s: %w", line, err)
			}
		}
		return inQEMU(ctx, dir, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "/disk/pos.raw", "/disk/pos.qcow2")
	}
}

func edit(ctx context.Context, dir, disk, line string) error {
	root := fmt.Sprintf("%s?offset=%d", disk, rootAt)
	verb, rest, _ := strings.Cut(line, " ")
	first, second, _ := strings.Cut(rest, " ")
	switch verb {
	case "tune":
		_, err := command(ctx, nil, tool("tune2fs"), append(strings.Fields(rest), root)...)
		return err
	case "lines":
		text, err := command(ctx, nil, tool("debugfs"), "-R", "cat "+second, root)
		n, err2 := strconv.Atoi(first)
		if err = errors.Join(err, err2); err != nil {
			return err
		}
		kept := strings.Join(strings.SplitAfterN(string(text), "\n", n+1)[:n], "")
		line = fmt.Sprintf("sif %s size %d", second, len(kept))
	case "put":
		file := filepath.Join(dir, "put")
		if err := os.WriteFile(file, []byte(second), 0o600); err != nil {
			return err
		}
		defer os.Remove(file)
		line = fmt.Sprintf("cd %s; rm %s; write %s %[2]s; sif %[2]s mode 0100644", path.Dir(first), path.Base(first), file)
	}
	c := exec.CommandContext(ctx, tool("debugfs"), "-w", "-f", "-", root)
	var errs strings.Builder
	c.Stdin, c.Stderr = strings.NewReader(strings.ReplaceAll(line, "; ", "\n")+"\n"), &errs
	err := c.Run()                                                                            // its exit code says nothing of the commands
	if said := strings.TrimSpace(errs.String()); err == nil && strings.Contains(said, "\n") { // its version is the first line
		err = errors.New(said)
	}
	return err
}
