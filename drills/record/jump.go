package record

import "time"

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
