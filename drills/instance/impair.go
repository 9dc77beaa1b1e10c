package instance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lifeboat/drills/ledger"
)

// Hypervised is a machine that can be broken from below: its disk, its network link, its memory, its
// clock. An impairment outlives a reboot of the guest. It ends with the hypervisor's process: a machine that
// was stopped and started, or reverted, has none.
type Hypervised interface {
	// Impairable returns nil, or a sentence that says why this impairment cannot be made here. It changes nothing.
	Impairable(ctx context.Context, i Impairment) error
	// Impair breaks something. Doing it twice is the same as once.
	Impair(ctx context.Context, i Impairment) error
	// Impaired asks the hypervisor, and the guest where only that one knows: nil when it is in force now, an error that
	// is ErrNotInForce with what was found instead, or any other error where it could not be asked.
	Impaired(ctx context.Context, i Impairment) error
	// UndoImpairment describes the end of an impairment, before it is made, as an undo that another process can run.
	UndoImpairment(i Impairment) ledger.Undo
}

// ErrNotInForce is what was asked about and found not to be in force, whatever else was found. An error that is not this
// one says that the question was not answered: that is neither yes nor no.
var ErrNotInForce = errors.New("not in force")

// NotInForce is an ErrNotInForce that says what was found instead.
func NotInForce(format string, args ...any) error { return &notInForce{fmt.Sprintf(format, args...)} }

type notInForce struct{ found string }

func (e *notInForce) Error() string { return e.found }

func (e *notInForce) Is(target error) bool { return target == ErrNotInForce }

// Impairment of a virtual machine. Exactly one is set.
type Impairment struct {
	// BytesPerSecond that the disk moves at most, reads and writes together; bursts of a tenth of a second pass.
	BytesPerSecond int64 `json:"bytes_per_second,omitempty"`
	// Latency is the time that the disk takes for each request, 1 ms to 1 s, as a slow disk that serves one
	// read and one write after the other: those that come together wait for each other, and one that comes
	// after a rest is served at once.
	Latency time.Duration `json:"latency_ns,omitempty"`
	// IOError makes these requests to the disk fail with EIO. A guest may make its file system read-only
	// on an error, and that stays so when the disk is well again, until it boots.
	IOError DiskIO `json:"io_error,omitempty"`
	// LinkDown pulls the network cable.
	LinkDown bool `json:"link_down,omitempty"`
	// Balloon is the memory that is left to the guest, bytes. The guest gives the rest away by itself, as
	// fast as it can: it needs a driver for that.
	Balloon int64 `json:"balloon_bytes,omitempty"`
	// Pause stops the machine's processors. When they go on, the guest's clock lags by as long as they stood.
	Pause bool `json:"pause,omitempty"`
	// NMI is a non-maskable interrupt to every processor. It cannot be undone, only booted over; what the
	// guest makes of it is the guest's choice.
	NMI bool `json:"nmi,omitempty"`
	// ClockSkew of the guest's clock against its hardware clock, in whole seconds, ahead or (below 0) behind.
	ClockSkew time.Duration `json:"clock_skew_ns,omitempty"`
}

// DiskIO is which requests to a disk fail.
type DiskIO string

// Requests that can fail. A flush does not: what was written before has arrived.
const (
	DiskReads  DiskIO = "reads"
	DiskWrites DiskIO = "writes"
	DiskAll    DiskIO = "all"
)

// Bounds of impairments.
const (
	ShortestLatency  = time.Millisecond
	LongestLatency   = time.Second
	SmallestSkew     = 10 * time.Second // hardware clocks tell whole seconds, and slow guests read them slowly
	SmallestDiskRate = 4 << 10          // bytes per second
)

// Valid returns nil when exactly one impairment is set, within its bounds.
func (i Impairment) Valid() error {
	set := 0
	for _, is := range []bool{i.BytesPerSecond != 0, i.Latency != 0, i.IOError != "", i.LinkDown, i.Balloon != 0,
		i.Pause, i.NMI, i.ClockSkew != 0} {
		if is {
			set++
		}
	}
	switch {
	case set != 1:
		return fmt.Errorf("an impairment is one thing, not %d", set)
	case i.BytesPerSecond != 0 && i.BytesPerSecond < SmallestDiskRate:
		return fmt.Errorf("a disk moves at least %d bytes/s, not %d", SmallestDiskRate, i.BytesPerSecond)
	case i.Latency != 0 && (i.Latency < ShortestLatency || i.Latency > LongestLatency):
		return fmt.Errorf("a disk's latency lies between %s and %s, not at %s", ShortestLatency, LongestLatency, i.Latency)
	case i.IOError != "" && i.IOError != DiskReads && i.IOError != DiskWrites && i.IOError != DiskAll:
		return fmt.Errorf("requests that fail are %s, %s or %s, not %q", DiskReads, DiskWrites, DiskAll, i.IOError)
	case i.Balloon < 0:
		return errors.New("memory that is left is more than nothing")
	case i.ClockSkew != 0 && (i.ClockSkew.Abs() < SmallestSkew || i.ClockSkew%time.Second != 0):
		return fmt.Errorf("a clock is wrong by whole seconds, %s at least, not by %s", SmallestSkew, i.ClockSkew)
	}
	return nil
}

// String says what it is.
func (i Impairment) String() string {
	switch {
	case i.BytesPerSecond != 0:
		return fmt.Sprintf("the disk moves %d bytes/s", i.BytesPerSecond)
	case i.Latency != 0:
		return fmt.Sprintf("the disk takes %s for each request", i.Latency)
	case i.IOError == DiskAll:
		return "everything asked of the disk fails with EIO"
	case i.IOError != "":
		return fmt.Sprintf("%s of the disk fail with EIO", i.IOError)
	case i.LinkDown:
		return "the network link is down"
	case i.Balloon != 0:
		return fmt.Sprintf("%d MiB of memory are left", i.Balloon>>20)
	case i.Pause:
		return "the processors stand still"
	case i.NMI:
		return "a non-maskable interrupt"
	case i.ClockSkew < 0:
		return fmt.Sprintf("the clock is %s behind", i.ClockSkew.Abs())
	case i.ClockSkew > 0:
		return fmt.Sprintf("the clock is %s ahead", i.ClockSkew)
	}
	return "nothing"
}
