package reports

import (
	"time"

	"lifeboat/drills/record"
)

// kernelDrill: an emulated virtual machine, one kernel upgrade, three ways back.
func kernelDrill() sample {
	h := header()
	h.Scenario, h.Number, h.Series, h.Trigger, h.Risk, h.PulseRate = "kernel-module-conflict", 3, "shop tills",
		record.TriggerUpgrade, "", 2
	h.Title = record.Text{"en": "A kernel upgrade loses a third-party module", "zh": "内核升级后第三方内核模块无法加载"}
	h.Service, h.People, h.Production, h.StableFor = "shop tills", nil, nil, 10*s
	h.Objectives = []record.Objective{{Name: "start_rollback", Limit: 30 * time.Minute},
		{Name: "restored", Limit: 2 * time.Hour}, {Name: "outage", Limit: 2 * time.Hour},
		{Name: "boot", Limit: 10 * time.Minute}}
	h.Instances = []record.InstancePlan{{Name: "pos", Kind: "qemu", Backup: "shop-pos", Basis: record.BasisMeasured}}
	upgraded := []string{"revert pos to upgraded"}
	h.Incidents = []record.IncidentPlan{
		{ID: 1, Name: "snapshot", Rollback: []string{"revert pos to before"}},
		{ID: 2, Name: "old kernel", Upgrade: upgraded, Rollback: []string{"select kernel before on pos", "reboot pos"}},
		{ID: 3, Name: "rebuild", Upgrade: upgraded, Rollback: []string{"destroy pos", "boot pos"}},
	}
	h.Checks = []record.CheckPlan{{Name: "kernel, packages and modules as before", Layer: record.LayerSystem},
		{Name: "the service is healthy", Layer: record.LayerService},
		{Name: "log in, order, read back", Layer: record.LayerBusiness}}
	h.Excluded = map[record.Layer]string{record.LayerData: "the orders are read back by the flow"}
	r := &record.Record{Header: h, Status: record.RunCompleted, Ended: 660 * s,
		RestorePoints: []record.RestorePoint{{Backup: "shop-pos", Store: "http", Restore: "disk", Point: "shop-pos.qcow2",
			Size: 391_118_848, Digest: digest(4), Promise: promised(4)}},
		Upgrade: &record.Window{From: record.At(60 * s), To: record.At(170 * s)},
		Pulse: &record.Pulse{Window: record.Window{From: record.At(40 * s), To: record.At(640 * s)},
			Totals: record.PulseTotals{Good: 760, Bad: 440, P95: 81 * ms}},
		DiskReads: []record.DiskRead{{Backup: "shop-pos", Fetched: 103_809_024, Size: 391_118_848},
			{Backup: "shop-pos", Fetched: 98_566_144, Size: 391_118_848}},
		Observations: []record.Observation{{ID: "upgrade.conflict", Args: map[string]string{"instance": "pos",
			"running": "6.1.0-42-amd64", "next": "6.12.63+deb12-amd64", "modules": "vendordev", "on_conflict": "go-on",
			"why": "vendordev: no build for 6.12.63+deb12-amd64, and the one for 6.1.0-42-amd64 does not fit " +
				"(module_layout 0x3b1ee1bc against 0x1d2b0d41)"}}},
		Raw: []record.RawFile{{Path: "raw/screen-pos-1.png", Digest: digest(6), Size: 4_120},
			{Path: "raw/pulse.ndjson", Digest: digest(8), Size: 204_331}},
		Cleanup: record.Cleanup{T8: at(655 * s), Undone: 6, By: "lifeboat"},
		Journal: record.JournalFact{Events: 187, Digest: digest(9)}}
	r.Phases = phases("precheck", s, "restore", 30*s, "baseline", 60*s, "upgrade", 170*s)
	kernelProbes(r)
	kernelRestore(r, 2*s, 1, 0)
	kernelBoot(r, 2*s, 30*s, 1, 0)
	kernelAnswers(r, "before", 0, 32*s)
	for i, began := range []time.Duration{160 * s, 320 * s, 480 * s} {
		kernelIncident(r, i+1, began, []time.Duration{17 * s, 19 * s, 21 * s}[i])
	}
	r.Diagnoses = []record.DiagnosisFact{
		{Subject: record.Subject{Instance: "pos", Generation: 1, Incident: 1}, Diagnosis: record.Diagnosis{
			At: 203 * s, Lines: []string{"[  OK  ] Reached target multi-user.target", "", "pos login: "},
			Screen: "screen-pos-1.png"}},
		{Subject: record.Subject{Instance: "pos", Generation: 1, Incident: 2}, Diagnosis: record.Diagnosis{
			Class: "kernel-panic", Words: "kernel panic: VFS: Unable to mount root fs on unknown-block(0,0)",
			Source: "console", At: 364 * s, Screen: "screen-pos-2.png",
			Lines: []string{"[    2.113] VFS: Cannot open root device \"\" or unknown-block(0,0): error -6",
				"[    2.114] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"}}},
	}
	return sample{name: "kernel-drill", want: record.StatusPassed, record: r}
}

