package reports

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// What the verdict's rules leave standing is named, in both languages, and only where it is so.
func TestWeaknesses(t *testing.T) {
	t.Parallel()
	said := func(form string, args ...any) record.CheckResult {
		s := record.SaidOf(form, args...)
		return record.CheckResult{Name: "orders", Layer: record.LayerData, Said: s, Message: s.English()}
	}
	restored := func(during, backup, digest string) record.RestoreFact {
		return record.RestoreFact{Subject: record.Subject{Instance: "db"},
			Restored: record.Restored{Backup: backup, Point: "p", Digest: digest, During: during}}
	}
	week := 7 * 24 * time.Hour
	for name, c := range map[string]struct {
		bend func(r *record.Record, v *record.Verdict)
		want []string
	}{
		"none":              {func(*record.Record, *record.Verdict) {}, nil},
		"a limit of a week": {func(_ *record.Record, v *record.Verdict) { v.Objectives[0].Limit = week }, []string{"weak.limit"}},
		"just below it":     {func(_ *record.Record, v *record.Verdict) { v.Objectives[0].Limit = week - 1 }, nil},
		"an age of a week":  {func(_ *record.Record, v *record.Verdict) { v.Objectives[0].Name, v.Objectives[0].Limit = "age", week }, nil},
		"no limit at all": {func(_ *record.Record, v *record.Verdict) {
			v.Objectives[0].Limit, v.Objectives[0].Unlimited = week, true
		}, nil},
		"it failed anyway": {func(_ *record.Record, v *record.Verdict) { v.Objectives[0].Limit, v.Status = week, record.StatusFailed }, nil},
		"a word for a reason": {func(_ *record.Record, v *record.Verdict) {
			v.Excluded = []record.Excluded{{Layer: record.LayerBusiness, Reason: "n/a"}}
		}, []string{"weak.excluded"}},
		"two characters for a reason": {func(_ *record.Record, v *record.Verdict) {
			v.Excluded = []record.Excluded{{Layer: record.LayerBusiness, Reason: "不用"}}
		}, []string{"weak.excluded"}},
		"a reason": {func(_ *record.Record, v *record.Verdict) {
			v.Excluded = []record.Excluded{{Layer: record.LayerBusiness, Reason: "没有业务流程"}, {Layer: record.LayerSystem, Reason: "no system of its own"}}
		}, nil},
		"rows are counted": {func(r *record.Record, _ *record.Verdict) {
			r.Checks = []record.CheckResult{said("table %s has %d rows", "orders", 7)}
		}, []string{"weak.asks_little"}},
		"rows are compared": {func(r *record.Record, _ *record.Verdict) {
			r.Checks = []record.CheckResult{said("table %s has %d rows", "orders", 7), said("%d rows, the same as before the upgrade", 7)}
		}, nil},
		"nothing was upgraded": {func(r *record.Record, _ *record.Verdict) { r.Steps = nil }, []string{"weak.no_upgrade"}},
		"a planned rollback":   {func(r *record.Record, _ *record.Verdict) { r.Steps, r.Header.Trigger = nil, record.TriggerOrder }, nil},
		"a part of it": {func(r *record.Record, _ *record.Verdict) {
			r.Restores[0].Part = &record.Part{Only: "shop", Left: "crm"}
			r.Restores = append(r.Restores, r.Restores[0]) // it is told once
		}, []string{"weak.part"}},
		"other bytes": {func(r *record.Record, _ *record.Verdict) {
			r.Restores = append(r.Restores, restored("rollback", "db", "sha256:2"))
		}, []string{"weak.other_backup"}},
		"another backup": {func(r *record.Record, _ *record.Verdict) {
			r.Restores = append(r.Restores, restored("rollback", "old", "sha256:1"))
		}, []string{"weak.other_backup"}},
		"the same": {func(r *record.Record, _ *record.Verdict) {
			r.Restores = append(r.Restores, restored("rollback", "db", "sha256:1"))
		}, nil},
		"made of several": {func(r *record.Record, _ *record.Verdict) {
			r.Restores = append(r.Restores, restored("restore", "files", "sha256:3"))
		}, nil},
		"several, and back": {func(r *record.Record, _ *record.Verdict) {
			r.Restores = append(r.Restores, restored("restore", "files", "sha256:3"), restored("rollback", "db", "sha256:1"), restored("rollback", "files", "sha256:3"))
		}, nil},
		"several, and one of them other bytes": {func(r *record.Record, _ *record.Verdict) {
			r.Restores = append(r.Restores, restored("restore", "files", "sha256:3"), restored("rollback", "files", "sha256:4"))
		}, []string{"weak.other_backup"}},
	} {
		r := &record.Record{Header: record.Header{Trigger: record.TriggerFault, Checks: []record.CheckPlan{{Name: "orders", Layer: record.LayerData}}},
			Steps:    []record.StepFact{{Step: record.Step{Phase: record.PhaseUpgrade, Outcome: record.OutcomeDone}}},
			Restores: []record.RestoreFact{restored("restore", "db", "sha256:1")}}
		v := &record.Verdict{Status: record.StatusPassed, Objectives: []record.Judged{{Name: "restored", Limit: time.Hour, Status: record.StatusPassed}}}
		c.bend(r, v)
		var got []string
		for _, w := range Weaknesses(r, *v) {
			got = append(got, w.ID)
			assert.True(t, Messages().Knows(w.ID), w.ID)
			for _, l := range Languages() {
				assert.NotContains(t, Messages().Sentence(l, w), "–", "%s: %v", name, w.Args)
			}
		}
		assert.Equal(t, c.want, got, name)
	}
}
