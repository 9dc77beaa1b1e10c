package data

import (
	"encoding/json"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
	"lifeboat/verifier/verifiertest"
)

var every = map[string]string{
	"rows":      `{on: db, table: orders, at_least: 1}`,
	"sql":       `{on: db, query: select 1, expect: "1"}`,
	"content":   `{on: db}`,
	"checksum":  `{on: db, table: orders}`,
	"freshness": `{on: db, table: orders, column: at, max_age: 1h, against: now}`,
	"profile":   `{on: db}`,
	"redis":     `{on: db}`,
	"etcd":      `{on: db}`,
	"tree":      `{on: db}`,
}

func TestEveryKind(t *testing.T) {
	for _, kind := range Kinds() {
		t.Run(kind, func(t *testing.T) { verifiertest.NeverPasses(t, New, kind, every[kind]) })
	}
	more := map[string]string{"redis": `{on: db, key: a, ttl: none}`, "etcd": `{on: db, key: a, revision: 7}`,
		"rows":     `{on: db, table: o, lose_at_most: 5, where: "id < 9", at_most: 5}`,
		"sql":      `{on: db, query: x, same: true}`,
		"checksum": `{on: db, query: x, allow_empty: true}`, "freshness": `{on: db, query: x, max_age: 1h, against: before}`}
	for kind, keys := range more {
		t.Run(kind+" compared", func(t *testing.T) { verifiertest.NeverPasses(t, New, kind, keys) })
	}
	_, problems := New(verifiertest.Spec(t, "tcp", "{}"), "")
	assert.Len(t, problems, 1)
}

func FuzzJudge(f *testing.F) { verifiertest.Fuzz(f, New, maps.Clone(every)) }

func TestKeys(t *testing.T) {
	for name, c := range map[string]struct {
		kind, keys string
		want       []string
	}{
		"rows expects nothing": {"rows", `{on: db, table: a}`, []string{"rows expects nothing"}},
		"rows of zero":         {"rows", `{on: db, table: a, at_least: 0}`, []string{"at_least: 0 rows prove nothing"}},
		"rows without table":   {"rows", `{on: db, same: true}`, []string{"table: rows counts no table"}},
		"rows of the flow": {"rows", `{on: db, table: a, lose_at_most: 3}`,
			[]string{"lose_at_most: rows that the flow writes during the drill would make up for those that are lost"}},
		"rows below none": {"rows", `{on: db, table: a, lose_at_most: -1, where: "true"}`, []string{"lose_at_most: nobody loses -1 rows"}},
		"port": {"rows", `{on: db, table: a, same: true, port: 70000}`,
			[]string{"port: 70000 is not a port"}},
		"two sources": {"checksum", `{on: db, table: a, query: b}`,
			[]string{"query: want exactly one of query and table"}},
		"no checksum": {"checksum", `{on: db, table: a, expect: abc}`,
			[]string{`expect: "abc" is not a checksum, sha256: with 64 digits`}},
		"no age": {"freshness", `{on: db, query: a, against: now}`,
			[]string{"max_age: freshness needs the age that still is fresh"}},
		"age against what": {"freshness", `{on: db, query: a, max_age: 1h}`,
			[]string{"against: freshness needs what the age counts from"}},
		"column without table": {"freshness", `{on: db, query: a, column: b, max_age: 1h, against: now}`,
			[]string{"query: want table with column, or query"}},
		"no unit": {"freshness", `{on: db, query: a, max_age: 60, against: now}`,
			[]string{"max_age: 60 has no unit", "max_age: freshness needs the age that still is fresh"}},
		"no instance": {"sql", `{query: select 1, expect: "1"}`, []string{"on: sql asks an instance"}},
		"no query":    {"sql", `{on: db, expect: "1"}`, []string{"query: sql asks nothing"}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, verifiertest.Problems(t, New, c.kind, c.keys)) })
	}
}

// judged judges facts given as Go values.
func judged(t *testing.T, kind, keys string, before, after any) verifier.Answer {
	t.Helper()
	encode := func(v any) verifier.Facts {
		if v == nil {
			return nil
		}
		f, err := verifier.Encode(kind, v)
		require.NoError(t, err)
		return f
	}
	return verifiertest.Make(t, New, kind, keys).Judge(encode(before), encode(after))
}

