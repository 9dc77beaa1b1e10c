package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"time"
)

// UnwindRequest says what to undo and how patiently.
type UnwindRequest struct {
	Scope   Scope
	Entries []Entry
	Undoers map[string]Undoer // by the undo's kind
	Report  func(Outcome)     // called once for each entry, when it is settled; nil: nobody listens
	Each    time.Duration     // limit of one attempt; 0: 30 s
	Retry   time.Duration     // how long failures are tried again, all together; 0: 20 s; below 0: not at all
	Within  time.Duration     // limit of all of it: what was not tried by then has failed; 0: none
	Since   time.Time         // what is still under way was begun by then; zero: until now
}

// Outcome is what became of one entry.
type Outcome struct {
	Entry Entry
	State State // Undone, Gone or Failed
	Err   error // with Failed: why, and the command that does it by hand
	Tries int
}

// Defaults and the pace of retries.
const (
	defaultEach  = 30 * time.Second
	defaultRetry = 20 * time.Second
	firstPause   = 200 * time.Millisecond
	longestPause = 3 * time.Second
	atOnce       = 16 // requests to an engine: it works off what it can, and its slowest removal begins at once
)

// Unwind undoes every entry that is not undone or gone yet: faults first, then
// processes, containers and the networks, volumes and images that they use, then the rest; of each the
// youngest first, and what waits for an engine side by side. It goes on when ctx is cancelled:
// clean-up has limits of its own. What fails is tried again after everything
// else was, so that one thing that cannot be undone keeps no other waiting.
func Unwind(ctx context.Context, r UnwindRequest) []Outcome {
	ctx = context.WithoutCancel(ctx)
	if r.Within > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, r.Within, fmt.Errorf("%w of %s", errOver, r.Within))
		defer cancel()
		ctx = limited
	}
	each, retry := cmp.Or(r.Each, defaultEach), cmp.Or(r.Retry, defaultRetry)
	outcomes := make([]Outcome, 0, len(r.Entries))
	began := time.Now()
	for _, e := range order(r.Entries) {
		e.Since = cmp.Or(r.Since, began)
		outcomes = append(outcomes, Outcome{Entry: e, State: Failed})
	}
	end := began.Add(retry)
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		again := false
		for group := range sideBySide(outcomes) {
			r.attempts(ctx, group, each)
			for i := range group {
				again = again || group[i].open()
			}
		}
		if !again || ctx.Err() != nil || !time.Now().Add(pause).Before(end) {
			break
		}
		time.Sleep(pause)
	}
	for i := range outcomes {
		o := &outcomes[i]
		if o.State == Failed {
			o.Err = o.hint()
			if r.Report != nil {
				r.Report(*o)
			}
		}
	}
	return outcomes
}

// sideBySide cuts outcomes into runs that may be undone at the same time: what stands on an engine; all else is one by one.
func sideBySide(all []Outcome) iter.Seq[[]Outcome] {
	return func(yield func([]Outcome) bool) {
		for i, n := 0, 0; i < len(all); i += n {
			for n = 1; i+n < len(all) && all[i].Entry.together(all[i+n].Entry); n++ {
			}
			if !yield(all[i : i+n]) {
				return
			}
		}
	}
}

// attempts tries once what is not undone yet of a group, and reports what was, in its order. What is in use is tried
// again whenever a container of the group is done with.
func (r UnwindRequest) attempts(ctx context.Context, group []Outcome, each time.Duration) {
	var wait sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	containers, told := usersOf(group), teller{report: r.Report, group: group, now: make([]tried, len(group))}
	for i := range group {
		o := &group[i]
		if !o.open() {
			told.settled(i, false)
			continue
		}
		slots <- struct{}{}
		wait.Go(func() {
			for {
				next := containers.next() // before the attempt, so that no end is missed
				r.attempt(ctx, o, each)
				<-slots
				if !o.inUse() || next == nil || !ends(ctx, next) {
					break
				}
				slots <- struct{}{}
			}
			containers.ended(o.Entry)
			told.settled(i, o.State != Failed)
		})
	}
	wait.Wait()
}

