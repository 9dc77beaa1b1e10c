package reports

import (
	"time"

	"lifeboat/drills/record"
)

// failed: the restore of the rollback was slow; restored came 4 min 30 s too late.
func failed() sample {
	p := passed()
	r := p.record
	r.Header.Scenario, r.Header.Number = "slow-snapshot-restore", 18
	r.Header.Title = record.Text{"en": "Slow restore from the snapshot", "zh": "快照恢复过慢"}
	r.Header.Objectives[1].Limit = 10 * time.Minute
	r.Ended = 1020 * s
	r.Phases = phases(
		"precheck",
		1200*ms,
		"restore",
		24*s,
		"baseline",
		41*s,
		"upgrade",
		60*s,
		"fault",
		62200*ms,
		"detect",
		92*s,
		"decide",
		104*s,
		"rollback",
		871*s,
		"verify",
		1001*s,
		"cleanup",
		1012*s,
		"seal",
		1012300*ms,
	)
	r.Steps[2].Ended, r.Restores[2].Started, r.Restores[2].Ended, r.Restores[2].Throttle = 871*s, 108*s, 869*s, 2_500_000
	r.Boots[2].Ready = 871 * s
	r.Pulse.To = record.At(1002 * s)
	r.Pulse.Totals = record.PulseTotals{Good: 3376, Bad: 16184, P95: 44 * ms}
	r.Pulse.Reds = []record.Stretch{
		{
			Window: record.Window{
				From: record.Moment{Early: 61950 * ms, Late: 62 * s},
				To:   record.Moment{Early: 931 * s, Late: 931050 * ms},
			},
			Why: "POST /orders: 500, no pg_hba.conf entry",
		},
	}
	in := &r.Incidents[0]
	in.T4, in.T5, in.T6, in.T7 = at(871*s), between(931*s, 931050*ms), between(931*s, 931050*ms), at(932*s)
	r.Cleanup.T8 = at(1011 * s)
	return sample{name: "failed", want: record.StatusFailed, record: r, samples: latencies(r.Pulse, 20)}
}

// notRecovered: the rollback restored nothing; the business never came back.
func notRecovered() sample {
	p := passed()
	r := p.record
	r.Header.Number, r.Header.Objectives[1].Limit = 19, 10*time.Minute
	r.Ended = 760 * s
	r.Phases = phases(
		"precheck",
		1200*ms,
		"restore",
		24*s,
		"baseline",
		41*s,
		"upgrade",
		60*s,
		"fault",
		62200*ms,
		"detect",
		92*s,
		"decide",
		104*s,
		"rollback",
		120*s,
		"verify",
		741*s,
		"cleanup",
		752*s,
		"seal",
		752300*ms,
	)
	r.Phases[8].Outcome, r.Phases[8].Error = record.OutcomeFailed,
		"the business is not back; what was to follow was not begun"
	r.Steps[2] = record.StepFact{
		Subject: record.Subject{Instance: "db", Incident: 1},
		Step: record.Step{Phase: "rollback", Index: 1,
			What: "script rollback.sh", Outcome: record.OutcomeFailed, Started: 106 * s, Ended: 120 * s,
			Error: "exit code 1", Output: "psql: error: connection to server failed\nrollback.sh: giving up <1 & 2>"},
	}
	r.Restores, r.Boots = r.Restores[:2], r.Boots[:2]
	r.Pulse.To = record.At(742 * s)
	r.Pulse.Totals = record.PulseTotals{Good: 760, Bad: 13600, P95: 39 * ms}
	r.Pulse.Reds = []record.Stretch{
		{
			Window: record.Window{From: record.Moment{Early: 61950 * ms, Late: 62 * s}, To: record.At(742 * s), Open: true},
			Why:    "POST /orders: 500, no pg_hba.conf entry",
		},
	}
	in := &r.Incidents[0]
	in.T4, in.T5, in.T6, in.T7, in.Rollback, in.Error = nil, nil, nil, nil, "failed", "script rollback.sh: exit code 1"
	in.Faults[0].State = "undone"
	r.Cleanup.T8, r.Cleanup.Failed = nil, []record.CleanupEvent{
		{
			What:  "volume",
			Name:  "lifeboat-7h3k-db",
			State: "failed",
			Error: "volume is in use",
			Fix:   "docker volume rm lifeboat-7h3k-db",
		},
	}
	r.Checks = append(
		r.Checks[:6],
		answers(
			"after",
			741*s,
			record.CheckFailed,
			otherState,
			record.CheckFailed,
			noSession,
			record.CheckCrashed,
			noQuery,
			record.CheckFailed,
			flowBad,
		)...)
	r.Checks[6].Diff = stateDiff
	return sample{name: "not-recovered", want: record.StatusFailed, record: r}
}

