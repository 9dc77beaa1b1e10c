package data

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
)

// freshnessKeys of the scenario, beside those of the connection.
type freshnessKeys struct {
	database.Keys
	Table    string             `yaml:"table"`    // with column; or query
	Column   string             `yaml:"column"`   // of table; a time
	Query    string             `yaml:"query"`    // instead: its first column is taken
	MaxAge   scenarios.Duration `yaml:"max_age"`  // that is still fresh; needed
	Against  string             `yaml:"against"`  // now | before (the newest row then) | a time with its zone
	TimeZone string             `yaml:"timezone"` // of a column without one, as PostgreSQL names it; default: the backup's
}

// freshness asks how old the newest row is that the backup can have brought.
type freshness struct {
	verifier.Asked
	dialect database.Dialect
	keys    freshnessKeys
	fixed   time.Time // of against
}

type newest struct {
	At     time.Time `json:"at,omitzero"`   // of the newest row; without a zone as if it were in UTC
	Past   time.Time `json:"past,omitzero"` // of the newest row from before the drill; zero: none, or not known
	Type   string    `json:"type,omitempty"`
	Zone   string    `json:"zone,omitempty"` // in which a type without one was read; empty: nobody knows
	Asked  time.Time `json:"asked,omitzero"` // by this host's clock
	Began  time.Time `json:"began,omitzero"` // the drill, likewise
	Answer string    `json:"answer,omitempty"`
	database.Refused
}

// local tells whether the times are readings of a clock in a zone that nobody knows.
func (n newest) local() bool {
	return n.Zone == "" && (strings.HasSuffix(n.Type, "without time zone") || n.Type == "date")
}

const hintAgainst = "against: now, against: before (the newest row before the upgrade), or a time with its zone"

