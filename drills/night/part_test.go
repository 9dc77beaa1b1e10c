package night

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// TestPartIsNoProof: a backup of which a part was restored does not stand proved, whatever stood beside it.
func TestPartIsNoProof(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	at := func(ago time.Duration, part *record.Part, all ...record.Status) *Night {
		n := &Night{Header: Header{Build: "1"}}
		for _, s := range all {
			n.Proofs = append(n.Proofs, Proof{Planned: Planned{Backup: "a"}, Status: s, Started: now.Add(-ago), Drill: "drill", Part: part})
			part = nil // of the first alone
		}
		return n
	}
	part := &record.Part{Only: "x"}
	for name, c := range map[string]struct {
		nights []*Night
		want   State
	}{
		"a part":                      {[]*Night{at(time.Hour, part, record.StatusPassed)}, InPart},
		"a part of one of its points": {[]*Night{at(time.Hour, part, record.StatusPassed, record.StatusPassed)}, InPart},
		"a part, and failed since":    {[]*Night{at(9*time.Hour, part, record.StatusPassed), at(time.Hour, nil, record.StatusFailed)}, Failed},
		"a part that failed":          {[]*Night{at(time.Hour, part, record.StatusFailed)}, Failed},
		"a part, and whole since":     {[]*Night{at(9*time.Hour, part, record.StatusPassed), at(time.Hour, nil, record.StatusPassed)}, Proved},
		"whole, and a part since":     {[]*Night{at(9*time.Hour, nil, record.StatusPassed), at(time.Hour, part, record.StatusPassed)}, InPart},
		"a part, long ago":            {[]*Night{at(27*time.Hour, part, record.StatusPassed)}, Overdue},
	} {
		assert.Equal(t, c.want, Stand(planned("a"), c.nights, "1", 26*time.Hour, now)[0].State, name)
	}
	assert.True(t, at(0, part, record.StatusPassed).Partial())
	assert.False(t, at(0, part, record.StatusFailed).Partial(), "it is not proved in part either")
	r := &record.Record{Restores: []record.RestoreFact{{Restored: record.Restored{Backup: "a", Part: part}}, {Restored: record.Restored{Backup: "a"}}}} // the second of a way back
	assert.Equal(t, part, ProofOf(Planned{Backup: "a"}, r, record.Verdict{}).Part)
	assert.Nil(t, ProofOf(Planned{Backup: "b"}, r, record.Verdict{}).Part)
	assert.False(t, at(0, nil, record.StatusPassed).Partial())
}
