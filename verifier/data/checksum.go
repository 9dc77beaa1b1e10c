package data

import (
	"context"
	"fmt"
	"regexp"

	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
)

// checksumKeys of the scenario, beside those of the connection.
type checksumKeys struct {
	database.Keys
	Query      string `yaml:"query"`       // whose whole result is summed, whatever the order of its rows; or
	Table      string `yaml:"table"`       // instead of query: all its columns
	Expect     string `yaml:"expect"`      // sha256:…; default: as before the upgrade
	AllowEmpty bool   `yaml:"allow_empty"` // no row may be the right answer
}

// checksum holds a query's whole result against what it was, whatever the order of its rows.
type checksum struct {
	verifier.Asked
	dialect database.Dialect
	keys    checksumKeys
}

type summed struct {
	Rows   int64  `json:"rows"`
	Digest string `json:"digest,omitempty"`
	database.Refused
}

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

func newChecksum(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &checksum{}, spec.Settings
	problems := s.Decode(&c.keys)
	d, bad := ofServer(spec, c.keys.Dialect, c.keys.Complete)
	c.dialect, problems = d, append(problems, bad...)
	if (c.keys.Query == "") == (c.keys.Table == "") {
		problems = append(problems, s.Problem("query", "query: select id, name from products",
			"want exactly one of query and table"))
	}
	if c.keys.Expect != "" && !digestPattern.MatchString(c.keys.Expect) {
		problems = append(problems, s.Problem("expect", "take it from the report of a drill, or leave it out",
			"%q is not a checksum, sha256: with 64 digits", c.keys.Expect))
	}
	c.Asked = verifier.AskedOf(spec.Name, c.keys.Instance)
	return c, problems
}

// Compares implements verifier.Comparer.
func (c *checksum) Compares() bool { return c.keys.Expect == "" }

// Observe implements verifier.Check.
func (c *checksum) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	var d database.Digest
	no, err := database.Ask(ctx, c.dialect, t, c.keys.Keys, "", func(ctx context.Context, q database.Session) error {
		query, err := c.keys.Query, error(nil)
		if c.keys.Table != "" {
			query, err = q.Table(ctx, c.keys.Table)
			query = "select * from " + query
		} else {
			err = q.Look(ctx, query)
		}
		if err != nil {
			return err
		}
		return q.Ask(ctx, query, d.Columns, d.Row)
	})
	if err != nil {
		return nil, err
	}
	if no.Error != "" {
		return verifier.Encode("checksum", summed{Refused: no})
	}
	return verifier.Encode("checksum", summed{Rows: d.Rows(), Digest: d.String()})
}

// Judge implements verifier.Check.
func (c *checksum) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("checksum", before, after, c.judge)
}

func (c *checksum) judge(before *summed, now summed) verifier.Answer {
	switch {
	case now.Error != "":
		return now.Mean(c.keys.Keys, c.On())
	case !digestPattern.MatchString(now.Digest) || now.Rows < 0:
		return verifier.Crashed("no checksum was taken")
	case now.Rows == 0 && !c.keys.AllowEmpty:
		return verifier.Failed("no row came back: there is nothing to compare")
	case c.keys.Expect != "" && now.Digest != c.keys.Expect:
		return verifier.Failed("%d rows with %s, not %s", now.Rows, now.Digest, c.keys.Expect)
	case c.keys.Expect != "":
		return verifier.Passed("%d rows as expected, %s", now.Rows, now.Digest)
	case before == nil:
		return verifier.Passed("recorded: %d rows, %s", now.Rows, now.Digest)
	case !digestPattern.MatchString(before.Digest):
		return verifier.Crashed("no checksum was taken before the upgrade")
	case before.Digest != now.Digest || before.Rows != now.Rows:
		a := verifier.Failed("the content differs from before the upgrade: %d rows then, %d now", before.Rows, now.Rows)
		a.Diff = []string{fmt.Sprintf("%d rows, %s before", before.Rows, before.Digest),
			fmt.Sprintf("%d rows, %s after the rollback", now.Rows, now.Digest)}
		return a
	}
	return verifier.Passed("%d rows, the same as before the upgrade", now.Rows)
}
