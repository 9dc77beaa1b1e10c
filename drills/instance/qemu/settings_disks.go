package qemu

import (
	"cmp"
	"slices"
	"strconv"

	"lifeboat/internal/lazy"
	"lifeboat/scenarios"
)

// Disk is a disk of a virtual machine beside the one that it boots from, in a backup of its own.
type Disk struct {
	Backup string `yaml:"backup" jsonschema:"required"`    // restore: {kind: disk}
	Bus    string `yaml:"bus" enum:"virtio sata ide scsi"` // default: that of the machine
	Serial string `yaml:"serial"`                          // as production's disk has it, for /dev/disk/by-id; default none
	WWN    string `yaml:"wwn"`                             // 0x and 16 digits, on sata, ide and scsi; default none
}

// mostDisks on one bus of a virtual machine, beside the first.
var mostDisks = map[string]int{"": 15, "virtio": 15, "scsi": 15, "sata": 5, "ide": 3}

var (
	serialPattern = lazy.Regexp(`^[A-Za-z0-9_.-]{1,20}$`)
	wwnPattern    = lazy.Regexp(`^0x[0-9a-fA-F]{16}$`)
)

// disks checks those of a machine that boots from a backup.
func (r *review) disks(boot string, vm VM) {
	seen := []string{boot}
	for i, d := range vm.Disks {
		at := "vm.disks[" + strconv.Itoa(i) + "]"
		if d.Backup != "" && slices.Contains(seen, d.Backup) {
			r.problem(at+".backup", "give each disk a backup of its own: two copies of one disk are taken for each other",
				"%s is another disk of this machine", scenarios.Clip(d.Backup))
		}
		seen = append(seen, d.Backup)
		bus := d.Bus
		bus = cmp.Or(bus, vm.Bus)
		if bus == "ide" && vm.Bus != "ide" {
			r.problem(at+".bus", "say sata, or bus: ide for the machine", "a machine that boots from another bus has no ide")
		}
		if most := mostDisks[bus]; i >= most && most > 0 {
			r.problem(at, "put some of them on virtio or scsi", "at most %d disks stand on one bus beside the first", most)
		}
		if d.Serial != "" && !serialPattern().MatchString(d.Serial) {
			r.problem(at+".serial", "give up to 20 letters, digits, dots, hyphens and underscores", "%q is no serial number of a disk",
				scenarios.Clip(d.Serial))
		}
		switch {
		case d.WWN == "":
		case !wwnPattern().MatchString(d.WWN):
			r.problem(at+".wwn", "write it like 0x5000c500a1b2c3d4", "%q is no world wide name", scenarios.Clip(d.WWN))
		case bus == "" || bus == "virtio":
			r.problem(at+".wwn", "say bus: scsi, or give a serial", "disks on virtio have none")
		}
	}
}
