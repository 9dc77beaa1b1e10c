package reports

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// The head of a comparison says which way back failed.
func TestTheWayBackThatFailed(t *testing.T) {
	in := func(id int, rollback record.RollbackState, back bool) record.Incident {
		i := record.Incident{ID: id, T0: at(s), T3: at(2 * s), Rollback: rollback}
		if back {
			i.T7 = at(9 * s)
		}
		return i
	}
	steps := []string{"boot db"}
	r := &record.Record{Header: record.Header{Incidents: []record.IncidentPlan{{ID: 1, Name: "snapshot", Rollback: steps},
		{ID: 2, Name: "old kernel", Rollback: steps}, {ID: 3, Name: "rebuild", Rollback: steps}}}}
	for _, c := range []struct {
		incidents []record.Incident
		status    record.Status
		en, zh    string
	}{
		{[]record.Incident{in(1, "done", true), in(2, "failed", false)}, record.StatusFailed,
			"Of 3 ways back, “old kernel” did not bring everything back; “snapshot” did; not tried: “rebuild”.",
			"共 3 种回退方式，“old kernel”未能完全恢复；“snapshot”已恢复；未尝试：“rebuild”。"},
		{[]record.Incident{in(1, "done", true), in(2, "done", true), in(3, "done", false)}, record.StatusFailed,
			"Of 3 ways back, “rebuild” did not bring everything back; “snapshot”, “old kernel” did.", ""},
		{[]record.Incident{in(1, "done", true), in(2, "done", true), in(3, "done", true)}, record.StatusFailed, "", ""},
		{[]record.Incident{in(1, "done", true), in(2, "failed", false)}, record.StatusPassed, "", ""},
	} {
		r.Incidents = c.incidents
		a := author{c: Messages(), l: English, r: r, v: record.Verdict{Status: c.status}}
		assert.Equal(t, c.en, a.ways())
		if a.l = Chinese; c.zh != "" {
			assert.Equal(t, c.zh, a.ways())
		}
	}
}
