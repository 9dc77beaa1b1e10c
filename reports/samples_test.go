package reports

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
)

// sample is an invented drill. Its verdict was given by the judge and lies in testdata, so that a
// report does not change because a rule does; -update asks the judge again.
type sample struct {
	name    string
	want    record.Status
	record  *record.Record
	verdict record.Verdict
	samples []Sample
}

func samples(t *testing.T) []sample {
	t.Helper()
	list := []sample{
		passed(),
		failed(),
		notRecovered(),
		noEffect(),
		aborted(),
		twoIncidents(),
		checkRun(),
		badBackup(),
		kernelDrill(),
	}
	for i := range list {
		sm := &list[i]
		finish(sm.record)
		path := filepath.Join("testdata", sm.name+".verdict.json")
		if *update {
			text, err := json.MarshalIndent(objective.Judge(sm.record), "", "  ")
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, append(text, '\n'), 0o644))
		}
		text, err := os.ReadFile(path)
		require.NoError(t, err, "write it with: go test ./reports -update")
		require.NoError(t, json.Unmarshal(text, &sm.verdict))
	}
	return list
}

// finish fills in what Build derives.
func finish(r *record.Record) {
	r.Observed = r.Ended
	if r.Pulse != nil {
		r.Observed = r.Pulse.To.Late
	}
	for i := range r.Incidents {
		in := &r.Incidents[i]
		if len(in.Faults) > 0 && in.Faults[0].Injected != nil {
			in.Begin = in.Faults[0].Injected.Early
		}
	}
	for i := range r.Checks {
		if r.Checks[i].When != "before" && r.Checks[i].Incident == 0 {
			r.Checks[i].Incident = 1
		}
	}
}

const (
	s  = time.Second
	ms = time.Millisecond
)

func ptr[T any](v T) *T { return &v }

func at(d time.Duration) *record.Moment { return ptr(record.At(d)) }

func between(early, late time.Duration) *record.Moment {
	return &record.Moment{Early: early, Late: late}
}

func digest(b byte) string {
	const hex = "0123456789abcdef"
	out := []byte("sha256:")
	for i := range 64 {
		out = append(out, hex[(int(b)*7+i*i+i)%16])
	}
	return string(out)
}

func header() record.Header {
	return record.Header{
		Version: 1, Drill: "20261120T020000Z-7h3k", Number: 17, Series: "shop checkout",
		Scenario: "db-unreachable-after-upgrade", ScenarioDigest: digest(1),
		Title:   record.Text{"en": "Database unreachable after the upgrade", "zh": "升级后数据库不可达"},
		Service: "shop checkout", Customer: "Example Retail", Risk: "high", Trigger: record.TriggerFault,
		Objectives: []record.Objective{
			{Name: "start_rollback", Limit: 30 * time.Minute},
			{Name: "restored", Limit: 2 * time.Hour},
			{
				Name:  "outage",
				Limit: 30 * time.Minute,
			},
			{Name: "data_loss", Limit: 15 * time.Minute},
			{Name: "act", Limit: 3 * time.Minute},
		},
		StableFor: 60 * s, Decision: "simulated", PulseRate: 20, PulseTimeout: s, Flow: "checkout.js",
		FlowEnv: map[string]string{"BASE_URL": "http://app:8080", "SHOP_TOKEN": "***"}, LatencyLimit: 500 * ms,
		Instances: []record.InstancePlan{{Name: "db", Kind: "docker", Backup: "shop-db", Basis: record.BasisMeasured},
			{Name: "app", Kind: "docker", Backup: "shop-app", Needs: []string{"db"}, Basis: record.BasisMeasured}},
		Incidents: []record.IncidentPlan{
			{ID: 1, Faults: []string{"pg-hba-reject on db"}, Rollback: []string{"destroy db", "boot db"}},
		},
		Checks: []record.CheckPlan{{Name: "files, packages and kernel as before the upgrade", Layer: record.LayerSystem},
			{Name: "postgres answers a query", Layer: record.LayerService},
			{Name: "orders ≥ 100,000 and the money adds up", Layer: record.LayerData},
			{Name: "log in, order, pay, read back", Layer: record.LayerBusiness}},
		People: map[string]string{
			"commander": "Li Wei",
			"operators": "Zhao Min, Ana Sousa",
			"reviewer":  "M. Okafor",
			"vendor":    "PostgreSQL on call",
		},
		Production:   map[string]string{"size": "1.9 TB", "cpus": "32", "memory": "256 GB", "storage": "NVMe, 3 GB/s"},
		NotRehearsed: []string{"not.cloud_quota", "not.people", "not.production", "not.traffic_switch"},
		Host: record.Host{
			Name:   "drill-1",
			OS:     "Debian GNU/Linux 12",
			Kernel: "6.1.0",
			CPUs:   2,
			Memory: 8_215_433_216,
			Engine: "Docker 20.10.24",
		},
		Planned: new(time.Date(2026, 11, 19, 18, 0, 0, 0, time.UTC)),
		Program: &record.Program{Commit: "1693803292066143769410480102202612345678", Digest: digest(8)},
		K6:      &record.Program{Version: "v2.1.0", Commit: "1693803292066143769410480102202612345678", Modified: true, Digest: digest(9)},
		Tool:    "v0.1.0", Started: time.Date(2026, 11, 20, 2, 0, 0, 0, time.FixedZone("", 8*3600)),
		BoottimeNS: 9_000_000_000_000, BootID: "6a9c7b1e-8c1f-4f0e-9a52-0d6d6a2d1d11", ClockState: "synchronised",
		Deadline: 4 * time.Hour,
	}
}

