package main

import (
	"encoding/json"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"lifeboat/drills"
	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/reports"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// storyPlan is a drill of two instances whose limits are short enough to go over.
func storyPlan(decide string) *drills.Plan {
	return &drills.Plan{
		Scenario: &scenarios.Scenario{
			Name:    "db-unreachable-after-upgrade",
			Title:   record.Text{"en": "Database unreachable after the upgrade", "zh": "升级后数据库不可达"},
			Trigger: record.TriggerFault,
			Objectives: map[string]scenarios.Duration{
				"start_rollback": scenarios.Duration(30 * time.Minute),
				"restored":       scenarios.Duration(2 * time.Minute)},
			Instances: map[string]scenarios.Instance{"db": {Load: scenarios.Loads{"shop-db"}}, "应用": {Boot: "shop-app"}},
			Flow:      &scenarios.Flow{Pulse: scenarios.Pulse{Rate: 10}},
			Upgrade:   []scenarios.Step{{Exec: &scenarios.ExecStep{On: "db", Run: []string{"apt-get", "upgrade"}}}},
			Incidents: []scenarios.Incident{{Course: scenarios.Course{
				Faults: []scenarios.Fault{{Kind: "pg-hba-reject", On: "db"}}, Decide: scenarios.Decide{By: decide},
				Rollback: []scenarios.Step{{Destroy: "db"}, {Boot: &scenarios.BootStep{Instance: "db"}}}}}},
		},
		Order: []string{"db", "应用"},
		Backups: map[string]*drills.BackupPlan{
			"shop-db":  {Name: "shop-db", Point: store.Point{Size: 240_000_000}},
			"shop-app": {Name: "shop-app", Point: store.Point{Size: 35_000_000}}},
	}
}

// story feeds a board as a drill would.
type story struct {
	b   *board
	seq int64
}

func tell(t *testing.T, lang reports.Language, width int, decide string) *story {
	t.Helper()
	s := &story{b: newBoard(words{cat: reports.Messages(), lang: lang}, storyPlan(decide), func() {})}
	s.b.Update(tea.WindowSizeMsg{Width: width, Height: 40})
	s.b.event(event(record.Subject{}, record.Header{Version: record.Version, Trigger: record.TriggerFault, StableFor: 5 * second,
		Checks: []record.CheckPlan{{Name: "rows orders", Layer: record.LayerData}}}))
	s.b.begun = false
	return s
}

// event is what a journal says of data.
func event(subject record.Subject, data any) record.Event {
	raw, err := json.Marshal(data)
	if err != nil {
		panic(err)
	}
	return record.Event{Kind: record.KindOf(data), Actor: record.ActorLifeboat, Subject: subject, Data: raw}
}

func (s *story) at(now time.Duration, data ...any) {
	m := batch{now: now}
	for _, d := range data {
		switch d := d.(type) {
		case record.Event:
			m.events = append(m.events, d)
		case drills.Progress:
			m.progress = append(m.progress, d)
		default:
			m.events = append(m.events, event(record.Subject{Incident: s.b.number()}, d))
		}
	}
	for i := range m.events {
		s.seq++
		m.events[i].Seq, m.events[i].Elapsed = s.seq, now
	}
	s.b.Update(m)
}

func (s *story) samples(from, to time.Duration, ok bool) {
	for at := from; at < to; at += 100 * time.Millisecond {
		sample := drills.Iteration{Sample: verifier.Sample{Start: at, End: at + 10*time.Millisecond, OK: ok, Checks: 1}, Bad: !ok}
		s.b.Update(batch{now: at, samples: []drills.Iteration{sample}})
	}
}

func on(instance string, data any) record.Event {
	return event(record.Subject{Instance: instance, Incident: 1}, data)
}

func begin(p string) record.PhaseEvent { return record.PhaseEvent{Phase: p} }
func done(p string) record.PhaseEvent {
	return record.PhaseEvent{Phase: p, Outcome: record.OutcomeDone}
}

// The chapters of the story, each going on from the one before.
func (s *story) restoring() {
	s.at(0, begin("precheck"))
	s.at(100*time.Millisecond, done("precheck"), begin("restore"))
	s.at(1*second, drills.Progress{Backup: "shop-db", Bytes: 1_000_000, Total: 240_000_000})
	s.at(4*second, drills.Progress{Backup: "shop-db", Bytes: 110_000_000, Total: 240_000_000})
}

func (s *story) broken() {
	s.restoring()
	s.at(7*second, on("db", record.Restored{Backup: "shop-db", Bytes: 240_000_000, Started: second, Ended: 7 * second}),
		on("db", record.Booted{Started: second, Ready: 7 * second}))
	app := record.Restored{Backup: "shop-app", Bytes: 35_000_000, Started: 7 * second, Ended: 9 * second}
	s.at(9*second, on("应用", app),
		on("应用", record.Booted{Started: 7 * second, Ready: 9 * second}), done("restore"), begin("baseline"))
	s.at(10*second, record.PulseEvent{State: "started", At: record.At(10 * second)})
	s.at(10100*time.Millisecond, record.PulseEvent{State: "green", At: record.At(10100 * time.Millisecond)})
	s.samples(10*second, 16*second, true)
	s.at(16*second, done("baseline"), begin("upgrade"),
		on("db", record.Step{Phase: "upgrade", What: "exec on db", Outcome: "done"}))
	s.at(18*second, done("upgrade"),
		record.IncidentEvent{Trigger: record.TriggerFault, At: record.At(18 * second)}, begin("fault"))
	s.samples(16*second, 19500*time.Millisecond, true)
	s.at(19500*time.Millisecond, record.FaultEvent{Kind: "pg-hba-reject", On: "db", State: "injected",
		At: record.Moment{Early: 19300 * time.Millisecond, Late: 19500 * time.Millisecond}})
	s.at(19700*time.Millisecond, record.PulseEvent{State: "red", Why: "login: \x1b[31m500\x1b[0m\x07 != 200",
		At: record.Moment{Early: 19400 * time.Millisecond, Late: 19700 * time.Millisecond}})
	s.at(20*second, done("fault"), begin("detect"))
	s.samples(19500*time.Millisecond, 25*second, false)
	s.at(25*second, record.Detected{Rule: "flow.failed > 5% for 5s", Seen: "100%"}, done("detect"), begin("decide"))
}

func (s *story) rollingBack() {
	s.broken()
	s.at(28*second, record.Decision{Outcome: "full-rollback", By: "simulated"}, done("decide"), begin("rollback"),
		record.RollbackEvent{State: "started"})
	s.samples(25*second, 160*second, false)
	s.at(100*second, on("db", record.Step{Phase: "rollback", Index: 0, What: "destroy db", Outcome: "done"}))
	s.at(160*second, drills.Progress{Backup: "shop-db", Bytes: 60_000_000, Total: 240_000_000})
}

func (s *story) over() {
	s.rollingBack()
	s.at(170*second, on("db", record.Step{Phase: "rollback", Index: 1, What: "boot db", Outcome: "done"}),
		on("db", record.Restored{Backup: "shop-db", Bytes: 240_000_000, Started: 158 * second, Ended: 169 * second}),
		on("db", record.Booted{}), record.RollbackEvent{State: "done"}, done("rollback"), begin("verify"),
		record.PulseEvent{State: "green", At: record.At(170 * second)})
	s.samples(170*second, 176*second, true)
	s.at(176*second, record.CheckResult{Name: "rows orders", Layer: "data", When: "after", Status: record.CheckPassed,
		Started: 175 * second, Ended: 176 * second}, done("verify"), begin("cleanup"))
	totals := record.PulseTotals{Good: 1640, Bad: 1405, Unproven: 2}
	s.at(177*second, record.PulseEvent{State: "stopped", Totals: totals},
		record.CleanupEvent{State: "proved", Count: 9}, done("cleanup"))
	s.b.Update(endMsg{})
}
