package objective

import (
	"lifeboat/drills/record"
)

// verdictCase bends a drill in which everything goes well.
type verdictCase struct {
	name    string
	trigger record.Trigger
	bend    func(*story)
	status  record.Status
	reason  string // must be among the reasons
}

// casesOfEvidence: faults, checks and layers.
func casesOfEvidence() []verdictCase {
	return []verdictCase{
		{"everything held", "fault", nil, passed, "passed.all"},
		{"the upgrade is what breaks", "upgrade", nil, passed, "passed.all"},
		{"a planned rollback", "order", nil, passed, "passed.all"},
		{"other bytes were restored than the first time, and no digest is promised", "fault", func(s *story) {
			edit(s, func(p *record.RestorePoint) { p.Expected = "" })
			edit(s, func(r *record.Restored) {
				if r.During == "rollback" {
					r.Digest = "sha256:2"
				}
			})
		}, unknown, "restore_point.changed"},
		{"an instance came up, and nobody saw its backup restored", "fault", func(s *story) {
			s.drop(func(l line) bool { return l.kind == record.KindRestored && l.subject.Instance == "app" })
		}, unknown, "backup.unrestored"},
		{"an instance is made of two backups, and nobody saw one of them restored", "fault", func(s *story) {
			s.h.Instances[0].With = []string{"shop-files"}
		}, unknown, "backup.unrestored"},
		{"a planned rollback that was never red", "order", func(s *story) {
			seen := false
			s.drop(func(l line) bool {
				first := isState("green")(l) && !seen
				seen = seen || first
				return (isState("red")(l) || isState("green")(l)) && !first
			})
		}, passed, "passed.all"},
		{"fault without effect", "fault", func(s *story) {
			edit(s, func(f *record.FaultEvent) {
				if f.State == "effective" {
					f.State = "no-effect"
				}
			})
			s.drop(isState("red"))
		}, unknown, "fault.no_effect"},
		{"fault took effect and nobody saw it", "fault", func(s *story) { s.drop(isState("red")) }, unknown,
			"fault.unseen"},
		{"fault took effect and a check saw it", "fault", func(s *story) {
			s.drop(isState("red"))
			s.add(36*sec, record.KindCheck, in(1), record.CheckResult{Name: "port", Layer: record.LayerService, When: "broken",
				Status: record.CheckFailed, Started: 35 * sec, Ended: 36 * sec})
		}, passed, "passed.all"},
		{"fault of the rollback without effect under order", "order", func(s *story) {
			s.add(40*sec, record.KindFault, in(1), record.FaultEvent{Kind: "slow-restore", On: "shop-db", State: "injected"})
		}, unknown, "fault.no_effect"},
		{"planned fault never injected", "fault", func(s *story) {
			s.h.Incidents = []record.IncidentPlan{{ID: 1, Faults: []string{"pg-hba-reject on db", "slow-restore on shop-db"}}}
		}, unknown, "fault.no_effect"},
		{"planned incident never came", "fault", func(s *story) {
			s.h.Incidents = []record.IncidentPlan{{ID: 1}, {ID: 2}}
		}, unknown, "incident.missing"},
		{"no checks at all", "fault", func(s *story) {
			s.h.Checks = nil
			s.h.Excluded = map[record.Layer]string{"system": "x", "service": "x", "data": "x", "business": "x"}
			s.drop(kind(record.KindCheck))
		}, unknown, "checks.none"},
		{"a layer without check or reason", "fault", func(s *story) {
			s.h.Checks = s.h.Checks[:3]
		}, unknown, "layer.unchecked"},
		{"a layer with a blank reason", "fault", func(s *story) {
			s.h.Checks, s.h.Excluded = s.h.Checks[:3], map[record.Layer]string{record.LayerBusiness: " \u200b"}
		}, unknown, "layer.unchecked"},
		{"a layer excluded with a reason", "fault", func(s *story) {
			s.h.Checks, s.h.Excluded = s.h.Checks[1:], map[record.Layer]string{record.LayerSystem: "appliance"}
		}, passed, "passed.all"},
		{"a check failed", "fault", afterChecks(func(c *record.CheckResult) { c.Status = record.CheckFailed }),
			failed, "check.failed"},
		{"a check failed once and passed later", "fault", func(s *story) {
			s.add(119*sec, record.KindCheck, in(1), record.CheckResult{Name: "rows", Layer: record.LayerData, When: "after",
				Status: record.CheckFailed, Started: 118 * sec, Ended: 119 * sec})
		}, failed, "check.failed"},
		{"a check skipped", "fault", afterChecks(func(c *record.CheckResult) { c.Status = record.CheckSkipped }),
			unknown, "check.skipped"},
		{"a check crashed", "fault", afterChecks(func(c *record.CheckResult) { c.Status = record.CheckCrashed }),
			unknown, "check.crashed"},
		{"a check with an empty status", "fault", afterChecks(func(c *record.CheckResult) { c.Status = "" }), unknown,
			"check.unreadable"},
		{"a check crashed before", "fault", func(s *story) {
			edit(s, func(c *record.CheckResult) {
				if c.When == "before" && c.Name == "rows" {
					c.Status = record.CheckCrashed
				}
			})
		}, unknown, "check.crashed"},
		{"a check never asked", "fault", func(s *story) {
			s.drop(func(l line) bool {
				c, ok := l.data.(record.CheckResult)
				return ok && c.When == "after" && c.Name == "rows"
			})
		}, unknown, "check.missing"},
		{"a check answered under another layer", "fault",
			afterChecks(func(c *record.CheckResult) { c.Layer = record.LayerSystem }), unknown, "check.missing"},
		{"checks asked before the rollback only", "fault", func(s *story) {
			edit(s, func(c *record.CheckResult) {
				if c.When == "after" {
					c.Started, c.Ended = 31*sec, 31*sec
				}
			})
		}, unknown, "check.missing"},
		{"a check failed while broken", "fault", func(s *story) {
			s.add(36*sec, record.KindCheck, in(1), record.CheckResult{Name: "port", Layer: record.LayerService, When: "broken",
				Status: record.CheckFailed, Started: 35 * sec, Ended: 36 * sec})
		}, passed, "passed.all"},
		{"a check failed before", "fault", func(s *story) {
			edit(s, func(c *record.CheckResult) {
				if c.When == "before" && c.Name == "rows" {
					c.Status, c.Backup = record.CheckFailed, "shop-db"
				}
			})
		}, failed, "check.failed_before"},
	}
}
