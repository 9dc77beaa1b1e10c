// Package service holds the checks of the service layer: does it listen, does
// it answer, does it answer a query, and does it all again after a restart.
package service

import (
	"context"
	"fmt"
	"time"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
	"lifeboat/verifier/database/dialects"
)

var kinds = verifier.Kinds{"http": newHTTP, "ports": newPorts, "sql": newSQL, "tcp": newTCP}

// Kinds of checks that New makes.
func Kinds() []string { return kinds.Names() }

// New makes a check of its part of a scenario. dir is the scenario's folder.
func New(spec scenarios.CheckSpec, _ string) (verifier.Check, []scenarios.Problem) {
	return kinds.New("service", spec)
}

// seen is what was observed, with and after a restart where one was asked for.
type seen[T any] struct {
	First        T      `json:"first"`
	RestartError string `json:"restart_error,omitempty"`
	Second       *T     `json:"second,omitempty"`
}

// comesBack is how long a service may take after a restart.
const comesBack = time.Minute

// question is one kind's way to ask once and to judge the answer.
type question[T any] struct {
	on      string
	restart bool
	ask     func(ctx context.Context, t verifier.Target) (T, error)
	judge   func(before *T, now T) verifier.Answer
}

// observe asks, and with restart asks again after a restart of the instance. One that does not
// work is not restarted: that would mend what the drill is about.
func (q question[T]) observe(ctx context.Context, t verifier.Target) (s seen[T], err error) {
	if s.First, err = q.ask(ctx, t); err != nil || !q.restart || !q.good(s.First) {
		return s, err
	}
	if err := t.Restart(ctx, q.on); err != nil {
		if ctx.Err() != nil || !verifier.SystemFault(err) {
			return s, fmt.Errorf("restart %s: %w", q.on, err)
		}
		s.RestartError = err.Error()
		return s, nil
	}
	for end := time.Now().Add(comesBack); ; {
		again, err := q.ask(ctx, t)
		if err != nil {
			return s, err
		}
		s.Second = &again
		if q.good(again) || time.Now().After(end) {
			return s, nil
		}
		select {
		case <-ctx.Done():
			return s, context.Cause(ctx)
		case <-time.After(500 * time.Millisecond):
		}
	}
}

func (q question[T]) good(now T) bool { return q.judge(nil, now).Status == record.CheckPassed }

// answer judges both observations; with restart the second one counts, too.
func (q question[T]) answer(before *seen[T], now seen[T]) verifier.Answer {
	var then *T
	if before != nil {
		then = &before.First
	}
	a := q.judge(then, now.First)
	if a.Status != record.CheckPassed || !q.restart {
		return a
	}
	switch {
	case now.RestartError != "":
		return verifier.Failed("%s did not come back after a restart: %s", q.on, now.RestartError)
	case now.Second == nil:
		return verifier.Crashed("it was not asked again after a restart")
	}
	again := q.judge(then, *now.Second)
	again.Message = "after a restart: " + again.Message
	if again.Said != nil {
		again.Said.Form = "after a restart: " + again.Said.Form
	}
	return again
}

// sqlKeys of the scenario, beside those of the question.
type sqlKeys struct {
	database.Question
	Restart bool `yaml:"restart"` // restart the instance and ask again
}

// sql asks a database a query over a new connection.
type sql struct {
	verifier.Asked
	keys sqlKeys
	q    question[database.Reply]
}

func newSQL(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c := &sql{}
	problems := spec.Settings.Decode(&c.keys)
	dialect, bad := dialects.Choose(spec, c.keys.Dialect)
	problems = append(append(problems, bad...), c.keys.Complete(spec.Settings, dialect, "select 1")...)
	c.Asked = verifier.AskedOf(spec.Name, c.keys.Instance)
	ask := func(ctx context.Context, t verifier.Target) (database.Reply, error) {
		return c.keys.Ask(ctx, dialect, t)
	}
	c.q = question[database.Reply]{on: c.keys.Instance, restart: c.keys.Restart, ask: ask, judge: c.keys.Judge}
	return c, problems
}

// Compares implements verifier.Comparer.
func (c *sql) Compares() bool { return c.keys.Same }

// Observe implements verifier.Check.
func (c *sql) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	s, err := c.q.observe(ctx, t)
	if err != nil {
		return nil, err
	}
	return verifier.Encode("sql", s)
}

// Restarts tells the engine that the business will be down for a moment.
func (c *sql) Restarts() bool { return c.q.restart }

// Judge implements verifier.Check.
func (c *sql) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("sql", before, after, c.q.answer)
}
