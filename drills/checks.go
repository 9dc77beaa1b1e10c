package drills

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/verifier"
)

// checks ask what was restored, and remember what was so before anything was done.
type checks struct {
	site
	host   *hostWatch
	target *target

	mu     sync.Mutex
	before map[string]verifier.Facts
}

// checkTimeout bounds a check that does not say how long it may take.
const checkTimeout = 10 * time.Minute

// bounded gives a check the time that it may take, and a minute to say that it was too little.
func bounded(ctx context.Context, c verifier.Check) (context.Context, context.CancelFunc) {
	b, ok := c.(verifier.Bounded)
	switch {
	case !ok:
		return context.WithTimeout(ctx, checkTimeout)
	case b.Limit() == 0:
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, b.Limit()+time.Minute)
}

// ask asks the chosen checks, lowest layer first, and writes every answer down.
func (q *checks) ask(ctx context.Context, when record.When, chosen func(CheckPlan) bool) error {
	for _, layer := range record.Layers() {
		for _, c := range q.plan.Checks {
			if c.Spec.Layer != layer || !chosen(c) {
				continue
			}
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			r, err := q.one(ctx, c, when)
			if ctx.Err() != nil {
				return context.Cause(ctx) // an answer cut off by the abort says nothing
			}
			if err != nil {
				return err
			}
			if err := q.Append(record.KindCheck, q.subject(""), r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (q *checks) one(ctx context.Context, c CheckPlan, when record.When) (record.CheckResult, error) {
	ctx, cancel := bounded(ctx, c.Check)
	defer cancel()
	r := record.CheckResult{Name: c.Spec.Name, Layer: c.Spec.Layer, When: when, Started: q.elapsed()}
	var before verifier.Facts
	if when != record.Before {
		before = q.remembered(c.Spec.Name)
	}
	var facts verifier.Facts
	var a verifier.Answer
	for asked := true; asked; { // again where no answer came in time and the host explains that
		var err error
		facts, err = q.observe(ctx, c.Check)
		r.Ended, r.Overdue = q.elapsed(), nil
		if err != nil {
			r.Status, r.Message = record.CheckCrashed, q.Hide(err.Error())
			return r, nil
		}
		a = verifier.Judge(c.Check, when, before, facts)
		if asked = a.Late > 0; asked {
			o := q.overdue(a.Late, r.Started)
			r.Overdue, asked = &o, !q.host.over(o)
		}
	}
	if when == record.Before {
		q.remember(c.Spec.Name, facts)
	}
	with, ok := c.Check.(verifier.Comparer)
	r.Compared = ok && with.Compares() && len(before) > 0
	r.Status, r.Message, r.Recorded = a.Status, q.Hide(a.Message), a.Recorded
	var err error
	if r.Facts, r.FactsDigest, err = q.keepFacts(q.Hide(q.HideJSON(string(facts)))); err != nil {
		return r, err
	}
	if a.Said != nil && a.Said.Is(a.Message) {
		r.Said = a.Said
	}
	r.Diff = append(r.Diff, q.HideAll(a.Diff)...)
	for _, o := range a.Beside {
		for k, text := range o.Args {
			o.Args[k] = q.Hide(text)
		}
		r.Beside = append(r.Beside, o)
	}
	if r.Status == record.CheckFailed {
		if err := q.room.Intact(ctx); err != nil {
			r.Status, r.Message, r.Said = record.CheckCrashed, q.Hide(err.Error()), nil
			return r, nil
		}
		r.Backup = q.dataOf(c)
	}
	return r, nil
}

// observe turns a panic of a check into an error: a check that crashes is unknown, never passed.
func (q *checks) observe(ctx context.Context, c verifier.Check) (facts verifier.Facts, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the check crashed: %v", p)
		}
	}()
	return c.Observe(ctx, q.target)
}

// once asks a check without writing it down, for a wait step.
func (q *checks) once(ctx context.Context, c CheckPlan) verifier.Answer {
	facts, err := q.observe(ctx, c.Check)
	if err != nil {
		return verifier.Answer{Status: record.CheckCrashed, Message: err.Error()}
	}
	return verifier.Judge(c.Check, record.PhaseVerify, q.remembered(c.Spec.Name), facts)
}

func (q *checks) remember(name string, facts verifier.Facts) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.before[name] = facts
}

func (q *checks) remembered(name string) verifier.Facts {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.before[name]
}

// checkStores has stores checked by tools of their own, where the scenario asks for it, and writes down what those say. It is done before anything is
// timed, and decides nothing: what a tool says of a whole repository is not what was restored of it.
func (d *drill) checkStores(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(d.plan.Backups)) {
		s, ok := d.plan.Backups[name].Store.(store.Checker)
		if !ok {
			continue
		}
		o := record.Observation{ID: "store.checked", Args: map[string]string{"backup": name}}
		switch c, err := s.Check(ctx); {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err != nil:
			o.ID, o.Args["why"] = "store.unchecked", err.Error()
		case c == nil:
			continue
		default:
			o.Args["tool"], o.Args["how"] = c.Tool, c.How
			if c.Wrong != "" {
				o.ID, o.Args["said"] = "store.check_failed", c.Wrong
			}
		}
		if err := d.Append(record.KindObservation, record.Subject{}, o); err != nil {
			return err
		}
	}
	return nil
}
