package drills

import (
	"context"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/machines"
	"lifeboat/drills/record"
	"lifeboat/internal/pressure"
)

const (
	lookAtTimers = 250 * time.Millisecond
	lookAtHost   = time.Second
	pressedFor   = 5 * time.Second // an interval of the record while the host is pressed
	quietFor     = time.Minute     // and while it is not
	askedEvery   = 5 * time.Second
	askWithin    = time.Minute // a question of ours that takes longer is as good as none
	// Below these a host is quiet: its record takes few lines.
	quietShare = 0.05
	quietLate  = 100 * time.Millisecond
)

// hostWatch measures through a whole drill how hard its host is pressed, and keeps that in the journal.
type hostWatch struct {
	*books
	room *machines.Room
	read func() (pressure.Counters, error) // nil, as in tests: nobody can look, and nothing is measured
	stop context.CancelFunc                // nil: not started
	done sync.WaitGroup

	mu    sync.Mutex
	loads []record.HostLoad // written
	now   record.HostLoad   // being measured
	own   []record.Lapse    // restores
	last  pressure.Counters
	blind bool          // the last counters could not be read: what follows has nothing to be held against
	spent time.Duration // processor time of everybody in the interval that is being measured
	ours  time.Duration // of the drill
	used  time.Duration // by its machines so far, as far as it is known
	meter bool          // what the machines used is known up to this interval, so that it does not fall into the next
	asked time.Duration // when the question that is not answered yet began; 0: none
}

// start begins to measure, until end.
func (w *hostWatch) start(ctx context.Context) {
	if w.read == nil {
		return
	}
	ctx, w.stop = context.WithCancel(context.WithoutCancel(ctx))
	w.begin(w.elapsed())
	last, err := w.read() // its error is told with every interval
	w.last, w.blind = last, err != nil
	w.done.Go(func() { w.look(ctx) })
	w.done.Go(func() { w.ask(ctx) })
}

// end stops measuring and writes the last interval.
func (w *hostWatch) end() {
	if w.stop == nil {
		return
	}
	w.stop()
	w.done.Wait()
	w.flush()
}

func (w *hostWatch) begin(at time.Duration) {
	w.now = record.HostLoad{From: at, To: at}
	w.spent, w.ours, w.meter = 0, 0, false
}

// look takes the time of its own timer, four times a second, and the host's counters once a second.
func (w *hostWatch) look(ctx context.Context) {
	for seen := w.elapsed(); ; {
		due := w.elapsed() + lookAtTimers
		if instance.Pause(ctx, lookAtTimers) != nil {
			return
		}
		now := w.elapsed()
		w.mu.Lock()
		w.late(now - due)
		if now-seen >= lookAtHost {
			seen = now
			w.take(now)
		}
		w.mu.Unlock()
	}
}

func (w *hostWatch) late(by time.Duration) {
	w.now.Late = max(w.now.Late, by)
	if w.now.Without != "" && by > 0 {
		w.now.CPU += by
	}
	if w.asked > 0 {
		w.now.Trip = max(w.now.Trip, w.elapsed()-w.asked)
	}
}

// take adds what the counters grew by, and closes the interval where that is due.
func (w *hostWatch) take(now time.Duration) {
	c, err := w.read()
	grown := record.HostLoad{From: w.now.To, To: now, CPU: c.CPU - w.last.CPU, Memory: c.Memory - w.last.Memory,
		IO: c.IO - w.last.IO, Late: w.now.Late, Trip: w.now.Trip}
	if err != nil {
		grown.Without = err.Error()
	}
	if err != nil || w.blind {
		grown.CPU, grown.Memory, grown.IO = 0, 0, 0
	}
	w.blind = err != nil
	pressed := isPressed(grown)
	if pressed && w.now.To-w.now.From >= lookAtHost && !isPressed(w.now) { // what was quiet until now stands for itself
		late, trip := w.now.Late, w.now.Trip
		w.now.Late, w.now.Trip = min(late, quietLate), min(trip, quietLate)
		w.write()
		w.begin(grown.From)
	}
	n := &w.now
	n.To, n.Without = now, grown.Without
	n.CPU, n.Memory, n.IO = n.CPU+grown.CPU, n.Memory+grown.Memory, n.IO+grown.IO
	n.Late, n.Trip = max(n.Late, grown.Late), max(n.Trip, grown.Trip)
	w.spent += c.Busy - w.last.Busy
	w.ours += c.Self - w.last.Self
	w.last = c
	length := n.To - n.From
	if length >= quietFor || isPressed(*n) && (length >= pressedFor && w.meter || length >= 2*pressedFor) {
		w.write()
		w.begin(now)
	}
}

