package instance

import (
	"context"

	"lifeboat/drills/record"
)

// DiskLoader is what a driver offers that boots disk images where they lie.
type DiskLoader interface {
	// LoadDisk returns the reference that Request.Image takes. Boot looks at the image before anything of it runs,
	// and refuses one that is damaged or points outside the backup (*BootError). It is never copied nor written to.
	LoadDisk(ctx context.Context, d DiskImage) (ref string, err error)
}

// DiskImage is a disk of a backup.
type DiskImage struct {
	Name   string // of the backup
	Format string // declared, never guessed: one of DiskFormats
	Disk   Disk
}

// DiskFormats that a DiskLoader takes, sorted.
func DiskFormats() []string { return []string{"qcow2", "raw", "vdi", "vhd", "vhdx", "vmdk"} }

// Disk is the bytes of an image.
type Disk interface {
	ReadAt(p []byte, off int64) (int, error)
	Close() error
	Size() int64
	Path() string   // of the file on this host; "": it is read where it lies, through ReadAt
	Fetched() int64 // bytes read through ReadAt so far
	Same() error    // once it is another one than the one that was opened; nothing is read
}

// Snapshotter is a machine whose disk can be frozen and gone back to.
type Snapshotter interface {
	// Snapshot freezes the disk under a name; the machine goes on running. The names of a machine are unique.
	Snapshot(ctx context.Context, name string) error
	// Revert drops everything since the snapshot and boots the machine from it; the snapshot stays.
	Revert(ctx context.Context, name string) error
}

// Rebooter is a machine that can start its own kernel again, which a container has not.
type Rebooter interface {
	// Reboot asks the guest to reboot in an orderly way, and returns when it was seen to go down.
	Reboot(ctx context.Context) error
}

// Diagnoser is a machine that shows why it does not come up: its console, its screen, its agent.
type Diagnoser interface {
	// Diagnose never changes anything. A machine on which nothing is wrong has the class ClassNone.
	Diagnose(ctx context.Context) (Diagnosis, error)
}

// Diagnosis with the picture of the screen, which goes to a file and not into the journal.
type Diagnosis struct {
	record.Diagnosis
	Screen []byte // PNG; nil: there is none
	Fatal  bool   // it will not come up however long one waits: a panic, a shell that waits for a person
}

// Classes of a diagnosis.
const ClassNone = ""

// Based is a machine that tells what its times are worth.
type Based interface {
	// Basis is emulated without hardware virtualisation, measured with it.
	Basis() record.Basis
}

// Described is a machine that tells how it was booted and is controlled, by facts such as
// acceleration, control, firmware, clock skew.
type Described interface {
	Describe(ctx context.Context) map[string]string
}

// Layered is a driver whose machines stand in another driver's sandboxes: what is asked once of a
// whole drill (what tried to get out, is every sandbox intact, where do programs run) is asked of that one.
type Layered interface{ Base() Driver }