func TestJudgeRows(t *testing.T) {
	of := func(n int64) counted { return counted{Rows: &n} }
	for name, c := range map[string]struct {
		keys   string
		before any
		after  counted
		status record.CheckStatus
		says   string
	}{
		"enough":          {"at_least: 3", nil, of(3), "passed", "table o has 3 rows"},
		"too few":         {"at_least: 3", nil, of(2), "failed", "table o has 2 rows, fewer than 3"},
		"too many":        {"at_most: 3", nil, of(4), "failed", "table o has 4 rows, more than 3"},
		"empty":           {"at_most: 3", nil, of(0), "failed", "table o on db is empty"},
		"empty as wanted": {"equals: 0", nil, of(0), "passed", "table o has 0 rows"},
		"not equal":       {"equals: 0", nil, of(1), "failed", "table o has 1 rows, not 0"},
		"refused": {"at_least: 1", nil, counted{Refused: database.Refused{Error: "permission denied"}}, "failed",
			"table o on db: permission denied"},
		"not counted": {"at_least: 1", nil, counted{}, "crashed", "table o on db was not counted"},
		"negative":    {"at_least: 1", nil, of(-5), "crashed", "table o on db was not counted"},
		"recorded":    {"same: true", nil, of(7), "passed", "recorded: table o has 7 rows"},
		"the same":    {"same: true", of(7), of(7), "passed", "table o has 7 rows"},
		"lost": {"same: true", of(7), of(6), "failed",
			"table o had 7 rows before the upgrade, 6 after the rollback"},
		"both empty": {"same: true", of(0), of(0), "failed", "table o on db is empty"},
		"before was not counted": {"same: true", counted{Refused: database.Refused{Error: "x"}}, of(6), "crashed",
			"table o was not counted before the upgrade"},
		"fewer than may be lost": {"lose_at_most: 2, where: id < 9", of(9), of(7), "passed", "of 9 rows of table o 2 are lost"},
		"more than may be lost":  {"lose_at_most: 1, where: id < 9", of(9), of(7), "failed", "of 9 rows of table o 2 are lost, more than 1"},
		"none is lost":           {"lose_at_most: 0, where: id < 9", of(9), of(9), "passed", "of 9 rows of table o 0 are lost"},
		"lost of what": {"lose_at_most: 0, where: id < 9", counted{Refused: database.Refused{Error: "x"}}, of(9), "crashed",
			"table o was not counted before the upgrade"},
		"every condition counts": {"at_least: 1, at_most: 9, same: true", of(5), of(5), "passed", "table o has 5 rows"},
		"every condition counts2": {"at_least: 1, at_most: 4, same: true", of(5), of(5), "failed",
			"table o has 5 rows, more than 4"},
	} {
		t.Run(name, func(t *testing.T) {
			a := judged(t, "rows", "{on: db, table: o, "+c.keys+"}", c.before, c.after)
			assert.Equal(t, c.status, a.Status)
			assert.Equal(t, c.says, a.Message)
		})
	}
}

