package reports

import (
	"time"

	"lifeboat/drills/record"
)

// twoIncidents: three web servers, a partial rollback, then a slight anomaly that is only watched.
func twoIncidents() sample {
	p := passed()
	r := p.record
	r.Header.Scenario, r.Header.Number = "partial-rollback", 22
	r.Header.Planned, r.Header.K6 = new(r.Header.Started.Add(-3*time.Minute)), nil
	r.Header.Title = record.Text{"en": "Five of ten servers cannot reach the database", "zh": "部分服务器无法连接数据库"}
	r.Header.Incidents = []record.IncidentPlan{
		{ID: 1, Faults: []string{"pg-hba-reject on db"}, Rollback: []string{"boot web-2", "boot web-3"}},
		{ID: 2, Faults: []string{"slow-query on db"}},
	}
	second := record.Incident{
		ID:       2,
		Trigger:  record.TriggerFault,
		T0:       at(400 * s),
		T1:       at(408 * s),
		T2:       at(410 * s),
		T0Source: "check",
		Rule:     "flow.failed > 1% for 2s",
		Faults: []record.FaultFact{
			{Kind: "slow-query", On: "db", Injected: at(399 * s), Effective: at(400 * s), State: "undone"},
		},
		Decision: &record.Decision{
			Outcome: "watch",
			Reason:  "within the band, gone by itself",
			By:      "Li Wei",
			At:      record.At(410 * s),
		},
	}
	r.Incidents[0].Decision.Outcome, r.Incidents[0].Decision.Scope = "partial-rollback", []string{"web-2", "web-3"}
	r.Incidents = append(r.Incidents, second)
	r.Checks = append(
		r.Checks,
		record.CheckResult{Name: "postgres answers a query", Layer: record.LayerService, When: "broken",
			Status: record.CheckFailed, Message: noAnswer.English(), Said: noAnswer, Incident: 2, Started: 400 * s, Ended: 402 * s},
	)
	r.Observations = []record.Observation{{ID: "a.newer.observation", Args: map[string]string{"b": "2", "a": "1"}}}
	return sample{name: "two-incidents", want: record.StatusPassed, record: r}
}

// checkRun: the nightly proof that a backup can be restored; no fault, no pulse, two layers left out.
func checkRun() sample {
	p := passed()
	r := p.record
	h := &r.Header
	h.Scenario, h.Number, h.Series, h.Trigger, h.Decision, h.PulseRate, h.Risk = "nightly-shop-db", 204, "nightly",
		record.TriggerNone, "", 0, ""
	h.Title = record.Text{"en": "Nightly restore of the shop's database"}
	h.Objectives, h.Incidents, h.Instances = []record.Objective{
		{Name: "age", Limit: 26 * time.Hour},
	}, nil, h.Instances[:1]
	h.Excluded = map[record.Layer]string{
		record.LayerSystem:   "the host is not part of this backup",
		record.LayerBusiness: "drilled each quarter",
	}
	h.Planned, h.Program, h.K6 = nil, nil, nil // as records of old
	h.Checks, h.People, h.Production, h.NotRehearsed = h.Checks[1:3], nil, nil, nil
	r.Ended = 31 * s
	r.Phases = phases("precheck", 1200*ms, "restore", 24*s, "verify", 27*s, "cleanup", 30*s, "seal", 30200*ms)
	r.Steps, r.Restores, r.Boots, r.Egress, r.Pulse, r.Incidents, r.Upgrade = nil, r.Restores[1:2], r.Boots[:1],
		nil, nil, nil, nil
	r.RestorePoints, r.Probes = r.RestorePoints[:1], r.Probes[:6]
	r.Checks = append([]record.CheckResult{}, r.Checks[1:3]...)
	r.Checks[1].Beside = []record.Observation{{ID: "content.no_key", Args: map[string]string{"database": "shop", "count": "2",
		"names": "public.audit, public.staging"}}}
	r.Cleanup.T8 = at(29 * s)
	r.Observations = append(r.Observations, record.Observation{ID: "flow.hollow",
		Args: map[string]string{"flows": "http /healthz to app:8080"}})
	return sample{name: "check-run", want: record.StatusPassed, record: r}
}

// badBackup: a truncated dump; the names in it try to be markup.
func badBackup() sample {
	p := checkRun()
	r := p.record
	r.Header.Number, r.Header.Service = 205, `<script>alert("shop")</script> & **co**|x`
	r.Restores[0].BackupBad = "pg_restore: error: could not read from input file: end of file"
	r.Restores[0].Ended, r.Restores[0].Verified = 9*s, false
	r.Phases = phases("precheck", 1200*ms, "restore", 9*s, "cleanup", 12*s, "seal", 12100*ms)
	r.Phases[1].Outcome, r.Phases[1].Error = record.OutcomeFailed,
		"restore shop-db: pg_restore: error: could not read from input file: end of file"
	r.RestorePoints[0].Digest, r.RestorePoints[0].Promise.VerifiedBy = digest(7), record.VerifiedByNobody
	r.Boots, r.Checks, r.Ended, r.Cleanup.T8 = nil, nil, 13*s, at(11*s)
	r.Egress = nil
	return sample{name: "bad-backup", want: record.StatusFailed, record: r}
}
