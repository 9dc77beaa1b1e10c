package service

import (
	"context"
	"fmt"

	"lifeboat/internal/pgquery"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// sqlKeys of the scenario, beside those of the connection and of what is expected.
type sqlKeys struct {
	pgquery.Keys
	pgquery.Expect
	Query   string `yaml:"query"`   // that reads, such as select 1; needed
	Restart bool   `yaml:"restart"` // restart the instance and ask again
}

// sql asks a PostgreSQL server a query over a new connection.
type sql struct {
	verifier.Asked
	keys sqlKeys
	q    question[answer]
}

type answer struct {
	pgquery.Table
	pgquery.Refused
}

func newSQL(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c := &sql{}
	problems := spec.Settings.Decode(&c.keys)
	problems = append(problems, c.keys.Keys.Complete(spec.Settings)...)
	problems = append(problems, c.keys.Expect.Complete(spec.Settings)...)
	if c.keys.Query == "" {
		problems = append(problems, spec.Settings.Problem("query", "query: select 1", "sql asks nothing"))
	}
	c.Asked = verifier.AskedOf(spec.Name, c.keys.Instance)
	c.q = question[answer]{on: c.keys.Instance, restart: c.keys.Restart, ask: c.ask, judge: c.judge}
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

func (c *sql) ask(ctx context.Context, t verifier.Target) (answer, error) {
	server, err := c.keys.Server(t.Dial)
	if err != nil {
		return answer{}, err
	}
	table, err := server.Query(ctx, c.keys.Query)
	no, err := pgquery.Refusal(ctx, err, verifier.SystemFault, verifier.Unasked)
	if err != nil {
		return answer{}, fmt.Errorf("ask %s: %w", c.On(), err)
	}
	return answer{Table: table, Refused: no}, nil
}

func (c *sql) judge(before *answer, now answer) verifier.Answer {
	if now.Error != "" {
		if now.Silent {
			return verifier.Silent(c.keys.Timeout.Std(), "%s: %s", c.On(), now.Error)
		}
		return verifier.Failed("%s: %s", c.On(), now.Error)
	}
	var then *pgquery.Table
	if before != nil {
		then = &before.Table
	}
	wrong, diff := c.keys.Hold(then, now.Table)
	if wrong != "" {
		a := verifier.Failed("%s", wrong)
		a.Diff = diff
		return a
	}
	return verifier.Passed("%s answered %q", c.On(), verifier.Line(now.Text(), 100))
}