func TestJudgeChecksum(t *testing.T) {
	one, two := "sha256:"+fmt.Sprintf("%064x", 1), "sha256:"+fmt.Sprintf("%064x", 2)
	for name, c := range map[string]struct {
		keys   string
		before any
		after  summed
		status record.CheckStatus
	}{
		"recorded":           {"", nil, summed{Rows: 3, Digest: one}, "passed"},
		"the same":           {"", summed{Rows: 3, Digest: one}, summed{Rows: 3, Digest: one}, "passed"},
		"another":            {"", summed{Rows: 3, Digest: one}, summed{Rows: 3, Digest: two}, "failed"},
		"other rows":         {"", summed{Rows: 3, Digest: one}, summed{Rows: 4, Digest: one}, "failed"},
		"no rows":            {"", summed{Rows: 0, Digest: one}, summed{Rows: 0, Digest: one}, "failed"},
		"no rows, allowed":   {", allow_empty: true", summed{Digest: one}, summed{Digest: one}, "passed"},
		"no digest":          {"", nil, summed{Rows: 3}, "crashed"},
		"no digest before":   {"", summed{Rows: 3}, summed{Rows: 3, Digest: one}, "crashed"},
		"refused":            {"", nil, summed{Refused: database.Refused{Error: "no such table"}}, "failed"},
		"refused before":     {"", summed{Refused: database.Refused{Error: "no such table"}}, summed{Rows: 3, Digest: one}, "crashed"},
		"expected":           {", expect: '" + one + "'", nil, summed{Rows: 3, Digest: one}, "passed"},
		"not expected":       {", expect: '" + one + "'", nil, summed{Rows: 3, Digest: two}, "failed"},
		"expected, no rows":  {", expect: '" + one + "'", nil, summed{Rows: 0, Digest: one}, "failed"},
		"expected, negative": {", expect: '" + one + "'", nil, summed{Rows: -1, Digest: one}, "crashed"},
	} {
		t.Run(name, func(t *testing.T) {
			a := judged(t, "checksum", "{on: db, table: o"+c.keys+"}", c.before, c.after)
			assert.Equal(t, c.status, a.Status, a.Message)
		})
	}
}

// What is fresh now need not be later, and what was so old at some moment is for ever.
func TestFreshnessAges(t *testing.T) {
	for against, want := range map[string]bool{"now": true, "before": false, "2026-03-01T12:00:00Z": false} {
		check := verifiertest.Make(t, New, "freshness", "{on: db, user: u, table: o, column: at, max_age: 1h, against: '"+against+"'}")
		assert.Equal(t, want, check.(verifier.Aging).Ages(), against)
	}
}

func TestJudgeFreshness(t *testing.T) {
	asked := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	at := func(ago time.Duration) newest {
		return newest{At: asked.Add(-ago), Asked: asked, Answer: "x", Type: "timestamp with time zone"}
	}
	local := func(ago time.Duration, zone string) newest {
		return newest{At: asked.Add(-ago), Asked: asked, Answer: "x", Type: "timestamp without time zone", Zone: zone}
	}
	drilled := func(ago, past time.Duration) newest { // a row of the drill, and one from before it; 0: none
		n := at(ago)
		if n.Began = asked.Add(-10 * time.Minute); past > 0 {
			n.Past = asked.Add(-past)
		}
		return n
	}
	for name, c := range map[string]struct {
		against string
		before  any
		after   newest
		status  record.CheckStatus
	}{
		"just fresh":         {"now", nil, at(time.Hour), "passed"},
		"stale":              {"now", nil, at(time.Hour + time.Millisecond), "failed"},
		"clock a bit ahead":  {"now", nil, at(-30 * time.Second), "passed"},
		"from the future":    {"now", nil, at(-2 * time.Minute), "failed"},
		"no row":             {"now", nil, newest{Asked: asked, Answer: "NULL", Type: "NULL"}, "failed"},
		"rows without time":  {"now", nil, newest{Asked: asked, Answer: "NULL", Type: "date"}, "failed"},
		"infinity":           {"now", nil, newest{Asked: asked, Answer: "infinity", Type: "date"}, "failed"},
		"not asked":          {"now", nil, newest{At: asked}, "crashed"},
		"refused":            {"now", nil, newest{Asked: asked, Refused: database.Refused{Error: "no such column"}}, "failed"},
		"recorded":           {"before", nil, at(99 * time.Hour), "passed"},
		"as before":          {"before", at(99 * time.Hour), at(100 * time.Hour), "passed"},
		"older than before":  {"before", at(99 * time.Hour), at(101 * time.Hour), "failed"},
		"nothing before":     {"before", newest{Asked: asked, Answer: "NULL"}, at(time.Hour), "crashed"},
		"a fixed time":       {"2026-03-01T12:30:00Z", nil, at(30 * time.Minute), "passed"},
		"before a fixed one": {"2026-03-01T12:30:00Z", nil, at(31 * time.Minute), "failed"},

		"8 h after a fixed one":         {"2026-03-01T03:00:00Z", nil, at(time.Hour), "passed"},
		"two days after a fixed one":    {"2026-02-27T12:00:00Z", nil, at(0), "failed"},
		"newer than before":             {"before", at(99 * time.Hour), at(time.Hour), "passed"},
		"local, fresh in some zone":     {"now", nil, local(time.Hour, ""), "crashed"},
		"local, 8 h ahead":              {"now", nil, local(-8*time.Hour, ""), "crashed"},
		"local, ahead in any zone":      {"now", nil, local(-15*time.Hour, ""), "failed"},
		"local, old in any zone":        {"now", nil, local(16*time.Hour, ""), "failed"},
		"local, after a fixed one":      {"2026-03-01T04:00:00Z", nil, local(0, ""), "crashed"},
		"local, two days after it":      {"2026-02-27T12:00:00Z", nil, local(0, ""), "failed"},
		"local, zone known":             {"now", nil, local(time.Hour, "UTC"), "passed"},
		"local, zone known, ahead":      {"now", nil, local(-8*time.Hour, "UTC"), "failed"},
		"local, both times":             {"before", local(99*time.Hour, ""), local(100*time.Hour, ""), "passed"},
		"local, both times, older":      {"before", local(99*time.Hour, ""), local(101*time.Hour, ""), "failed"},
		"local, before in a zone":       {"before", at(99 * time.Hour), local(99*time.Hour, ""), "crashed"},
		"a date":                        {"now", nil, newest{At: asked, Asked: asked, Answer: "x", Type: "date"}, "crashed"},
		"written by the drill":          {"now", nil, drilled(time.Minute, 2*time.Hour), "failed"},
		"written by the drill, fresh":   {"now", nil, drilled(time.Minute, 50*time.Minute), "passed"},
		"all written by the drill":      {"now", nil, drilled(time.Minute, 0), "failed"},
		"written since, before as well": {"before", drilled(time.Minute, 9*time.Hour), drilled(0, 11*time.Hour), "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			a := judged(t, "freshness", "{on: db, query: q, max_age: 1h, against: '"+c.against+"'}", c.before, c.after)
			assert.Equal(t, c.status, a.Status, a.Message)
		})
	}
}

