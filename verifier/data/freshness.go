package data

import (
	"context"
	"fmt"
	"strings"
	"time"

	"lifeboat/internal/pgquery"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// freshnessKeys of the scenario, beside those of the connection.
type freshnessKeys struct {
	pgquery.Keys
	Table    string             `yaml:"table"`    // with column; or query
	Column   string             `yaml:"column"`   // of table; a time
	Query    string             `yaml:"query"`    // instead: its first column is taken
	MaxAge   scenarios.Duration `yaml:"max_age"`  // that is still fresh; needed
	Against  string             `yaml:"against"`  // now | before (the newest row then) | a time with its zone
	TimeZone string             `yaml:"timezone"` // of a column without one, as PostgreSQL names it: UTC, Asia/Shanghai
}

// freshness asks how old the newest row is.
type freshness struct {
	verifier.Asked
	keys  freshnessKeys
	fixed time.Time // of against
}

type newest struct {
	At     time.Time `json:"at,omitzero"` // of the newest row
	Type   string    `json:"type,omitempty"`
	Asked  time.Time `json:"asked,omitzero"` // by this host's clock
	Answer string    `json:"answer,omitempty"`
	Error  string    `json:"error,omitempty"`
}

const hintAgainst = "against: now, against: before (the newest row before the upgrade), or a time with its zone"

func newFreshness(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &freshness{}, spec.Settings
	problems := s.Decode(&c.keys)
	k := &c.keys
	problems = append(problems, k.Complete(s)...)
	if (k.Query == "") == (k.Table == "") || (k.Table == "") != (k.Column == "") {
		problems = append(problems, s.Problem("query",
			"table: orders with column: created_at, or query: select created_at from orders",
			"want table with column, or query"))
	}
	if k.MaxAge == 0 {
		problems = append(problems, s.Problem("max_age", "max_age: 26h", "freshness needs the age that still is fresh"))
	}
	if k.Against != "now" && k.Against != "before" {
		var err error
		if c.fixed, err = time.Parse(time.RFC3339, k.Against); err != nil {
			problems = append(problems, s.Problem("against", hintAgainst, "freshness needs what the age counts from"))
		}
	}
	c.Asked = verifier.AskedOf(spec.Name, k.Instance)
	return c, problems
}

// Compares implements verifier.Comparer.
func (c *freshness) Compares() bool { return c.keys.Against == "before" }

// query gives the newest time in UTC and the type that it was stored as. table is "" where the scenario has a query.
func (c *freshness) query(table string) string {
	from := pgquery.Within(c.keys.Query)
	if table != "" {
		from = "(select " + pgquery.Identifier(c.keys.Column) + " from " + table + ")"
	}
	return `select to_char(max(v::timestamptz) at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), ` +
		`max(pg_typeof(v)::text) from ` + from + ` as newest(v)`
}

// Observe implements verifier.Check.
func (c *freshness) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	var answer pgquery.Table
	text, err := ask(ctx, t, c.keys.Keys, c.keys.TimeZone, func(ctx context.Context, q *pgquery.Session) (err error) {
		table := ""
		if c.keys.Table != "" {
			table, err = q.Table(ctx, c.keys.Table)
		} else {
			err = q.Look(ctx, c.keys.Query)
		}
		if err == nil {
			answer, err = q.Read(ctx, c.query(table))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	seen := newest{Asked: time.Now().UTC().Truncate(time.Millisecond), Error: text}
	if len(answer.Rows) == 1 && len(answer.Rows[0]) == 2 {
		seen.Answer, seen.Type = answer.Rows[0][0], answer.Rows[0][1]
		if at, err := time.Parse(time.RFC3339, seen.Answer); err == nil {
			seen.At = at
		}
	}
	if c.keys.TimeZone == "" && (strings.HasSuffix(seen.Type, "without time zone") || seen.Type == "date") {
		return nil, fmt.Errorf("the newest time is stored as %s: say which zone it is meant in, timezone: UTC", seen.Type)
	}
	return verifier.Encode("freshness", seen)
}

// Judge implements verifier.Check.
func (c *freshness) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("freshness", before, after, c.judge)
}

// ahead is how far a row may lie in the future: clocks differ.
const ahead = time.Minute

func (c *freshness) judge(before *newest, now newest) verifier.Answer {
	at := now.At.Format(time.RFC3339)
	switch {
	case now.Error != "":
		return verifier.Failed("%s: %s", c.On(), now.Error)
	case now.Asked.IsZero():
		return verifier.Crashed("it is not known when the newest row was asked for")
	case now.Answer == "NULL" && now.Type == "NULL":
		return verifier.Failed("there is no row, so nothing is fresh")
	case now.At.IsZero():
		return verifier.Failed("the newest row has no time: %s", now.Answer)
	case now.At.Sub(now.Asked) > ahead:
		return verifier.Failed("the newest row is of %s, which has not come yet", at)
	}
	reference, of := now.Asked, "the time of the check"
	switch {
	case c.keys.Against == "before" && before == nil:
		return verifier.Passed("recorded: the newest row is of %s", at)
	case c.keys.Against == "before" && before.At.IsZero():
		return verifier.Crashed("no newest row was recorded before the upgrade")
	case c.keys.Against == "before":
		reference, of = before.At, "the newest row before the upgrade"
	case c.keys.Against != "now":
		reference, of = c.fixed, c.keys.Against
	}
	age := reference.Sub(now.At).Round(time.Millisecond)
	if age > c.keys.MaxAge.Std() {
		return verifier.Failed("the newest row is of %s, %s before %s: more than %s", at, age, of, c.keys.MaxAge)
	}
	return verifier.Passed("the newest row is of %s, %s before %s", at, max(age, 0), of)
}