// phases turns name, end, name, end … into phases without gaps.
func phases(list ...any) []record.Phase {
	var out []record.Phase
	var from time.Duration
	for i := 0; i+1 < len(list); i += 2 {
		to := list[i+1].(time.Duration)
		out = append(out, record.Phase{Name: list[i].(string), Started: from, Ended: to, Outcome: record.OutcomeDone})
		from = to
	}
	return out
}

// What checks of the samples say, in the forms of those of today. An answer that was not given has none.
var (
	unsaid    = record.SaidOf("")
	seenState = record.SaidOf("recorded: %s", "214 files, 88 packages, kernel 6.1.0-42-amd64")
	sameState = record.SaidOf("unchanged: %s", "214 files, 88 packages, kernel 6.1.0-42-amd64")
	stateDiff = []string{"/etc/app/config.yaml differs: sha256 2f9c11d0a84b6e35… before the upgrade, sha256 b07e93aa51c2d846… after the rollback",
		"package libpq5 differs: 15.8-0+deb12u1 before the upgrade, 15.9-0+deb12u1 after the rollback",
		"/etc/app/license.key is missing after the rollback: it was there before the upgrade"}
	otherState = record.SaidOf("%s, and %d more", stateDiff[0], 2)
	oneRow     = record.SaidOf("%s answered %q", "db", "1")
	noSession  = record.SaidOf("%s: %s", "db", "open a session: FATAL: "+noEntry)
	noAnswer   = record.SaidOf("%s: %s", "db", "no answer in time")
	allOrders  = record.SaidOf("table %s has %d rows", "orders", 104170)
	noQuery    = record.SaidOf("%v", "ask the database: connect: connection refused")
	flowGood   = record.SaidOf("%d iterations, %d checks passed%s", 10, 60, "")
	flowBad    = record.SaidOf("%d of %d iterations were good; failed: %s", 0, 10, "order is paid")
)

// noEntry is a server's.
const noEntry = `no pg_hba.conf entry for host "172.30.0.3"`

func answers(when record.When, from time.Duration, statuses ...any) []record.CheckResult {
	var out []record.CheckResult
	for i, c := range header().Checks {
		status := statuses[2*i].(record.CheckStatus)
		if status == "" {
			continue
		}
		start := from + time.Duration(i)*200*ms
		said := statuses[2*i+1].(*record.Said)
		out = append(out, record.CheckResult{Name: c.Name, Layer: c.Layer, When: when, Status: status,
			Message: said.English(), Said: said, Compared: when == "after" && c.Layer == record.LayerSystem,
			Started: start, Ended: start + 180*ms})
	}
	return out
}

func promised(b byte) *record.Digest {
	d, _ := record.ParseDigest(digest(b))
	d.PromisedBy, d.File, d.VerifiedBy = record.PromisedByList, "SHA256SUMS", record.VerifiedByLifeboat
	return &d
}

func restorePoints(started time.Time) []record.RestorePoint {
	consistent := started.Add(62*s - 14*time.Minute - 2*s)
	return []record.RestorePoint{
		{
			Backup:           "shop-db",
			Store:            "dir",
			Restore:          "postgres",
			Point:            "shop-2026-11-20.dump",
			Size:             1_901_222_333,
			Digest:           digest(2),
			Promise:          promised(2),
			ConsistentTo:     consistent,
			ConsistentSource: "manifest shop-2026-11-20.dump.manifest.yaml: the dump's own snapshot",
			Age:              started.Sub(consistent),
		},
		{Backup: "shop-app", Store: "dir", Restore: "oci", Point: "shop-app.tar", Size: 8_120_000, Digest: digest(3)},
	}
}

func restored(backup, during string, from, to time.Duration, generation int) record.RestoreFact {
	f := record.RestoreFact{Subject: record.Subject{Instance: "db", Generation: generation, Incident: generation - 1},
		Restored: record.Restored{
			Backup:   backup,
			Point:    "shop-2026-11-20.dump",
			Digest:   digest(2),
			Verified: true,
			Bytes:    1_901_222_333,
			Started:  from,
			Ended:    to,
			During:   during,
		}}
	if backup == "shop-app" {
		f.Subject.Instance, f.Bytes, f.Verified, f.Digest = "app", 8_120_000, false, digest(3)
		f.Notes = []string{"the image declares volumes, and holds nothing that was written to them: /data"}
	} else {
		note := record.SaidOf("role %s was made without login: the dump names it and does not hold it", "shop_owner")
		f.Notes, f.Said = []string{note.English()}, []record.Said{*note}
	}
	return f
}

func probes() []record.ProbeFact {
	var out []record.ProbeFact
	for _, instance := range []string{"db", "app", "db"} {
		for _, p := range []record.Probe{{Target: "control", Address: "127.0.0.1", Protocol: "tcp", Reached: true,
			Control: true},
			{Target: "host", Address: "172.30.0.1", Protocol: "tcp"}, {Target: "gateway", Address: "172.30.0.1",
				Protocol: "icmp"},
			{Target: "dns", Address: "192.0.2.53", Protocol: "udp"}, {Target: "outside", Address: "192.0.2.1",
				Protocol: "tcp"},
			{Target: "metadata", Address: "metadata", Protocol: "tcp"}} {
			out = append(out, record.ProbeFact{Subject: record.Subject{Instance: instance}, Probe: p})
		}
	}
	return out
}
