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
	"lifeboat/drills/record"
)

// reached remembers what the drill itself asked, for the record of who spoke to whom.
type reached struct {
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
	if r.flows == nil {
		r.flows = map[string]bool{}
	}
	r.flows[filepath.Base(script)] = true
}

// byCheck notes that an instance answered, where it did: that there is no such file is an answer.
func (r *reached) byCheck(on string, at time.Duration, err error) {
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.checks == nil {
		r.checks = map[string]spell{}
	}
	s, known := r.checks[on]
	if !known {
		s.first = at
	}
	s.last = at
	r.checks[on] = s
}

// collectReach writes down who spoke to whom. Where a back-end cannot tell, nothing is written.
func (d *drill) collectReach(ctx context.Context) error {
	var all record.Reach
	for _, driver := range d.room.Bases() {
		r, ok := instance.As[instance.ReachReporter](driver)
		if !ok {
			return nil
		}
		switch links, err := r.Reached(ctx); {
		case errors.Is(err, instance.ErrUnmeasured):
			all.Unmeasured = d.secrets.hide(err.Error())
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
	d.reached.mu.Lock()
	all.Flows = slices.Sorted(maps.Keys(d.reached.flows))
	for _, name := range slices.Sorted(maps.Keys(d.reached.checks)) {
		all.Links = append(all.Links, record.Link{Check: true, To: name, First: d.reached.checks[name].first,
			Last: d.reached.checks[name].last})
	}
	d.reached.mu.Unlock()
	slices.SortStableFunc(all.Links, func(a, b record.Link) int { return int(a.First - b.First) })
	return d.Append(record.KindReach, record.Subject{}, all)
}
