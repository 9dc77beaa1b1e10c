package machines

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
)

// Job is the boot of one instance.
type Job struct {
	Name  string
	After []string // jobs that are done before it begins
	Apart []string // what no two jobs may use at once: the backups that it restores
}

// ErrAlone is what a boot returns that other boots may have spoilt: it is begun again when no other runs.
var ErrAlone = errors.New("to be booted alone")

// Boot boots one instance. beside tells whether another one was booted at any moment of it.
type Boot func(ctx context.Context, name string, beside func() bool) error

// SideBySide boots instances, each as soon as those that it needs are there, and at most so many at once. What comes
// first in the list begins first. The first error ends the others, and is returned when they have ended.
//
//	db     ├──────────────┤
//	files  ├─────┤              needs nobody
//	app                   ├────────┤  needs db
//	web                   ├───┤       needs db and files
func SideBySide(ctx context.Context, jobs []Job, most int, boot Boot) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var p plan
	for _, j := range jobs {
		p = append(p, &running{Job: j})
	}
	type ending struct {
		of  *running
		err error
	}
	ended := make(chan ending)
	var failed error
	for busy := 0; ; {
		for failed == nil && ctx.Err() == nil {
			j := p.next(most)
			if j == nil {
				break
			}
			p.begin(j)
			busy++
			go func() { ended <- ending{j, boot(ctx, j.Name, j.crowded.Load)} }()
		}
		if busy == 0 {
			break
		}
		e := <-ended
		busy--
		switch {
		case e.err == nil:
			e.of.state = done
		case errors.Is(e.err, ErrAlone) && e.of.crowded.Load() && failed == nil && ctx.Err() == nil:
			e.of.state = alone
		default:
			if failed == nil {
				failed = e.err
			}
			cancel()
		}
	}
	if failed == nil {
		failed = context.Cause(ctx)
	}
	if left := p.in(waiting); failed == nil && len(left) > 0 {
		failed = fmt.Errorf("boot %v: each waits for another", left)
	}
	return failed
}

type state int

const (
	waiting state = iota
	alone         // waiting until no other runs
	runs
	done
)

type running struct {
	Job
	state   state
	crowded atomic.Bool // another one ran at some moment of it
}

type plan []*running

// next is the job that can begin now; nil: none.
func (p plan) next(most int) *running {
	run := p.in(runs)
	if len(run) >= max(1, most) {
		return nil
	}
	for _, j := range p {
		if j.state == waiting && p.free(j) {
			return j
		}
	}
	if i := slices.IndexFunc(p, func(j *running) bool { return j.state == alone }); i >= 0 && len(run) == 0 {
		return p[i]
	}
	return nil
}

// free tells whether nothing keeps a job from beginning.
func (p plan) free(j *running) bool {
	return !slices.ContainsFunc(p, func(other *running) bool {
		shares := slices.ContainsFunc(other.Apart, func(what string) bool { return slices.Contains(j.Apart, what) })
		return other.state != done && slices.Contains(j.After, other.Name) || other.state == runs && shares
	})
}

func (p plan) begin(j *running) {
	j.crowded.Store(false)
	for _, other := range p {
		if other.state == runs {
			other.crowded.Store(true)
			j.crowded.Store(true)
		}
	}
	j.state = runs
}

// in are the names of the jobs in a state.
func (p plan) in(s state) []string {
	var names []string
	for _, j := range p {
		if j.state == s {
			names = append(names, j.Name)
		}
	}
	return names
}
