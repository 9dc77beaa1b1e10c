package drills

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/machines"
	"lifeboat/drills/record"
)

// reached remembers what the drill itself asked, for the record of who spoke to whom.
type reached struct {
	*books
	room *machines.Room

	mu     sync.Mutex
	flows  map[string]bool  // scripts that k6 ran against the restored system
	checks map[string]spell // instances that answered a check
}

// spell is when an instance answered first and last.
type spell struct{ first, last time.Duration }

// byFlow notes that a flow was run.
func (r *reached) byFlow(script string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.flows[filepath.Base(script)] = true
}

// byCheck notes that an instance answered, where it did: that there is no such file is an answer.
func (r *reached) byCheck(on string, at time.Duration, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, known := r.checks[on]
	if !known {
		s.first = at
	}
	s.last = at
	r.checks[on] = s
}

// write writes down who spoke to whom. Where a back-end cannot tell, nothing is written.
func (r *reached) write(ctx context.Context) error {
	var all record.Reach
	for _, driver := range r.room.Bases() {
		teller, ok := instance.As[instance.ReachReporter](driver)
		if !ok {
			return nil
		}
		switch links, err := teller.Reached(ctx); {
		case errors.Is(err, instance.ErrUnmeasured):
			all.Unmeasured = r.Hide(err.Error())
		case err != nil:
			return err
		default:
			all.Links = append(all.Links, links...)
		}
	}
	for i := range all.Links {
		if l := &all.Links[i]; l.Flow != "" {
			l.Flow = filepath.Base(l.Flow)
		}
	}
	r.mu.Lock()
	all.Flows = slices.Sorted(maps.Keys(r.flows))
	for _, name := range slices.Sorted(maps.Keys(r.checks)) {
		all.Links = append(all.Links, record.Link{Check: true, To: name, First: r.checks[name].first,
			Last: r.checks[name].last})
	}
	r.mu.Unlock()
	slices.SortStableFunc(all.Links, func(a, b record.Link) int { return int(a.First - b.First) })
	return r.Append(record.KindReach, record.Subject{}, all)
}