// noEffect: the fault did not bite, so the drill shows nothing.
func noEffect() sample {
	p := passed()
	r := p.record
	r.Header.Number = 20
	r.Ended = 152 * s
	r.Phases = append(
		phases(
			"precheck",
			1200*ms,
			"restore",
			24*s,
			"baseline",
			41*s,
			"upgrade",
			60*s,
			"fault",
			62200*ms,
			"detect",
			122*s,
		),
		record.Phase{
			Name:    "decide",
			Started: 122 * s,
			Ended:   122 * s,
			Outcome: record.OutcomeNotReached,
		},
		record.Phase{Name: "rollback", Started: 122 * s, Ended: 122 * s, Outcome: record.OutcomeNotReached},
		record.Phase{
			Name:    "verify",
			Started: 122 * s,
			Ended:   128 * s,
			Outcome: record.OutcomeDone,
		},
		record.Phase{Name: "cleanup", Started: 128 * s, Ended: 151 * s, Outcome: record.OutcomeDone},
		record.Phase{Name: "seal", Started: 151 * s, Ended: 151500 * ms, Outcome: record.OutcomeDone},
	)
	r.Steps, r.Restores, r.Boots, r.Egress = r.Steps[:1], r.Restores[:2], r.Boots[:2], nil
	r.Pulse.To, r.Pulse.Reds, r.Pulse.Totals = record.At(128*s), nil, record.PulseTotals{Good: 2080, P95: 38 * ms}
	r.Incidents = []record.Incident{{ID: 1, Trigger: record.TriggerFault, Rule: "flow.failed > 5% for 5s",
		Faults: []record.FaultFact{
			{
				Kind:     "pg-hba-reject",
				On:       "db",
				Injected: at(61800 * ms),
				State:    "no-effect",
				Note:     "db still lets sessions in at port 5432",
			},
		}}}
	r.Cleanup.T8 = at(150 * s)
	r.Header.ClockState = "not synchronised"
	r.Checks = append(
		r.Checks[:4],
		answers(
			"after",
			123*s,
			record.CheckPassed,
			sameState,
			record.CheckPassed,
			oneRow,
			record.CheckCrashed,
			noQuery,
			record.CheckPassed,
			flowGood,
		)...)
	r.Loads = []record.HostLoad{{From: 0, To: 60 * s, Late: 4 * ms, Trip: 3 * ms},
		{From: 60 * s, To: 65 * s, CPU: 4800 * ms, Ours: 0.25, IO: 300 * ms, Late: 240 * ms, Trip: 1900 * ms},
		{From: 65 * s, To: 70 * s, CPU: 2 * s, Ours: 0.5, Late: 60 * ms, Trip: 20 * ms}}
	return sample{name: "inconclusive", want: record.StatusInconclusive, record: r, samples: latencies(r.Pulse, 20)}
}

// aborted: a person pressed Ctrl-C while the rollback ran.
func aborted() sample {
	p := passed()
	r := p.record
	r.Header.Number, r.Status = 21, record.RunAborted
	r.Header.Decision = "person"
	r.Ended = 180 * s
	r.Abort = &record.Aborted{Why: "interrupt", By: "Zhao Min"}
	r.Phases = phases(
		"precheck",
		1200*ms,
		"restore",
		24*s,
		"baseline",
		41*s,
		"upgrade",
		60*s,
		"fault",
		62200*ms,
		"detect",
		92*s,
		"decide",
		104*s,
		"rollback",
		160*s,
		"cleanup",
		178*s,
		"seal",
		178200*ms,
	)
	r.Phases[7].Outcome, r.Phases[7].Error = record.OutcomeFailed, "aborted: interrupt"
	r.Steps[2].Outcome, r.Steps[2].Ended, r.Steps[2].Error = record.OutcomeFailed, 160*s, "aborted: interrupt"
	r.Restores, r.Boots = r.Restores[:2], r.Boots[:2]
	r.Pulse.To = record.At(160 * s)
	r.Pulse.Totals = record.PulseTotals{Good: 760, Bad: 1960, P95: 39 * ms}
	r.Pulse.Reds = []record.Stretch{
		{
			Window: record.Window{From: record.Moment{Early: 61950 * ms, Late: 62 * s}, To: record.At(160 * s), Open: true},
			Why:    "POST /orders: 500",
		},
	}
	in := &r.Incidents[0]
	in.T4, in.T5, in.T6, in.T7, in.Rollback = nil, nil, nil, nil, "running"
	in.Decision.By, in.Decision.Reason = "Li Wei", "orders fail for every customer"
	r.Checks = r.Checks[:6]
	r.Cleanup.T8 = at(177 * s)
	r.Notes = []record.NoteFact{
		{At: 150 * s, Actor: "Zhao Min", Note: record.Note{Text: "maintenance window ends, stopping here"}},
	}
	return sample{name: "aborted", want: record.StatusAborted, record: r}
}
