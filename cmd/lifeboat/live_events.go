package main

import (
	"slices"
	"time"

	"lifeboat/drills"
	"lifeboat/drills/detect"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// event puts one event of the journal on the board.
func (b *board) event(e drills.EventSeen) {
	b.begun = true
	if text := eventLine(b.words, e); text != "" {
		b.log = append(b.log, logLine{at: e.Elapsed, text: text, bad: isBad(e)})
		b.log = b.log[max(0, len(b.log)-keptLog):]
	}
	switch d := e.Data.(type) {
	case record.PhaseEvent:
		b.phase(e.Elapsed, d)
	case record.Restored:
		b.restored(d)
	case record.Booted:
		b.instance(e.Subject.Instance, "ready")
		b.booting()
	case record.Step:
		b.step(e.Subject.Incident, d)
	case record.PulseEvent:
		if f := b.scenario.Flow; f != nil && d.Pace != nil {
			b.pulse.edges = detect.EdgesOf(f.Latency.Std(), f.Tolerate.Share(), *d.Pace)
		}
		b.pulse.event(e.Elapsed, d)
	case record.Aborted:
		b.ending = true
	}
	b.clocks.event(e, b.scenario, &b.pulse)
}

// isBad tells which lines deserve the colour of trouble.
func isBad(e drills.EventSeen) bool {
	switch d := e.Data.(type) {
	case record.PhaseEvent:
		return d.Outcome == record.OutcomeFailed
	case record.Restored:
		return d.Bad() != ""
	case record.Step:
		return d.Outcome == record.OutcomeFailed
	case record.PulseEvent:
		return d.State == "red" || d.State == "broken"
	case record.FaultEvent:
		return slices.Contains([]string{"failed", "no-effect", record.FaultRemains, record.FaultUnasked}, d.State)
	case record.RollbackEvent:
		return d.State == "failed"
	case record.CheckResult:
		return d.Status != record.CheckPassed
	case record.CleanupEvent:
		return d.State == "failed" || d.State == "incomplete" || d.State == "unproved"
	case record.Diagnosis:
		return d.Class != ""
	case record.HarnessError, record.Aborted, record.BootFailure:
		return true
	}
	return false
}

func (b *board) phase(at time.Duration, p record.PhaseEvent) {
	i := slices.IndexFunc(b.phases, func(r phaseRow) bool { return r.name == p.Phase })
	if i < 0 {
		b.phases = append(b.phases, phaseRow{name: p.Phase})
		i = len(b.phases) - 1
	}
	r := &b.phases[i]
	switch p.Outcome {
	case "":
		*r = phaseRow{name: p.Phase, begun: at, state: phaseRunning}
		b.steps = stepsDone{phase: p.Phase, incident: max(1, b.clocks.incident)}
		b.booting()
		return
	case record.OutcomeDone:
		r.state = phaseDone
	case record.OutcomeFailed:
		r.state, r.error = phaseFailed, p.Error
	default:
		r.state = phaseSkipped
	}
	r.ended = at
}

func (b *board) restored(d record.Restored) {
	r := b.backup(d.Backup)
	if r == nil {
		return
	}
	r.seen, r.done, r.took = true, true, d.Ended-d.Started
	r.bad = d.Bad() != ""
	if d.Bytes > 0 {
		r.bytes = d.Bytes
	}
}

// plannedSteps are the steps of the phase that runs.
func (b *board) plannedSteps() []scenarios.Step {
	switch in := b.scenario.Incidents; {
	case b.steps.phase == record.PhasePrepare:
		return b.scenario.Prepare
	case b.steps.phase == record.PhaseUpgrade && b.steps.incident > 1 && b.steps.incident <= len(in):
		return in[b.steps.incident-1].Upgrade
	case b.steps.phase == record.PhaseUpgrade:
		return b.scenario.Upgrade
	case b.steps.phase == record.PhaseRollback && b.steps.incident <= len(in):
		return in[b.steps.incident-1].Rollback
	}
	return nil
}

func (b *board) step(incident int, d record.Step) {
	if incident > 0 {
		b.steps.incident = incident
	}
	steps := b.plannedSteps()
	if d.Outcome != record.OutcomeDone || d.Index >= len(steps) {
		return
	}
	b.steps.done = d.Index + 1
	switch st := steps[d.Index]; {
	case st.Stop != "":
		b.instance(st.Stop, "stopped")
	case st.Start != "":
		b.instance(st.Start, "ready")
	case st.Destroy != "":
		b.instance(st.Destroy, "destroyed")
	}
	b.booting()
}

// booting marks the instance whose turn it is: nothing is written when a boot begins.
func (b *board) booting() {
	if b.steps.phase == record.PhaseRestore {
		if i := slices.IndexFunc(b.instances, func(r instanceRow) bool { return r.state != "ready" }); i >= 0 {
			b.instances[i].state = "booting"
		}
		return
	}
	if steps := b.plannedSteps(); b.steps.done < len(steps) {
		switch st := steps[b.steps.done]; {
		case st.Boot != nil:
			b.instance(st.Boot.Instance, "booting")
		case st.Revert != nil:
			b.instance(st.Revert.On, "booting")
		case st.Reboot != "":
			b.instance(st.Reboot, "booting")
		}
	}
}

func (p *pulseRow) event(at time.Duration, d record.PulseEvent) {
	switch d.State {
	case "started":
		p.started, p.begun = true, at
		return
	case record.PulseRests, record.PulseGoesOn:
		return
	case "stopped", "broken":
		p.totals, p.final = d.Totals, true
		p.totals.Bad += p.totals.Unproven // nothing was asked in them: they prove nothing
	}
	p.state, p.since = d.State, d.At.Early
	if p.since == 0 {
		p.since = at
	}
}
