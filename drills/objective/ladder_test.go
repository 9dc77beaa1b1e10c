package objective

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// TestLadder bends a good check run in one place each: the ladder ends below the rung that this place is of.
func TestLadder(t *testing.T) {
	t.Parallel()
	of := func(bend func(*story)) []Rung {
		s := checkRun()
		bend(s)
		return Ladder(s.record(t))
	}
	good := of(func(*story) {})
	for _, r := range good {
		if r.State != RungReached {
			assert.Equal(t, Rung{Name: r.Name, State: RungUnasked}, r, "nothing is asked of it, and that is all")
		}
	}
	for name, c := range map[string]struct {
		bend  func(*story)
		rung  RungName
		state RungState
	}{
		"a backup that is too old": {func(s *story) {
			edit(s, func(p *record.RestorePoint) {
				p.ConsistentTo, p.Age = p.ConsistentTo.Add(-1000*time.Hour), p.Age+1000*time.Hour
			})
		}, RungFound, RungFailed},
		"nothing lies there": {func(s *story) {
			s.drop(kind(record.KindRestorePoint))
			edit(s, func(x *record.Restored) {
				x.BackupBad, x.Missing, x.Digest = "nothing lies there", &record.Missing{Why: "none"}, ""
			})
		}, RungFound, RungFailed},
		"it is something else": {func(s *story) {
			edit(s, func(x *record.Restored) {
				x.BackupBad, x.Kind, x.Digest = "a page", &record.FileKind{Name: "html"}, ""
			})
		}, RungRead, RungFailed},
		"nobody read it": {func(s *story) {
			edit(s, func(x *record.Restored) { x.Unread, x.Digest = "the store is gone", "" })
		}, RungRead, RungUnasked},
		"it does not restore":    {func(s *story) { edit(s, func(x *record.Restored) { x.BackupBad = "a row is cut" }) }, RungRestored, RungFailed},
		"the image lacks a part": {func(s *story) { edit(s, func(x *record.Restored) { x.ImageBad = "an extension" }) }, RungRestored, RungUnasked},
		"only a part was asked for": {func(s *story) {
			edit(s, func(x *record.Restored) { x.Part = &record.Part{Only: "public.orders", Left: "public.customers"} })
		}, RungRestored, RungUnasked},
		"a part of it is not restored": {func(s *story) { s.h.Instances[0].With = []string{"shop-files"} }, RungFound, RungUnasked},
		"it did not start":             {func(s *story) { s.drop(kind(record.KindBooted)) }, RungStarted, RungUnasked},
		"it was restored, and its machine does not come up": {func(s *story) {
			for i, l := range s.lines {
				if x, ok := l.data.(record.Restored); ok {
					x.BackupBad, x.Digest = "it ended with exit code 1", ""
					l.data = x
					s.lines = slices.Insert(s.lines, i+1, l)
					break
				}
			}
		}, RungStarted, RungFailed},
		"a check of the data failed": {func(s *story) {
			edit(s, func(c *record.CheckResult) {
				if c.Layer == record.LayerData {
					c.Status = record.CheckFailed
				}
			})
		}, RungContent, RungFailed},
		"a check of the data got no answer": {func(s *story) {
			edit(s, func(c *record.CheckResult) {
				if c.Layer == record.LayerData {
					c.Status = record.CheckCrashed
				}
			})
		}, RungContent, RungUnasked},
		"what was seen of the data was held against nothing": {func(s *story) {
			edit(s, func(c *record.CheckResult) { c.Recorded = c.Layer == record.LayerData })
		}, RungContent, RungUnasked},
		"a check of the data was never asked": {func(s *story) {
			s.drop(func(l line) bool { c, ok := l.data.(record.CheckResult); return ok && c.Layer == record.LayerData })
		}, RungContent, RungUnasked},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := of(c.bend)
			for i, r := range got {
				if r.Name == c.rung {
					assert.Equal(t, c.state, r.State, "%+v", got)
					assert.Less(t, Highest(got), i)
				}
			}
		})
	}
	assert.Equal(t, -1, Highest(Ladder(nil)))
	assert.Equal(t, -1, Highest(Ladder(&record.Record{Status: record.RunCompleted})))
	assert.Equal(t, 1, Highest([]Rung{{State: RungReached}, {State: RungReached}, {State: RungUnasked}, {State: RungReached}}), "a rung that was skipped ends it")
}