// order of undoing, without what is settled.
func order(all []Entry) []Entry {
	open := slices.DeleteFunc(slices.Clone(all), func(e Entry) bool { return e.State == Undone || e.State == Gone })
	slices.SortStableFunc(open, func(a, b Entry) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(b.ID, a.ID))
	})
	return open
}

const whatContainer = "container"

// rank of an entry: what uses other things comes before them. The rest is last: it looks for what came late, too.
func rank(e Entry) int {
	switch e.What {
	case "fault":
		return 0
	case "process", whatContainer:
		return 1
	case "network", "volume", "image":
		return 2
	}
	return 3
}

// together tells whether two neighbours in the order of undoing may be undone at the same time. What is still in use by
// then says so (ErrInUse).
func (e Entry) together(next Entry) bool {
	onEngine := func(e Entry) bool { return e.What == whatContainer || rank(e) == 2 }
	return onEngine(e) && onEngine(next)
}

// errOver is why what was not tried in time has failed.
var errOver = errors.New("it was not its turn within the clean-up's limit")

// errNoUndoer is final: trying again does not help.
var errNoUndoer = errors.New("this program has no undo of that kind")

func (o *Outcome) final() bool { return errors.Is(o.Err, errNoUndoer) }

func (o *Outcome) open() bool { return o.State == Failed && !o.final() }

func (o *Outcome) inUse() bool { return o.Entry.What != whatContainer && errors.Is(o.Err, ErrInUse) }

func (o *Outcome) hint() error {
	if o.Entry.Fix == "" {
		return fmt.Errorf("undo %s %s: %w", o.Entry.What, o.Entry.Name, o.Err)
	}
	return fmt.Errorf("undo %s %s: %w; by hand: %s", o.Entry.What, o.Entry.Name, o.Err, o.Entry.Fix)
}

func (r UnwindRequest) attempt(ctx context.Context, o *Outcome, each time.Duration) {
	if ctx.Err() != nil {
		if o.Err == nil {
			o.Err = context.Cause(ctx)
		}
		return
	}
	ctx, cancel := context.WithTimeout(ctx, each)
	defer cancel()
	o.Tries++
	switch err := r.undo(ctx, o.Entry); {
	case err == nil:
		o.State, o.Err = Undone, nil
	case errors.Is(err, ErrGone):
		o.State, o.Err = Gone, nil
	default:
		o.State, o.Err = Failed, err
	}
}

// undo calls the undoer; one that panics has failed and stops no other.
func (r UnwindRequest) undo(ctx context.Context, e Entry) (err error) {
	u := r.Undoers[e.Undo.Kind]
	if u == nil {
		return fmt.Errorf("%w: %q", errNoUndoer, e.Undo.Kind)
	}
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("undo %q crashed: %v", e.Undo.Kind, p)
		}
	}()
	return u(ctx, r.Scope, e)
}

// users are the containers of a group that are not done with yet: they may use what is undone beside them.
type users struct {
	mu   sync.Mutex
	left int
	end  chan struct{} // closed at the next end of one
}

func usersOf(group []Outcome) *users {
	u := &users{end: make(chan struct{})}
	for i := range group {
		if group[i].open() && group[i].Entry.What == whatContainer {
			u.left++
		}
	}
	return u
}

// next is closed when the next container is done with. nil: none is left.
func (u *users) next() <-chan struct{} {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.left == 0 {
		return nil
	}
	return u.end
}

// ended is told of everything that was tried.
func (u *users) ended(e Entry) {
	if e.What != whatContainer {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.left--
	close(u.end)
	u.end = make(chan struct{})
}

// ends waits for it, false where ctx ended first.
func ends(ctx context.Context, it <-chan struct{}) bool {
	select {
	case <-it:
		return true
	case <-ctx.Done():
		return false
	}
}

// teller reports what was undone of a group in the group's order, each as soon as all before it are settled.
type teller struct {
	report func(Outcome)
	group  []Outcome

	mu   sync.Mutex // serialises the reports, too
	now  []tried
	next int // the first that is not settled
}

// tried is what this round made of one.
type tried struct{ settled, undone bool }

func (t *teller) settled(i int, undone bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now[i] = tried{true, undone}
	for ; t.next < len(t.now) && t.now[t.next].settled; t.next++ {
		if t.now[t.next].undone && t.report != nil {
			t.report(t.group[t.next])
		}
	}
}
