package reports

import (
	"math"
	"time"

	"lifeboat/drills/record"
)

// passed: T0 62 s, back after five minutes, every objective held.
func passed() sample {
	h := header()
	r := &record.Record{Header: h, Status: record.RunCompleted, Ended: 460 * s,
		Phases: phases(
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
			331*s,
			"verify",
			439*s,
			"cleanup",
			452*s,
			"seal",
			452400*ms,
		),
		Steps: []record.StepFact{
			{
				Subject: record.Subject{Instance: "db"},
				Step: record.Step{
					Phase:   "upgrade",
					What:    "exec on db: apt-get install postgresql-15",
					Outcome: record.OutcomeDone,
					Started: 41 * s,
					Ended:   60 * s,
				},
			},
			{
				Subject: record.Subject{Instance: "db", Incident: 1},
				Step: record.Step{
					Phase:   "rollback",
					What:    "destroy db",
					Outcome: record.OutcomeDone,
					Started: 104300 * ms,
					Ended:   106 * s,
				},
			},
			{
				Subject: record.Subject{Instance: "db", Incident: 1},
				Step: record.Step{
					Phase:   "rollback",
					Index:   1,
					What:    "boot db",
					Outcome: record.OutcomeDone,
					Started: 106 * s,
					Ended:   331 * s,
				},
			},
		},
		RestorePoints: restorePoints(h.Started),
		Restores: []record.RestoreFact{
			restored("shop-app", "restore", 1500*ms, 3*s, 1),
			restored("shop-db", "restore", 2*s, 22*s, 1),
			restored("shop-db", "rollback", 108*s, 330*s, 2),
		},
		Boots: []record.BootFact{
			{
				Subject: record.Subject{Instance: "db", Generation: 1},
				Booted: record.Booted{
					Started: 1500 * ms,
					Ready:   23 * s,
					Image:   "lifeboat/postgres:15",
					Basis:   record.BasisMeasured,
				},
			},
			{
				Subject: record.Subject{Instance: "app", Generation: 1},
				Booted:  record.Booted{Started: 23 * s, Ready: 24 * s, Image: "shop-app", Basis: record.BasisMeasured},
			},
			{
				Subject: record.Subject{Instance: "db", Generation: 2},
				Booted: record.Booted{
					Started: 106 * s,
					Ready:   331 * s,
					Image:   "lifeboat/postgres:15",
					Basis:   record.BasisMeasured,
				},
			},
		},
		Probes: probes(),
		Egress: []record.EgressFact{
			{
				Subject: record.Subject{Instance: "app"},
				Egress: record.Egress{
					Protocol: "tcp",
					Target:   "192.0.2.7:443",
					Host:     "api.pay.example.com",
					Count:    14,
					First:    25 * s,
					Last:     430 * s,
				},
			},
		},
		Upgrade: &record.Window{From: record.At(41 * s), To: record.At(60 * s)},
		Pulse: &record.Pulse{Asked: []string{"http://app:8080"}, Window: record.Window{From: record.At(24 * s), To: record.At(440 * s)},
			Totals: record.PulseTotals{Good: 2345, Bad: 5974, Dropped: 1, P95: 41 * ms},
			Reds: []record.Stretch{
				{
					Window: record.Window{
						From: record.Moment{Early: 61950 * ms, Late: 62 * s},
						To:   record.Moment{Early: 352 * s, Late: 352050 * ms},
					},
					Why: "POST /orders: 500, no pg_hba.conf entry",
				},
				{
					Window: record.Window{
						From: record.Moment{Early: 356 * s, Late: 356050 * ms},
						To:   record.Moment{Early: 365100 * ms, Late: 365200 * ms},
					},
					Why: "POST /orders: timeout",
				},
			}},
		Incidents: []record.Incident{
			{
				ID:      1,
				Trigger: record.TriggerFault,
				T0:      between(61950*ms, 62*s),
				T1:      at(92 * s),
				T2:      at(104 * s),
				T3:      at(104250 * ms),
				T4: at(
					331 * s,
				),
				T5:       between(352*s, 352050*ms),
				T6:       between(365100*ms, 365200*ms),
				T7:       at(366900 * ms),
				T0Source: "pulse",
				Rule:     "flow.failed > 5% for 5s",
				Rollback: "done",
				Faults: []record.FaultFact{
					{Kind: "pg-hba-reject", On: "db", Injected: at(61800 * ms), Effective: at(62200 * ms), State: "gone"},
				},
				Decision: &record.Decision{
					Outcome: "full-rollback",
					Scope:   []string{"db"},
					By:      "simulated",
					At:      record.At(104 * s),
				},
			},
		},
		Cleanup: record.Cleanup{T8: at(451900 * ms), Undone: 11, By: "lifeboat"},
		Raw:     []record.RawFile{{Path: "raw/pulse.ndjson", Digest: digest(8), Size: 1_204_331}},
		Journal: record.JournalFact{Events: 214, Digest: digest(9)},
	}
	r.Checks = append(
		answers(
			"before",
			30*s,
			record.CheckPassed,
			seenState,
			record.CheckPassed,
			oneRow,
			record.CheckPassed,
			allOrders,
			record.CheckPassed,
			flowGood,
		),
		answers(
			"broken",
			70*s,
			record.CheckStatus(""),
			unsaid,
			record.CheckFailed,
			noSession,
			record.CheckStatus(""),
			unsaid,
			record.CheckFailed,
			flowBad,
		)...)
	r.Checks = append(
		r.Checks,
		answers(
			"after",
			366*s,
			record.CheckPassed,
			sameState,
			record.CheckPassed,
			oneRow,
			record.CheckPassed,
			allOrders,
			record.CheckPassed,
			flowGood,
		)...)
	return sample{name: "passed", want: record.StatusPassed, record: r, samples: latencies(r.Pulse, 20)}
}

// latencies makes samples of a pulse at a rate: bad within the red stretches.
func latencies(p *record.Pulse, perSecond int) []Sample {
	var out []Sample
	for t := p.From.Late; t < p.To.Early; t += s / time.Duration(perSecond) {
		good := true
		slow := 0.0
		for _, red := range p.Reds {
			good = good && (t < red.From.Early || t > red.To.Late)
			if t > red.To.Late {
				slow += 160 * math.Exp(-(t-red.To.Late).Seconds()/8)
			}
		}
		out = append(out, Sample{At: t, Good: good, Latency: time.Duration(28+6*math.Sin(float64(t/ms)/700)+slow) * ms})
	}
	return out
}
