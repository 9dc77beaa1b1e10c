package main

import (
	"cmp"
	"slices"
	"time"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// event puts one event of the journal on the board.
func (b *board) event(e record.Event) {
	b.begun = true
	data, err := record.Decode(e)
	if err == nil {
		err = b.journal.Add(e)
	}
	if err != nil { // the record cannot be made either
		data = record.HarnessError{Error: err.Error()}
	}
	b.incident = b.journal.Watched()
	if l := lineOf(b.words, e, data); l.text != "" {
		b.log = append(b.log, loggedLine{l, e.Elapsed})
		b.log = b.log[max(0, len(b.log)-keptLog):]
	}
	switch d := data.(type) {
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
		b.pulse.event(e.Elapsed, d)
	case record.Aborted:
		b.ending = true
	}
}

// number of the incident that goes on; 1 before any.
func (b *board) number() int {
	if b.incident == nil {
		return 1
	}
	return b.incident.ID
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
		b.steps = stepsDone{phase: p.Phase, incident: b.number()}
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
	if t := steps[d.Index].Traits(); t.Done != "" {
		b.instance(t.On, t.Done)
	}
	b.booting()
}

// booting marks the instances whose turn it is: nothing is written when a boot begins.
func (b *board) booting() {
	if b.steps.phase == record.PhaseRestore {
		for _, name := range b.restoring(b.isReady) {
			b.instance(name, "booting")
		}
		return
	}
	if steps := b.plannedSteps(); b.steps.done < len(steps) {
		if t := steps[b.steps.done].Traits(); t.Begun != "" {
			b.instance(t.On, t.Begun)
		}
	}
}

func (b *board) isReady(name string) bool {
	return slices.Contains(b.instances, instanceRow{name: name, state: "ready"})
}

func (p *pulseRow) event(at time.Duration, d record.PulseEvent) {
	switch d.State {
	case record.PulseStarted:
		p.started, p.begun = true, at
		return
	case record.PulseRests, record.PulseTurns, record.PulseGoesOn:
		return
	case record.PulseStopped, record.PulseBroken:
		p.totals, p.final = d.Totals, true
		p.totals.Bad += p.totals.Unproven // nothing was asked in them: they prove nothing
	}
	p.state, p.since = d.State, d.At.Early
	p.since = cmp.Or(p.since, at)
}
