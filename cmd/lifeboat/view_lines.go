package main

import (
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/record"
)

// line is what a person is told of an event. Events that only machines read have no text; bad ones deserve the colour of trouble.
type line struct {
	text string
	bad  bool
}

// teller makes the line of one event.
type teller struct {
	words
	instance string
}

func lineOf(w words, e record.Event, data any) line {
	t := teller{w, e.Subject.Instance}
	if l := t.course(data); l.text != "" {
		return l
	}
	return t.incident(data)
}

func (t teller) says(bad bool, id string, kv ...string) line {
	args := map[string]string{"instance": t.instance}
	for i := 0; i+1 < len(kv); i += 2 {
		args[kv[i]] = kv[i+1]
	}
	return line{clean(t.Text("live."+id, args)), bad}
}

// course tells of phases, steps, machines and the drill itself.
func (t teller) course(data any) line {
	switch d := data.(type) {
	case record.PhaseEvent:
		name := t.Text("phase."+d.Phase, nil)
		switch d.Outcome {
		case "":
			return t.says(false, "phase", "phase", name)
		case record.OutcomeFailed:
			return t.says(true, "phase_failed", "phase", name, "error", d.Error)
		}
	case record.Restored:
		if d.Bad() != "" {
			return t.says(true, "restore_failed", "backup", d.Backup, "error", notRestored(t.words, d))
		}
		return t.says(false, "restored", "backup", d.Backup, "bytes", strconv.FormatInt(d.Bytes, 10),
			"time", (d.Ended - d.Started).String())
	case record.BootFailure:
		last := ""
		if n := len(d.Lines); n > 0 && !strings.Contains(d.Why, d.Lines[n-1]) {
			last = d.Lines[n-1]
		}
		return t.says(true, "boot_failed", "why", d.Why, "last", last)
	case record.Booted:
		if d.Unseen {
			return t.says(false, "booted_unseen")
		}
		return t.says(false, "booted", "time", (d.Ready - d.Started).String())
	case record.Step:
		switch d.Outcome {
		case record.OutcomeDone:
			return t.says(false, "step", "step", d.What)
		case record.OutcomeFailed:
			return t.says(true, "step_failed", "step", d.What, "error", d.Error)
		}
		return t.says(false, "step_not_reached", "step", d.What)
	case record.Observation:
		return line{clean(t.cat.Observation(t.lang, d)), false}
	case record.Note:
		return t.says(false, "note", "text", d.Text)
	case record.HarnessError:
		return t.says(true, "harness", "error", d.Error)
	case record.Aborted:
		return t.says(true, "aborted", "why", d.Why)
	case record.CleanupEvent:
		if slices.Contains([]record.CleanupState{record.CleanupProved, record.CleanupIncomplete, record.CleanupUnproved,
			record.CleanupFailed, record.CleanupKept}, d.State) {
			bad := d.State != record.CleanupProved && d.State != record.CleanupKept
			return t.says(bad, "cleanup_"+string(d.State), "name", strings.TrimSpace(d.What+" "+d.Name), "error", d.Error,
				"left", strings.Join(d.Left, ", "), "disks", strings.Join(d.DiskLost, ", "), "count", strconv.Itoa(d.Count))
		}
	}
	return line{}
}

// incident tells of the business, of what breaks it and of the way back.
func (t teller) incident(data any) line {
	switch d := data.(type) {
	case record.PulseEvent:
		return t.says(d.State == record.PulseRed || d.State == record.PulseBroken, "pulse_"+string(d.State), "why", d.Why)
	case record.FaultEvent:
		bad := slices.Contains([]record.FaultState{record.FaultFailed, record.FaultNoEffect, record.FaultRemains, record.FaultUnasked}, d.State)
		return t.says(bad, "fault_"+string(d.State), "fault", d.Kind, "on", d.On, "note", d.Note)
	case record.Diagnosis:
		if d.Class != "" {
			return t.says(true, "diagnosed", "class", t.cat.Named(t.lang, "diagnosis_class", d.Class), "words", d.Words)
		}
	case record.Detected:
		return t.says(false, "detected", "rule", d.Rule, "seen", d.Seen)
	case record.Decision:
		by := d.By
		if by == record.BySimulated {
			by = t.Text("decided_by.simulated", nil)
		}
		return t.says(false, "decided", "decision", t.Text("decision."+string(d.Outcome), nil), "by", by)
	case record.RollbackEvent:
		return t.says(d.State == record.RollbackFailed, "rollback_"+string(d.State), "error", d.Error)
	case record.CheckResult:
		return t.says(d.Status != record.CheckPassed, "check", "layer", t.Text("layer."+string(d.Layer), nil), "check", d.Name,
			"when", t.Text("when."+string(d.When), nil), "status", t.Text("check."+string(d.Status), nil), "message", t.cat.Said(t.lang, d.Said, d.Message))
	}
	return line{}
}

// notRestored says why a restore went wrong, in the words of the catalogue where it has some.
func notRestored(w words, d record.Restored) string {
	switch {
	case d.Kind != nil:
		return w.Text("backup.kind_is", map[string]string{"kind": d.Kind.Name, "said": d.Kind.Said, "why": d.Kind.Why})
	case d.Misfit != nil:
		return w.Text("backup.misfit", map[string]string{"what": d.Misfit.What, "has": d.Misfit.Has, "wants": d.Misfit.Wants})
	case d.Missing != nil && d.Missing.Store != "":
		return w.Text("backup.unasked", map[string]string{"why": d.Missing.Store})
	case d.Missing != nil && d.Missing.Name == "":
		return w.Text("backup.none", nil)
	case d.Missing != nil:
		return w.Text("backup.missing", map[string]string{"name": d.Missing.Name, "why": d.Missing.Why})
	}
	return d.Bad()
}
