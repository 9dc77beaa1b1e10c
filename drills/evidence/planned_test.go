package evidence_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/ci/replay"
	"lifeboat/drills/evidence"
	"lifeboat/internal/signing"
)

const planned = `programme: shop 2026
drills:
  - {name: the shop comes back, series: shop, every: 25d, by: operations}
  - {name: every backup restores, catalogue: nightly, every: 31d, by: storage}
`

// newPlanned is a quarter whose programme was in the log before it began.
func newPlanned(t testing.TB) *quarter {
	t.Helper()
	q := &quarter{t: t, home: t.TempDir(), key: newKey(t), stranger: newKey(t)}
	q.trust = &signing.Trust{Keys: []signing.Trusted{{Name: "ops", Verifier: q.key.Verifier()}}}
	q.plans(planned, begin.AddDate(0, 0, -1))
	var err error
	q.ids, err = replay.Quarter(vectors, q.home, begin)
	require.NoError(t, err)
	q.log(q.ids...)
	return q
}

func (q *quarter) plans(programme string, at time.Time) string {
	q.t.Helper()
	file := filepath.Join(q.t.TempDir(), "programme.yaml")
	require.NoError(q.t, os.WriteFile(file, []byte(programme), 0o600))
	id, err := evidence.EnterProgramme(q.home, file, evidence.Sealing{Tool: "0.1.0", Build: build, Now: at})
	require.NoError(q.t, err)
	return id
}

// What was planned is held against what was run from the bundle alone: where it was overdue, what was run meanwhile, what people said of it.
func TestPlanned(t *testing.T) {
	t.Parallel()
	q := newPlanned(t)
	id := q.plans(planned, end)
	assert.Equal(t, id, q.plans(planned, end), "one that is in force is not entered again")
	_, err := evidence.Add(context.Background(), q.home, evidence.Addendum{Kind: evidence.RootCause, Drill: q.of("shop", 5), Role: "reviewer",
		Text: "the storage was full"}, evidence.Sealing{Build: build, Now: end}, q.key)
	require.NoError(t, err)
	day := func(n int) time.Time { return begin.AddDate(0, 0, n) }
	got := q.verified(q.exported())
	require.Empty(t, got.Wrong)
	require.Len(t, got.Programmes, 1)
	duties := got.Programmes[0].Duties
	assert.Equal(t, []evidence.Gap{{From: day(26), To: day(31), Runs: []string{q.of("shop", 2), q.of("shop", 3)}},
		{From: day(56), To: day(71), Runs: []string{q.of("shop", 5), q.of("shop", 6), q.of("shop", 7)}, Said: []string{"ops: the storage was full"}}}, duties[0].Gaps)
	assert.Equal(t, []int{8, 3, 3, 0}, []int{duties[0].Runs, duties[0].Passed, duties[1].Runs, duties[1].Passed})
	assert.Equal(t, day(31), duties[1].Gaps[0].From)
	assert.True(t, duties[1].Gaps[0].Open)

	// A bundle of a part of the quarter has the programme that was in force when it began, and shows that it is in the log.
	got = q.verified(q.exported(func(r *evidence.ExportRequest) { r.From = day(40) }))
	require.Empty(t, got.Wrong)
	require.Len(t, got.Programmes, 1)
	assert.Equal(t, day(65), got.Programmes[0].Duties[0].Gaps[0].From, "what passed before is in an earlier bundle")

	// Another one of its name takes its place, and both are told.
	q.plans(planned+"  - {name: more, series: more, every: 1d}\n", end)
	got = q.verified(q.exported(func(r *evidence.ExportRequest) { r.To = end.AddDate(0, 1, 0) }))
	require.Len(t, got.Programmes, 2)
	assert.Equal(t, got.Programmes[1].From, got.Programmes[0].To)
}

// TestManipulatedProgrammes: a plan that was made to fit what was run is found.
func TestManipulatedProgrammes(t *testing.T) {
	t.Parallel()
	q := newPlanned(t)
	pristine := q.exported()
	older := q.read(pristine, "log", "checkpoint")
	id := q.verified(pristine).Programmes[0].ID
	name := "programmes/" + id + "/programme.yaml"
	for what, c := range map[string]struct {
		do   func(f *forged)
		want string
	}{
		"a longer time":             {func(f *forged) { f.edit(name, swap("25d", "40d")) }, "programme_changed"},
		"taken out":                 {func(f *forged) { f.gone("programmes") }, "part_missing"},
		"with its record":           {func(f *forged) { f.gone("programmes"); f.edit("log/leaves.ndjson", withoutLine(id)) }, "leaf_missing"},
		"another beside it":         {func(f *forged) { f.write("programmes/20260601-000000000-aaaaaa/programme.yaml", []byte(planned)) }, "extra_file"},
		"a record of another name":  {func(f *forged) { f.edit("log/leaves.ndjson", swap(`"series":"shop 2026"`, `"series":"shop 2025"`)) }, "leaf_unproved"},
		"said to be of a later day": {func(f *forged) { f.edit("log/leaves.ndjson", swap("2026-06-30T00:00:00Z", "2026-07-30T00:00:00Z")) }, "leaf_unproved"},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			own := *q
			own.t = t
			f := &forged{quarter: &own, dir: t.TempDir(), older: older}
			require.NoError(t, os.CopyFS(f.dir, os.DirFS(pristine)))
			c.do(f)
			found(t, q.trust, f, c.want)
		})
	}
}

// A programme that was written after the period, with a date of before it, is found; a drill that is said to have begun before the period in which it
// was logged is told, since the bundle does not have it.
func TestWrittenAfterwards(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	id := q.plans(planned, end)
	f := &forged{quarter: q, dir: q.home}
	f.edit("log/entries.ndjson", func(log string) string {
		at := strings.Index(log, `"id":"`+id)
		from := strings.LastIndex(log[:at], "\n") + 1
		return log[:from] + strings.Replace(log[from:], `"started":"2026-10-01T`, `"started":"2026-06-30T`, 1)
	})
	assert.Equal(t, []string{"programme_backdated"}, idsOf(q.verified(q.exported()).Wrong))

	d := replay.NewDrill("rollback-failed", "shop", 9, begin.AddDate(0, 0, -3))
	require.NoError(t, d.Write(vectors, q.home))
	require.NoError(t, evidence.LogDrill(q.home, d.ID, evidence.Sealing{Tool: "0.1.0", Build: build, Now: end}))
	got := q.verified(q.exported())
	for _, x := range got.Drills {
		assert.NotEqual(t, d.ID, x.ID)
	}
	assert.Contains(t, idsOf(got.Notices), "drill_earlier")
}
