package record

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// The kinds of events.
const (
	KindOpened       Kind = "drill.opened"
	KindPhase        Kind = "phase"
	KindStep         Kind = "step"
	KindRestorePoint Kind = "restore.point"
	KindRestored     Kind = "restore.done"
	KindNetwork      Kind = "isolation.network"
	KindProbe        Kind = "isolation.probe"
	KindEgress       Kind = "isolation.egress"
	KindReach        Kind = "reach"
	KindPulse        Kind = "pulse"
	KindUpgrade      Kind = "upgrade"
	KindFault        Kind = "fault"
	KindIncident     Kind = "incident.opened"
	KindDetected     Kind = "incident.detected"
	KindDecided      Kind = "incident.decided"
	KindRollback     Kind = "incident.rollback"
	KindBooted       Kind = "instance.booted"
	KindBootFailed   Kind = "instance.failed"
	KindDiagnosis    Kind = "instance.diagnosis"
	KindDiskRead     Kind = "restore.read"
	KindWaited       Kind = "business.waited"
	KindHostLoad     Kind = "host.load"
	KindCheck        Kind = "check"
	KindHarness      Kind = "harness.error"
	KindObservation  Kind = "observation"
	KindNote         Kind = "note"
	KindAborted      Kind = "drill.aborted"
	KindCleanup      Kind = "cleanup"
	KindRaw          Kind = "raw"
	KindSealed       Kind = "drill.sealed"
	KindTorn         Kind = "torn" // a line cut off by a crash, closed by the reaper
)

// kinds is the one table of what the data of each kind is, and of what the record makes of it: each type has one kind.
var kinds = map[Kind]meaning{
	KindOpened: means((*Builder).header),
	KindPhase:  means((*Builder).phase),
	KindStep: means(func(b *Builder, e Event, s Step) {
		b.r.Steps = append(b.r.Steps, StepFact{e.Subject, s})
	}),
	KindRestorePoint: means((*Builder).restorePoint),
	KindRestored: means(func(b *Builder, e Event, x Restored) {
		b.r.Restores = append(b.r.Restores, RestoreFact{e.Subject, x})
	}),
	KindNetwork: means(func(b *Builder, _ Event, x Network) { b.r.Network = &x }),
	KindProbe: means(func(b *Builder, e Event, x Probe) {
		b.r.Probes = append(b.r.Probes, ProbeFact{e.Subject, x})
	}),
	KindEgress: means(func(b *Builder, e Event, x Egress) {
		b.r.Egress = append(b.r.Egress, EgressFact{e.Subject, x})
	}),
	KindReach:    means(func(b *Builder, _ Event, x Reach) { b.r.Reach = &x }),
	KindPulse:    means((*Builder).pulse),
	KindUpgrade:  means((*Builder).upgrade),
	KindFault:    means((*Builder).fault),
	KindIncident: means((*Builder).opened),
	KindDetected: means((*Builder).detected),
	KindDecided:  means((*Builder).decided),
	KindRollback: means((*Builder).rollback),
	KindBooted: means(func(b *Builder, e Event, x Booted) {
		b.r.Boots = append(b.r.Boots, BootFact{e.Subject, x})
	}),
	KindBootFailed: means(func(b *Builder, e Event, x BootFailure) {
		b.r.Failures = append(b.r.Failures, FailureFact{e.Subject, x})
	}),
	KindDiagnosis: means(func(b *Builder, e Event, x Diagnosis) {
		b.r.Diagnoses = append(b.r.Diagnoses, DiagnosisFact{e.Subject, x})
	}),
	KindDiskRead: means(func(b *Builder, _ Event, x DiskRead) { b.r.DiskReads = append(b.r.DiskReads, x) }),
	KindWaited:   means(func(b *Builder, _ Event, o Overdue) { b.r.Waited = append(b.r.Waited, o) }),
	KindHostLoad: means(func(b *Builder, _ Event, l HostLoad) { b.r.Loads = append(b.r.Loads, l) }),
	KindCheck:    means((*Builder).check),
	KindHarness:  means((*Builder).harness),
	KindObservation: means(func(b *Builder, _ Event, o Observation) {
		b.r.Observations = append(b.r.Observations, o)
	}),
	KindNote: means(func(b *Builder, e Event, n Note) {
		b.r.Notes = append(b.r.Notes, NoteFact{e.Elapsed, e.Actor, n})
	}),
	KindAborted: means((*Builder).aborted),
	KindCleanup: means((*Builder).cleaned),
	KindRaw:     means(func(b *Builder, _ Event, f RawFile) { b.r.Raw = append(b.r.Raw, f) }),
	KindSealed:  means((*Builder).seals),
	KindTorn:    means(func(b *Builder, _ Event, _ Torn) { b.r.Journal.Torn++ }),
}

// meaning of a kind of event.
type meaning struct {
	of     reflect.Type
	decode func(json.RawMessage) (any, error)
	enter  func(b *Builder, e Event, data any)
}

func means[T any](enter func(*Builder, Event, T)) meaning {
	return meaning{
		of: reflect.TypeFor[T](),
		decode: func(raw json.RawMessage) (any, error) {
			var v T
			if err := json.Unmarshal(raw, &v); err != nil {
				return nil, fmt.Errorf("read its data: %w", err)
			}
			return v, nil
		},
		enter: func(b *Builder, e Event, data any) { enter(b, e, data.(T)) },
	}
}

// Decode gives the data of an event as a value of its kind's type: PhaseEvent, Restored, … nil is the data of a kind
// that this program does not know.
func Decode(e Event) (any, error) {
	k, known := kinds[e.Kind]
	if !known {
		return nil, nil
	}
	return k.decode(e.Data)
}

// KindOf is the kind of the events whose data have the type of v; "" where no event has.
func KindOf(v any) Kind {
	for kind, m := range kinds {
		if m.of == reflect.TypeOf(v) {
			return kind
		}
	}
	return ""
}
