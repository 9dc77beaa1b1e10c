package instance

import (
	"net/netip"
	"slices"

	"lifeboat/scenarios"
)

// Kind is one kind of instances, as the kit holds it: what they are, which keys of a scenario are theirs, who boots them.
type Kind struct {
	Traits
	Is   string   // what one is called in a sentence: a container, a virtual machine
	Keys []string // that Settings knows, or refuses in words of its own
	// Settings decodes an instance's own keys strictly, and says what it lacks or cannot have.
	Settings func(in scenarios.Instance) (Settings, []scenarios.Problem)
	New      Factory
}

// Traits are what instances of one kind have and can do. The zero value boots nothing.
type Traits struct {
	Isolation Isolation
	Boots     Medium // what they are booted from
	OwnKernel bool   // and a hypervisor below it, from which it can be broken
	OwnDisk   bool   // which holds the data, is booted alone, and can be frozen and gone back to
	Accepts   bool   // a connection is accepted for them before anything listens
	Overhead  int64  // memory that one takes beside its own, bytes
}

// Isolation is how an instance is kept from what is not its drill's.
type Isolation string

// Sealed instances stand in sandboxes that are proved by probes before anything boots in them. There is no other isolation
// yet: a drill boots no instance of a kind that does not promise it.
const Sealed Isolation = "sealed"

// Medium is what an instance is booted from.
type Medium string

// Media that instances are booted from.
const (
	Images Medium = "images" // of an engine: by their names, or through an ImageLoader
	Disks  Medium = "disks"  // through a DiskLoader, where they lie
)

// Settings are an instance's own keys, decoded. What rarer ones say, they say by the interfaces below.
type Settings interface {
	// Fill puts them into the request of one boot. reveal gives the values of secrets; an error is one that cannot be read.
	Fill(r *Request, reveal func(scenarios.Secret) (string, error)) error
}

// Disked are settings that name backups of further disks.
type Disked interface {
	// Disks in the order in which Request.Disks holds their images.
	Disks() []DiskKey
}

// DiskKey is a reference to the backup of a disk, and where it stands: vm.disks[0].backup.
type DiskKey struct{ Key, Backup string }

// DisksOf settings; none where they name none.
func DisksOf(s Settings) []DiskKey {
	if d, ok := As[Disked](s); ok {
		return d.Disks()
	}
	return nil
}

// Forwarding are settings of an instance whose ports can be reached only where one of its keys names them.
type Forwarding interface {
	Forwards() (key string, ports []int)
}

// Networked are settings of an instance that sees a network of its own on its card.
type Networked interface{ Network() netip.Prefix }

// Outlined are settings that a plan tells of.
type Outlined interface{ Outline() []string }

// OnVolumes has folders live on volumes, with those that do already.
func (r *Request) OnVolumes(folders ...string) {
	for _, folder := range folders {
		if !slices.Contains(r.Data, folder) {
			r.Data = append(slices.Clone(r.Data), folder)
		}
	}
}
