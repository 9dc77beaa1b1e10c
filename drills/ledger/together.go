package ledger

import (
	"context"
	"sync"
)

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
