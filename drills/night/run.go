package night

import (
	"context"
	"errors"
	"sync"

	"lifeboat/drills/record"
)

// Room is what check runs may take of a host together, in bytes; 0: unknown, so that only their number is bounded.
type Room struct{ Memory, Disk int64 }

// fits tells whether one more fits beside others.
func (r Room) fits(taken, more Room) bool {
	return (r.Memory == 0 || taken.Memory+more.Memory <= r.Memory) && (r.Disk == 0 || taken.Disk+more.Disk <= r.Disk)
}

// Job is a check run that is to be made.
type Job struct {
	Planned
	Needs Room
	By    Basis // how they are known
	// Prove makes it. It waits for its turn before it restores anything.
	Prove func(context.Context, *Turn) Proof
}

// Run makes check runs side by side, in their order as far as they fit, and writes down what comes of each; tell hears of it then. While
// nothing is timed any more of one, another gets ready, where there is room for both; it restores when the first has asked all that it
// asks. As many may clean up as may run. One that fails stops no other. When ctx ends those that run come to their own end, and the rest
// is not begun.
func Run(ctx context.Context, j *Journal, jobs []Job, parallel int, room Room, tell func(Proof)) error {
	var (
		begun = newTurns(parallel, room)
		mu    = &begun.mu
		all   sync.WaitGroup
		errs  []error
	)
	stop := context.AfterFunc(ctx, begun.wake)
	defer stop()
	waiting := append([]Job{}, jobs...)
	next := func() (Job, bool) { // the first that fits
		for i, job := range waiting {
			if begun.fits(job.Needs) {
				waiting = append(waiting[:i:i], waiting[i+1:]...)
				return job, true
			}
		}
		return Job{}, false
	}
	mu.Lock()
	for len(waiting) > 0 && ctx.Err() == nil {
		job, ok := next()
		if !ok {
			begun.changed.Wait()
			continue
		}
		turn := begun.begin(job.Needs)
		all.Go(func() {
			p := job.Prove(ctx, turn)
			turn.Asked()
			if job.By != (Basis{}) {
				p.Admitted = &Admission{job.Needs.Memory, job.Needs.Disk, job.By.Memory, job.By.Disk}
			}
			p.Took = max(0, p.Took-turn.waited)
			err := j.Add(p)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			tell(p)
			begun.end(job.Needs)
		})
	}
	left := waiting
	mu.Unlock()
	all.Wait()
	for _, job := range left {
		p := Proof{Planned: job.Planned, Status: record.StatusNotRun, Error: context.Cause(ctx).Error()}
		errs = append(errs, j.Add(p))
		tell(p)
	}
	return errors.Join(errs...)
}