func newFreshness(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &freshness{}, spec.Settings
	problems := s.Decode(&c.keys)
	k := &c.keys
	d, bad := ofServer(spec, k.Dialect, k.Complete)
	c.dialect, problems = d, append(problems, bad...)
	if (k.Query == "") == (k.Table == "") || (k.Table == "") != (k.Column == "") {
		problems = append(problems, s.Problem("query",
			"table: orders with column: created_at, or query: select created_at from orders",
			"want table with column, or query"))
	}
	problems = append(problems, s.ProblemIf(k.MaxAge == 0, "max_age", "max_age: 26h", "freshness needs the age that still is fresh")...)
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

// Ages implements verifier.Aging.
func (c *freshness) Ages() bool { return c.keys.Against == "now" }

// Observe implements verifier.Check.
func (c *freshness) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	seen := newest{Zone: c.keys.TimeZone}
	if times, ok := t.(verifier.Times); ok {
		seen.Began, seen.Zone = times.Began().UTC().Truncate(time.Millisecond), cmp.Or(seen.Zone, times.Zone(c.On()))
	}
	var answer database.Table
	no, err := database.Ask(ctx, c.dialect, t, c.keys.Keys, seen.Zone, func(ctx context.Context, q database.Session) (err error) {
		table, of := "", c.keys.Query
		if c.keys.Table != "" {
			of = c.keys.Column
			table, err = q.Table(ctx, c.keys.Table)
		} else {
			err = q.Look(ctx, c.keys.Query)
		}
		if err == nil {
			answer, err = c.dialect.Newest(ctx, q, table, of, seen.Began)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	seen.Asked, seen.Refused = time.Now().UTC().Truncate(time.Millisecond), no
	if len(answer.Rows) == 1 && len(answer.Rows[0]) == 3 {
		row := answer.Rows[0]
		seen.Answer, seen.Type = row[0], row[1]
		if at, err := time.Parse(time.RFC3339, row[0]); err == nil {
			seen.At = at
		}
		if at, err := time.Parse(time.RFC3339, row[2]); err == nil && !seen.local() {
			seen.Past = at
		}
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
	switch {
	case now.Error != "":
		return now.Mean(c.keys.Keys, c.On())
	case now.Asked.IsZero():
		return verifier.Crashed("it is not known when the newest row was asked for")
	case now.Answer == "NULL" && now.Type == "NULL":
		return verifier.Failed("there is no row, so nothing is fresh")
	case now.At.IsZero():
		return verifier.Failed("the newest row has no time: %s", now.Answer)
	case now.At.Sub(now.Asked) > now.doubt()+ahead:
		return verifier.Failed("the newest row is of %s, which has not come yet%s", now.show(now.At), now.anywhere())
	}
	row, ok := now.row()
	if !ok {
		return verifier.Failed("the newest row is of %s, written during the drill, and there is none from before it",
			now.show(now.At))
	}
	doubt, reference, of := now.doubt(), now.Asked, asOf{"%s before the time of the check", "%s after the time of the check", nil}
	switch {
	case c.keys.Against == "before" && before == nil:
		return verifier.Passed("recorded: the newest row is of %s", now.show(row))
	case c.keys.Against == "before":
		was, ok := before.row()
		if !ok {
			return verifier.Crashed("no newest row was recorded before the upgrade")
		}
		reference = was
		of = asOf{"%s before the newest row before the upgrade", "%s after the newest row before the upgrade", nil}
		if before.local() && now.local() {
			doubt = 0 // in one zone, whichever it is
		} else {
			doubt = max(doubt, before.doubt())
		}
	case c.keys.Against != "now":
		reference, of = c.fixed, asOf{"%s before %s", "%s after %s", []any{c.keys.Against}}
	}
	return c.hold(now, row, reference, doubt, of)
}

// asOf are the forms of how far a row lies from what it is held against.
type asOf struct {
	before, after string
	at            []any
}

func (o asOf) say(form string, far time.Duration) string {
	return fmt.Sprintf(form, append([]any{far}, o.at...)...)
}

// hold judges the age of a row that is right to within a doubt.
func (c *freshness) hold(now newest, row, reference time.Time, doubt time.Duration, of asOf) verifier.Answer {
	age, limit := reference.Sub(row).Round(time.Millisecond), c.keys.MaxAge.Std()
	span, at := of.say(of.before, age), now.show(row)
	if age < 0 {
		span = of.say(of.after, -age)
	}
	switch {
	case -age > scenarios.WidestZone && c.keys.Against != "before": // since then rows may have been written
		return verifier.Failed("the newest row is of %s, %s: they cannot both be true, in no time zone", at, span)
	case age-doubt > limit:
		return verifier.Failed("the newest row is of %s, %s: more than %s%s", at, span, c.keys.MaxAge, now.anywhere())
	case age+doubt > limit, age-doubt < -ahead && doubt > 0:
		return verifier.Crashed("the newest row is of %s, %s, stored as %s: in which zone? add timezone: to the check, "+
			"or to the backup", at, span, now.Type)
	}
	return verifier.Passed("the newest row is of %s, %s", at, span)
}

// row is the newest that says something of the backup: none that the drill itself had written.
func (n newest) row() (at time.Time, ok bool) {
	if n.Began.IsZero() || n.local() || !n.At.After(n.Began) {
		return n.At, !n.At.IsZero()
	}
	return n.Past, !n.Past.IsZero()
}

// doubt is how far a time may be from what it is taken for.
func (n newest) doubt() time.Duration {
	if n.local() {
		return scenarios.WidestZone
	}
	return 0
}

func (n newest) anywhere() string {
	if n.local() {
		return ", in no time zone"
	}
	return ""
}

// show writes a time as it was read.
func (n newest) show(at time.Time) string {
	switch {
	case n.local():
		return at.Format(time.DateTime)
	case n.Zone != "" && !strings.HasSuffix(n.Type, "with time zone"):
		return at.Format(time.RFC3339) + " (" + n.Zone + ")"
	}
	return at.Format(time.RFC3339)
}
