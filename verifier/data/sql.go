package data

import (
	"context"

	"lifeboat/internal/pgquery"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// sqlKeys of the scenario, beside those of the connection and of what is expected.
type sqlKeys struct {
	pgquery.Keys
	pgquery.Expect
	Query string `yaml:"query"` // that reads; needed
}

// sql holds an invariant of the data: a query with a known answer.
type sql struct {
	verifier.Asked
	keys sqlKeys
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
		problems = append(problems, spec.Settings.Problem("query", "query: select count(*) from orders", "sql asks nothing"))
	}
	c.Asked = verifier.AskedOf(spec.Name, c.keys.Instance)
	return c, problems
}

// Compares implements verifier.Comparer.
func (c *sql) Compares() bool { return c.keys.Same }

// Observe implements verifier.Check.
func (c *sql) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	var table pgquery.Table
	no, err := ask(ctx, t, c.keys.Keys, "", func(ctx context.Context, q *pgquery.Session) (err error) {
		if err = q.Look(ctx, c.keys.Query); err == nil {
			table, err = q.Read(ctx, c.keys.Query)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return verifier.Encode("sql", answer{Table: table, Refused: no})
}

// Judge implements verifier.Check.
func (c *sql) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("sql", before, after, c.judge)
}

func (c *sql) judge(before *answer, now answer) verifier.Answer {
	if now.Error != "" {
		return refused(now.Refused, c.keys.Keys, c.On())
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
