// Package data holds the checks of the data layer: is the content there, is it
// new enough, is it the same, is it whole.
package data

import (
	"context"
	"strconv"

	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
	"lifeboat/verifier/database/dialects"
)

// rowsKeys of the scenario, beside those of the connection.
type rowsKeys struct {
	database.Keys
	Table   string `yaml:"table"`    // as it is really spelled; schema.table where several schemas have one
	AtLeast *int64 `yaml:"at_least"` // rows; 1 or more
	AtMost  *int64 `yaml:"at_most"`  // rows; 1 or more
	Equals  *int64 `yaml:"equals"`   // the only way to expect an empty table
	Same    bool   `yaml:"same"`     // as many as before the upgrade
	// so many fewer than before the upgrade, of those that where names: which may be lost
	LoseAtMost *int64 `yaml:"lose_at_most"`
	// only the rows that it holds of: created_at < '2026-01-31 10:42Z'
	Where string `yaml:"where"`
}

// rows counts a table.
type rows struct {
	verifier.Asked
	dialect database.Dialect
	keys    rowsKeys
}

type counted struct {
	Rows *int64 `json:"rows,omitempty"`
	database.Refused
}

func newRows(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &rows{}, spec.Settings
	problems := s.Decode(&c.keys)
	d, bad := ofServer(spec, c.keys.Dialect, c.keys.Complete)
	c.dialect, problems = d, append(problems, bad...)
	k := c.keys
	problems = append(problems, s.ProblemIf(k.Table == "", "table", "table: orders", "rows counts no table")...)
	if k.AtLeast == nil && k.AtMost == nil && k.Equals == nil && !k.Same && k.LoseAtMost == nil && len(problems) == 0 {
		problems = append(problems, s.Problem("", "add at_least, at_most, equals, same or lose_at_most", "rows expects nothing"))
	}
	if n := k.LoseAtMost; n != nil && *n < 0 {
		problems = append(problems, s.Problem("lose_at_most", "0: none may be lost", "nobody loses %d rows", *n))
	} else if n != nil && k.Where == "" {
		problems = append(problems, s.Problem("lose_at_most", "where: created_at < the time of the mistake",
			"rows that the flow writes during the drill would make up for those that are lost"))
	}
	for key, n := range map[string]*int64{"at_least": k.AtLeast, "at_most": k.AtMost} {
		if n != nil && *n < 1 {
			problems = append(problems, s.Problem(key, "equals: 0 expects an empty table", "%d rows prove nothing", *n))
		}
	}
	if k.Equals != nil && *k.Equals < 0 {
		problems = append(problems, s.Problem("equals", "", "no table has %d rows", *k.Equals))
	}
	c.Asked = verifier.AskedOf(spec.Name, k.Instance)
	return c, problems
}

// Compares implements verifier.Comparer.
func (c *rows) Compares() bool { return c.keys.Same || c.keys.LoseAtMost != nil }

// Observe implements verifier.Check.
func (c *rows) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	var answer database.Table
	no, err := database.Ask(ctx, c.dialect, t, c.keys.Keys, "", func(ctx context.Context, q database.Session) error {
		table, err := q.Table(ctx, c.keys.Table)
		query := "select count(*) from " + table
		if c.keys.Where != "" && err == nil {
			query += " where (" + c.keys.Where + "\n)" // which may end with a comment
			err = q.Look(ctx, query)
		}
		if err == nil {
			answer, err = database.Read(ctx, q, query)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	seen := counted{Refused: no}
	if n, err := strconv.ParseInt(answer.Text(), 10, 64); err == nil {
		seen.Rows = &n
	}
	return verifier.Encode("rows", seen)
}

// Judge implements verifier.Check.
func (c *rows) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("rows", before, after, c.judge)
}

func (c *rows) judge(before *counted, now counted) verifier.Answer {
	k := c.keys
	switch {
	case now.Error != "":
		return now.Mean(k.Keys, "table "+k.Table+" on "+c.On())
	case now.Rows == nil || *now.Rows < 0:
		return verifier.Crashed("table %s on %s was not counted", k.Table, c.On())
	case *now.Rows == 0 && (k.Equals == nil || *k.Equals != 0):
		return verifier.Failed("table %s on %s is empty", k.Table, c.On())
	case k.Equals != nil && *now.Rows != *k.Equals:
		return verifier.Failed("table %s has %d rows, not %d", k.Table, *now.Rows, *k.Equals)
	case k.AtLeast != nil && *now.Rows < *k.AtLeast:
		return verifier.Failed("table %s has %d rows, fewer than %d", k.Table, *now.Rows, *k.AtLeast)
	case k.AtMost != nil && *now.Rows > *k.AtMost:
		return verifier.Failed("table %s has %d rows, more than %d", k.Table, *now.Rows, *k.AtMost)
	case c.Compares() && before != nil && before.Rows == nil:
		return verifier.Crashed("table %s was not counted before the upgrade", k.Table)
	case k.Same && before != nil && *before.Rows != *now.Rows:
		return verifier.Failed("table %s had %d rows before the upgrade, %d after the rollback",
			k.Table, *before.Rows, *now.Rows)
	case c.Compares() && before == nil:
		return verifier.Passed("recorded: table %s has %d rows", k.Table, *now.Rows)
	case k.LoseAtMost != nil && *before.Rows-*now.Rows > *k.LoseAtMost:
		return verifier.Failed("of %d rows of table %s %d are lost, more than %d", *before.Rows, k.Table, *before.Rows-*now.Rows, *k.LoseAtMost)
	case k.LoseAtMost != nil:
		return verifier.Passed("of %d rows of table %s %d are lost", *before.Rows, k.Table, max(0, *before.Rows-*now.Rows))
	}
	return verifier.Passed("table %s has %d rows", k.Table, *now.Rows)
}

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

var kinds = verifier.Kinds{"checksum": newChecksum, "content": newContent, "etcd": newEtcd, "freshness": newFreshness,
	"profile": newProfile, "redis": newRedis, "rows": newRows, "sql": newSQL, "tree": newTree}

// Kinds of checks that New makes.
func Kinds() []string { return kinds.Names() }

// New makes a check of its part of a scenario. dir is the scenario's folder.
func New(spec scenarios.CheckSpec, dir string) (verifier.Check, []scenarios.Problem) {
	c, problems := kinds.New("data", spec)
	switch c := c.(type) {
	case *profile:
		c.dir = dir
	case *treeCheck:
		c.dir = dir
	}
	return c, problems
}

// ofServer chooses how a check's server is asked, and completes its keys for that.
func ofServer(spec scenarios.CheckSpec, named string, complete func(s scenarios.Settings, d database.Dialect) []scenarios.Problem,
) (database.Dialect, []scenarios.Problem) {
	d, problems := dialects.Choose(spec, named)
	return d, append(problems, complete(spec.Settings, d)...)
}
