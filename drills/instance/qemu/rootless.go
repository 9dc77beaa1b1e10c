package qemu

import (
	"cmp"
	"encoding/hex"
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/internal/lazy"
)

// rootMissing is what readConsole says of an initramfs that waits for the root file system.
var rootMissing = lazy.Regexp(`root device (\S+) does not exist`)

// rootless adds to an initramfs that finds no root file system that it is the machine's hardware which it does not know:
// the disk has another name on this bus, it is a volume of disks that were not seen, or it lies on a disk that is there.
func (m *Machine) rootless(found []finding) {
	for i, f := range found {
		at := rootMissing().FindStringSubmatch(f.words)
		if f.class != classInitramfs || at == nil {
			continue
		}
		if why := m.unseen(at[1]); why != "" {
			found[i].lack, found[i].words = record.LackBus, f.words+"; "+why
		}
	}
}

// unseen says why a root device is one that the guest only does not see; "" where that is not known.
func (m *Machine) unseen(device string) string {
	name := strings.TrimPrefix(device, "/dev/")
	id := strings.ToLower(strings.TrimPrefix(strings.TrimPrefix(name, "disk/by-uuid/"), "UUID="))
	bus := m.vm.Bus
	bus = cmp.Or(bus, "virtio")
	own := "sd"
	if bus == "virtio" {
		own = "vd"
	}
	for _, prefix := range []string{"sd", "vd", "hd", "xvd", "nvme"} {
		if strings.HasPrefix(name, prefix) && prefix != own && !strings.Contains(name, "/") {
			return "disks on " + bus + " have names like " + own + "a"
		}
	}
	if strings.HasPrefix(name, "mapper/") || strings.HasPrefix(name, "dm-") {
		return "it is a volume of disks that were not seen"
	}
	for _, v := range m.drives {
		if slices.Contains(v.layout.uuids, id) {
			return "it is there, so the guest has no driver for a disk on " + bus
		}
	}
	return ""
}

// uuidOf a file system, of its first 2 KiB: ext2 to ext4 (Documentation/filesystems/ext4/super.rst of the kernel), XFS
// and LUKS. "" for others.
func uuidOf(begin []byte) string {
	const ext, extMagic, extUUID, xfsUUID, luksUUID = 1024, 0x38, 0x68, 32, 168
	b := append(slices.Clone(begin), make([]byte, 2048)...)
	switch {
	case b[ext+extMagic] == 0x53 && b[ext+extMagic+1] == 0xef:
		return dashed(b[ext+extUUID:])
	case strings.HasPrefix(string(b), "XFSB"):
		return dashed(b[xfsUUID:])
	case strings.HasPrefix(string(b), string(luksMagic)):
		id, _, _ := strings.Cut(string(b[luksUUID:luksUUID+40]), "\x00")
		return strings.ToLower(id)
	}
	return ""
}

// dashed writes 16 bytes as a UUID.
func dashed(b []byte) string {
	h := hex.EncodeToString(b[:16])
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}
