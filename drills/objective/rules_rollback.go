package objective

import (
	"slices"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// removed: a fault that is still in force when everything was verified was verified with it, and the clean-up undid it.
// Journals that do not number their faults asked none again.
func (j *judge) removed(in *record.Incident) {
	for _, f := range in.Faults {
		if f.Index == 0 || f.Effective == nil || f.Ended != nil {
			continue
		}
		if len(f.Again) == 0 && in.Rollback == record.RollbackDone {
			j.unknown("fault.unasked", faultArgs(in.ID, f, ""))
		}
		for _, asked := range f.Again {
			a := faultArgs(in.ID, f, asked.Note)
			switch {
			case j.left(asked.After):
				j.stands(a, asked)
			case asked.State == record.FaultRemains && asked.Expected:
				j.failed("fault.remains", faultArgs(in.ID, f, ""))
				j.finding("high", "fault.remains", faultArgs(in.ID, f, ""))
			case asked.State == record.FaultRemains:
				j.unknown("fault.left", faultArgs(in.ID, f, ""))
			case asked.State != record.FaultRemoved:
				j.unknown("fault.unasked", a)
			case !asked.Expected:
				j.unknown("fault.unclaimed", a)
			}
		}
	}
}

// left tells whether it was decided to leave an incident as it was.
func (j *judge) left(incident int) bool {
	in := j.incident(incident)
	return in != nil && in.T3 == nil && in.Decision != nil && !in.Decision.RollsBack()
}

// stands: where nothing was rolled back, nobody promised that the fault would go. The business lives with one that is
// still in force, and the next restart may meet it: a reader must know that.
func (j *judge) stands(a args, asked record.FaultAsked) {
	switch asked.State {
	case record.FaultRemoved:
	case record.FaultRemains:
		a["why"] = ""
		j.v.Weak = append(j.v.Weak, record.Reason{ID: "fault.stands", Args: a})
	default:
		j.v.Weak = append(j.v.Weak, record.Reason{ID: "fault.stands_unasked", Args: a})
	}
}

func faultArgs(incident int, f record.FaultFact, why string) args {
	return args{"fault": f.Kind, "on": f.On, "incident": number(incident), "why": why}
}

// inGreen: a rollback that began when the business was back already, and stayed so for as long as it must, brought
// nothing back.
func (j *judge) inGreen(in *record.Incident) {
	if j.r.Pulse == nil || in.Trigger == record.TriggerOrder || in.T0 == nil || in.T3 == nil {
		return
	}
	reds := j.r.Pulse.Reds
	next := slices.IndexFunc(reds, func(s record.Stretch) bool { return s.Open || s.To.Late > in.T3.Early })
	if next < 0 {
		next = len(reds)
	}
	if next == 0 || next < len(reds) && reds[next].From.Late <= in.T3.Early { // never red before, or red when it began
		return
	}
	since := reds[next-1].To
	if since.Late <= in.T0.Early { // green since before the effect: whether anybody saw one is asked elsewhere
		return
	}
	end := j.end(in)
	if next < len(reds) {
		end = min(end, reds[next].From.Early)
	}
	if lasted := end - since.Late; lasted >= j.r.Header.Stable() {
		j.unknown("rollback.in_green", args{"incident": number(in.ID), "since": span(since.Late),
			"before": span(in.T3.Early - since.Late)})
	}
}

// idle names a rollback of which no step changed anything: the same machines, and no command that ran.
func (j *judge) idle(in *record.Incident) {
	if in.Rollback != record.RollbackDone {
		return
	}
	taken := 0
	for _, s := range j.r.Steps {
		ours := s.Subject.Incident == in.ID && s.Phase == record.PhaseRollback && s.Outcome == record.OutcomeDone
		if ours && (s.Kind == "" || scenarios.TraitsOf(s.Kind).Changes) {
			return
		}
		if ours {
			taken++
		}
	}
	if taken > 0 {
		j.observe("rollback.changed_nothing", args{"incident": number(in.ID)})
	}
}
