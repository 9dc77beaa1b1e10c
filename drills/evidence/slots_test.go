package evidence_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/ci/replay"
)

// A night has the slot that it was planned for in its sealed journal, and the bundle beside when it began. Whoever runs a slot again until it
// passes has all its runs in the bundle, and it is told; what had no slot is known to have none.
func TestSlots(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	got := q.verified(q.exported())
	for _, n := range got.Nights {
		if n.Started.Month()%2 == 0 {
			assert.Nil(t, n.Slot, "nobody said for when it was planned")
		} else {
			require.NotNil(t, n.Slot)
			assert.True(t, n.Slot.Equal(n.Started.Truncate(time.Hour)), "%s", n.Slot)
		}
	}
	for _, d := range got.Drills {
		planned := d.Number%2 == 0 && d.Series == "shop"
		assert.Equal(t, planned, d.Slot != nil, "%s %d", d.Series, d.Number)
		if planned {
			assert.True(t, d.Slot.Equal(d.Started.Truncate(time.Hour)), "%s %s", d.ID, d.Slot)
		}
	}
	assert.NotContains(t, idsOf(got.Notices), "slot_twice")

	at := time.Date(2026, 9, 29, 2, 10, 0, 0, time.UTC)
	for i, vector := range []string{"check-run-too-old", "check-run"} {
		d := replay.NewDrill(vector, "nightly", 10+i, at.Add(time.Duration(20*i)*time.Minute))
		require.NoError(t, d.Write(vectors, q.home))
		id, err := replay.Night(q.home, "nightly", d.Started.Add(-time.Minute), []replay.Drill{d})
		require.NoError(t, err)
		q.log(d.ID, "night "+id)
	}
	got = q.verified(q.exported())
	assert.Empty(t, got.Wrong)
	var told []map[string]string
	for _, n := range got.Notices {
		if n.ID == "audit.slot_twice" {
			told = append(told, n.Args)
		}
	}
	require.Len(t, told, 1)
	last := got.Nights[len(got.Nights)-2:]
	assert.Equal(t, map[string]string{"series": "nightly", "count": "2", "at": "2026-09-29T02:00:00Z",
		"runs": last[0].ID + ", " + last[1].ID}, told[0])
}

// slotted is the journal of a night that says when it was planned to begin.
func (f *forged) slotted() string {
	for _, id := range f.ids {
		if at, night := strings.CutPrefix(id, "night "); night {
			if name := "nights/" + at + "/night.ndjson"; bytes.Contains(f.read(f.path(name)), []byte(`"slot":"`)) {
				return name
			}
		}
	}
	f.t.Fatal("no night has a slot")
	return ""
}
