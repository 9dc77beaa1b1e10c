package data

import (
	"context"

	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
)

// sql holds an invariant of the data: a query with a known answer.
type sql struct {
	verifier.Asked
	dialect database.Dialect
	keys    sqlKeys
}

// sqlKeys of the scenario.
type sqlKeys struct{ database.Question }

func newSQL(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c := &sql{}
	problems := spec.Settings.Decode(&c.keys)
	d, bad := ofServer(spec, c.keys.Dialect, func(s scenarios.Settings, d database.Dialect) []scenarios.Problem {
		return c.keys.Complete(s, d, "select count(*) from orders")
	})
	c.dialect, problems = d, append(problems, bad...)
	c.Asked = verifier.AskedOf(spec.Name, c.keys.Instance)
	return c, problems
}

// Compares implements verifier.Comparer.
func (c *sql) Compares() bool { return c.keys.Same }

// Observe implements verifier.Check.
func (c *sql) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	reply, err := c.keys.Ask(ctx, c.dialect, t)
	if err != nil {
		return nil, err
	}
	return verifier.Encode("sql", reply)
}

// Judge implements verifier.Check.
func (c *sql) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("sql", before, after, c.keys.Judge)
}