func TestJudgeSQL(t *testing.T) {
	table := func(v string) map[string]any { return map[string]any{"rows": [][]string{{v}}} }
	verifiertest.Says(t, verifier.Passed(`db answered "1"`), judged(t, "sql", `{on: db, query: q, expect: "1"}`, nil,
		table("1")))
	verifiertest.Says(t, verifier.Failed(`the answer is "2", not "1"`), judged(t, "sql", `{on: db, query: q, expect: "1"}`,
		nil, table("2")))
	verifiertest.Says(t, verifier.Failed("db: refused"), judged(t, "sql", `{on: db, query: q, expect: "1"}`, nil,
		map[string]any{"rows": nil, "error": "refused"}))
	a := judged(t, "sql", `{on: db, query: q, same: true}`, table("1"), table("2"))
	assert.Equal(t, record.CheckFailed, a.Status)
	assert.Equal(t, []string{`row 1: "1" before, "2" after the rollback`}, a.Diff)
	c := verifiertest.Make(t, New, "sql", `{on: db, query: q, same: true}`)
	facts, err := json.Marshal(map[string]any{"kind": "sql", "seen": table("1")})
	require.NoError(t, err)
	assert.Equal(t, record.CheckCrashed, verifier.Judge(c, "after", nil, facts).Status)
}

// A question without an answer in its time says so apart, so that a busy host can be told from a server that says no.
func TestSilentIsTold(t *testing.T) {
	k := database.Keys{Timeout: scenarios.Duration(30 * time.Second)}
	silent := database.Refused{Error: "no answer in time", Silent: true}.Mean(k, "db")
	assert.Equal(t, 30*time.Second, silent.Late)
	assert.Equal(t, record.CheckFailed, silent.Status)
	assert.Zero(t, database.Refused{Error: "no such table"}.Mean(k, "db").Late)
}
