package record

import "time"

// Booted is an instance that is ready.
type Booted struct {
	Started time.Duration `json:"started_ns"` // when its restore, or else its boot, began
	Ready   time.Duration `json:"ready_ns"`
	Image   string        `json:"image,omitempty"`
	Basis   Basis         `json:"basis"`
	// Unseen: a virtual machine whose scenario does not say when it is ready. Ready is when its hypervisor ran, which
	// says nothing of the guest, so no time of it is measured.
	Unseen bool `json:"unseen,omitempty"`
	// Facts of how it was booted and is controlled: acceleration, control, firmware, clock skew.
	Facts map[string]string `json:"facts,omitempty"`
}

// Diagnosis is what a machine shows of itself when it does not do what it should.
type Diagnosis struct {
	Class  string        `json:"class"`            // kernel-panic, initramfs-shell, emergency-mode, …
	Words  string        `json:"words"`            // in a line: "kernel panic: VFS: Unable to mount root fs"
	Source string        `json:"source"`           // console | screen | agent | ssh | serial | network | hypervisor
	At     time.Duration `json:"at_ns"`            // when it was seen
	Lines  []string      `json:"lines,omitempty"`  // the last of the console
	Screen string        `json:"screen,omitempty"` // file below raw/
}

// DiskRead says how much of a disk image was read where it lies.
type DiskRead struct {
	Backup  string `json:"backup"`
	Fetched int64  `json:"fetched_bytes"`
	Size    int64  `json:"size_bytes"`
}
