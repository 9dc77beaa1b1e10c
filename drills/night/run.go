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
	By    string // how its memory is known: declared or measured
	// Prove makes it. asked says, once, that all was asked and what is left is to clean up.
	Prove func(ctx context.Context, asked func()) Proof
}

// Run makes check runs side by side, in their order as far as they fit, and writes down what comes of each; tell hears of it then. One
// that cleans up asks nobody anything any more: another begins in its place, where there is room for both, and as many may clean up as may
// run. One that fails stops no other. When ctx ends those that run come to their own end, and the rest is not begun.
func Run(ctx context.Context, j *Journal, jobs []Job, parallel int, room Room, tell func(Proof)) error {
	var (
		mu    sync.Mutex
		freed = sync.NewCond(&mu)
		taken Room
		runs  int // that still ask
		there int // and those that clean up
		all   sync.WaitGroup
		errs  []error
	)
	stop := context.AfterFunc(ctx, func() { mu.Lock(); freed.Broadcast(); mu.Unlock() })
	defer stop()
	waiting := append([]Job{}, jobs...)
	next := func() (Job, bool) { // the first that fits; one alone always does
		for i, job := range waiting {
			if there == 0 || runs < parallel && there < 2*parallel && room.fits(taken, job.Needs) {
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
			freed.Wait()
			continue
		}
		runs, there = runs+1, there+1
		taken.Memory, taken.Disk = taken.Memory+job.Needs.Memory, taken.Disk+job.Needs.Disk
		all.Go(func() {
			asked := sync.OnceFunc(func() { mu.Lock(); runs--; freed.Broadcast(); mu.Unlock() })
			p := job.Prove(ctx, asked)
			asked()
			if job.By != "" {
				p.Admitted = &Admission{job.Needs.Memory, job.Needs.Disk, job.By}
			}
			err := j.Add(p)
			mu.Lock()
			defer mu.Unlock()
			errs = append(errs, err)
			tell(p)
			there--
			taken.Memory, taken.Disk = taken.Memory-job.Needs.Memory, taken.Disk-job.Needs.Disk
			freed.Broadcast()
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
