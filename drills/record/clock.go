package record

import (
	"time"

	"golang.org/x/sys/unix"
)

// Clock reads the host's time beside the monotonic clock by which a drill counts. The zero Clock is the machine's own.
type Clock struct {
	Wall func() time.Time // nil: time.Now
	Boot func() int64     // CLOCK_BOOTTIME in nanoseconds, 0 where there is none; nil: Boottime
}

func (c Clock) orOwn() Clock {
	if c.Wall == nil {
		c.Wall = time.Now
	}
	if c.Boot == nil {
		c.Boot = Boottime
	}
	return c
}

// Boottime is CLOCK_BOOTTIME in nanoseconds: it is the same in every process
// of a host and counts while the host sleeps. 0 where the kernel has none.
func Boottime() int64 {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0
	}
	return ts.Nano()
}

// heldUp is how far apart two readings of one moment may lie.
const heldUp = 10 * time.Millisecond

// read takes all clocks at one moment: again, a few times, where the process was held up between them, so that a busy
// host is not taken for a clock that jumped.
func (j *Journal) read() (elapsed time.Duration, wall time.Time, boot int64) {
	for range 5 {
		elapsed = j.clock()
		wall, boot = j.host.Wall().Round(0), j.host.Boot()
		if j.clock()-elapsed < heldUp {
			break
		}
	}
	return elapsed, wall, boot
}

// Moment says when something happened, in time since the drill's base
// (monotonic): not before Early and not after Late. Early == Late means exact.
//
//	          Early          Late
//	────────────┤░░░░░░░░░░░░├────────▶ time since the drill's base
//	 not yet    │ somewhere   │ surely
type Moment struct {
	Early time.Duration `json:"early_ns"`
	Late  time.Duration `json:"late_ns"`
}

// At is an exact moment.
func At(d time.Duration) Moment { return Moment{Early: d, Late: d} }

// Span is a length of time with its bounds.
type Span struct {
	Lower time.Duration `json:"lower_ns"`
	Upper time.Duration `json:"upper_ns"`
}

// Between is the time from one moment to another. Bounds below zero are cut to zero.
func Between(from, to Moment) Span {
	return Span{Lower: max(0, to.Early-from.Late), Upper: max(0, to.Late-from.Early)}
}

// Jump is a stretch between two events of the harness over which the host's clocks counted differently.
type Jump struct {
	From    time.Duration `json:"from_ns"` // elapsed at the two events
	To      time.Duration `json:"to_ns"`
	Counted time.Duration `json:"counted_ns"`        // by the monotonic clock: it stands still while the host sleeps
	Boot    time.Duration `json:"boot_ns,omitempty"` // by CLOCK_BOOTTIME; 0: the journal does not say
	Wall    time.Duration `json:"wall_ns"`           // by the wall clock
}

// Clocks may differ by what slewing explains: the kernel slews by 500 ppm at most (adjtimex(2)). What is below
// smallJump is a leap second, or two readings that lie apart.
const (
	slewing   = 500e-6
	smallJump = 2 * time.Second
)

// apart is by how much the clocks that are known differ.
func (p Jump) apart() time.Duration {
	least, most := min(p.Counted, p.Wall), max(p.Counted, p.Wall)
	if p.Boot != 0 {
		least, most = min(least, p.Boot), max(most, p.Boot)
	}
	return most - least
}

func (p Jump) unexplained() bool {
	slewed := time.Duration(slewing * float64(max(p.Counted, p.Boot)))
	return p.apart() > max(smallJump, slewed)
}

func jumpOf(from, to Event) Jump {
	p := Jump{From: from.Elapsed, To: to.Elapsed, Counted: to.Elapsed - from.Elapsed, Wall: to.Wall.Sub(from.Wall)}
	if from.BootNS != 0 && to.BootNS != 0 {
		p.Boot = time.Duration(to.BootNS - from.BootNS)
	}
	return p
}

// tick compares the clocks of each event with those of the one before it, and with those of the first one since the
// latest jump, so that many small ones add up. The reaper counts by boot time and looks at nothing: only the harness's
// own events are witnesses.
func (b *Builder) tick(e Event) {
	if e.Actor == ActorReaper || e.Wall.IsZero() {
		return
	}
	if b.ticked.Wall.IsZero() {
		b.ticked, b.first = e, e
		return
	}
	p := jumpOf(b.ticked, e)
	if !p.unexplained() {
		p = jumpOf(b.first, e)
	}
	b.ticked = e
	if p.unexplained() {
		b.r.Jumps, b.first = append(b.r.Jumps, p), e
	}
}