func kernelProbes(r *record.Record) {
	for _, p := range probes()[:6] {
		p.Subject.Instance = "pos"
		r.Probes = append(r.Probes, p)
	}
}

func kernelRestore(r *record.Record, from time.Duration, generation, incident int) {
	during := "restore"
	if incident > 0 {
		during = "rollback"
	}
	r.Restores = append(r.Restores, record.RestoreFact{
		Subject: record.Subject{Instance: "pos", Generation: generation, Incident: incident},
		Restored: record.Restored{Backup: "shop-pos", Point: "shop-pos.qcow2", Digest: digest(4), Verified: true,
			Bytes: 391_118_848, Started: from, Ended: from + 3200*ms, During: during, Verifying: 3100 * ms}})
}

func kernelBoot(r *record.Record, from, to time.Duration, generation, incident int) {
	r.Boots = append(r.Boots, record.BootFact{
		Subject: record.Subject{Instance: "pos", Generation: generation, Incident: incident},
		Booted: record.Booted{Started: from, Ready: to, Basis: record.BasisEmulated, Facts: map[string]string{
			"acceleration": "tcg", "control": "guest agent", "firmware": "bios", "format": "qcow2", "clock_skew": "-120ms"}}})
}

func kernelAnswers(r *record.Record, when record.When, incident int, from time.Duration) {
	for i, c := range r.Header.Checks {
		start := from + time.Duration(i)*s
		r.Checks = append(r.Checks, record.CheckResult{Name: c.Name, Layer: c.Layer, When: when,
			Status: record.CheckPassed, Message: sameState.English(), Said: sameState, Compared: when == "after" && c.Layer == record.LayerSystem,
			Incident: incident, Started: start, Ended: start + 900*ms})
	}
}

// kernelIncident: red 2 s after it begins, detected after 40 s, rolled back 3 s later, booted after a while.
func kernelIncident(r *record.Record, id int, began, boots time.Duration) {
	rolled := began + 45*s
	booted := rolled + boots
	generation := 1
	if id == 3 {
		generation = 2
		kernelRestore(r, rolled+s, generation, id)
	}
	kernelBoot(r, rolled+s, booted, generation, id)
	if id == 1 {
		r.Pulse.Rests = []record.Rest{{Window: record.Window{From: record.At(began + 44*s), To: record.At(rolled)}, Flow: "new.js",
			Scenario: "buy", Turn: true}}
	}
	r.Pulse.Reds = append(r.Pulse.Reds, record.Stretch{Why: "POST /orders: 503, no signing device", Incident: id,
		Window: record.Window{From: *between(began+2*s, began+2500*ms), To: *between(booted+s, booted+1500*ms)}})
	done := record.At(booted)
	r.Incidents = append(r.Incidents, record.Incident{ID: id, Trigger: record.TriggerUpgrade, Begin: began,
		T0: between(began+2*s, began+2500*ms), T0Source: "pulse", T1: at(began + 42*s), T2: at(began + 44*s),
		T3: at(rolled), T4: at(booted), T5: between(booted+s, booted+1500*ms), T6: between(booted+s, booted+1500*ms),
		T7: at(booted + 15*s), Rule: "flow.failed > 50% for 30s", Rollback: "done", RolledBack: &done,
		Decision: &record.Decision{Outcome: "full-rollback", By: "simulated", At: record.At(began + 44*s)}})
	kernelAnswers(r, "after", id, booted+12*s)
	for i, what := range r.Header.Incidents[id-1].Rollback {
		r.Steps = append(r.Steps, record.StepFact{Subject: record.Subject{Instance: "pos", Incident: id}, Step: record.Step{
			Phase: "rollback", Index: i, What: what, Outcome: record.OutcomeDone, Started: rolled + time.Duration(i)*s,
			Ended: booted}})
	}
}
