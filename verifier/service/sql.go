package service

import (
	"context"

	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
	"lifeboat/verifier/database/dialects"
)

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