func isPressed(l record.HostLoad) bool {
	most := time.Duration(quietShare * float64(l.To-l.From))
	return max(l.CPU, l.Memory, l.IO) > most || max(l.Late, l.Trip) > quietLate
}

// share says how much of the processor time that was used was the drill's own.
func (w *hostWatch) share(l record.HostLoad) record.HostLoad {
	if w.spent > 0 {
		l.Ours = min(1, w.ours.Seconds()/w.spent.Seconds())
	}
	return l
}

// write appends the interval that was measured.
func (w *hostWatch) write() {
	l := w.now
	if l.To <= l.From {
		return
	}
	l = w.share(l)
	w.loads = append(w.loads, l)
	w.note(record.KindHostLoad, l)
}

func (w *hostWatch) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.read != nil {
		now := w.elapsed()
		w.take(now)
		w.write()
		w.begin(now)
	}
}

// ask has the back-ends say what the drill's machines cost, and takes the time of that question: no application
// has to answer it.
func (w *hostWatch) ask(ctx context.Context) {
	for instance.Pause(ctx, askedEvery) == nil {
		w.meters(ctx)
		w.mu.Lock()
		w.meter = true
		w.mu.Unlock()
	}
}

// meters asks every back-end once.
func (w *hostWatch) meters(ctx context.Context) {
	for _, driver := range w.room.Bases() {
		if metered, ok := instance.As[instance.Metered](driver); ok {
			w.measure(ctx, metered)
		}
	}
}

// lastWords asks while the machines are still there: short drills would go unmeasured.
func (w *hostWatch) lastWords(ctx context.Context) {
	if w.read != nil {
		w.meters(ctx)
	}
}

func (w *hostWatch) measure(ctx context.Context, from instance.Metered) {
	ctx, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	began := w.elapsed()
	w.mu.Lock()
	w.asked = began
	w.mu.Unlock()
	_ = from.Reach(ctx) // how long it takes is all that is asked
	took := w.elapsed() - began
	w.mu.Lock()
	if w.asked = 0; ctx.Err() == nil {
		w.now.Trip = max(w.now.Trip, took)
	}
	w.mu.Unlock()
	used, err := from.Used(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		w.ours += max(0, used.CPU-w.used)
		w.used = max(w.used, used.CPU)
		w.now.Held, w.now.Disk = max(w.now.Held, used.Memory), max(w.now.Disk, used.Disk)
	}
}

// restored tells of a restore of the drill's own, which presses memory and disks by itself.
func (w *hostWatch) restored(from, to time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.own = append(w.own, record.Lapse{From: from, To: to})
}

// outweighs tells whether what the host held up since a moment is at least what a limit of time has been overrun by, so
// that it is worth waiting on. What it says no to, the judge says no to: it counts with what stands in the journal.
func (w *hostWatch) outweighs(o record.Overdue) bool {
	if w.read == nil {
		return false
	}
	held := func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		loads := append(w.loads[:len(w.loads):len(w.loads)], w.share(w.now))
		return record.HeldUp(loads, w.own, nil, o.From, o.To).Outweighs(o.Over())
	}
	if held() {
		return true
	}
	w.flush()
	return held()
}

// hostPatience is how many times a limit is waited for at most where the host holds up what is waited for.
const hostPatience = 3

// over tells whether a limit of time is over, and the host does not explain that.
func (w *hostWatch) over(o record.Overdue) bool {
	return o.To-o.From >= o.Limit && (o.To-o.From >= hostPatience*o.Limit || !w.outweighs(o))
}
