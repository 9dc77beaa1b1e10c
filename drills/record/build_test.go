package record

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// journal is a made-up one; the elapsed time of each event is given in seconds.
type journal struct {
	t      testing.TB
	events []Event
}

func begin(t testing.TB, h Header) *journal {
	h.Version = Version
	j := &journal{t: t}
	return j.add(0, KindOpened, Subject{}, h)
}

func (j *journal) add(at float64, kind Kind, s Subject, data any) *journal {
	raw, err := json.Marshal(data)
	require.NoError(j.t, err)
	j.events = append(j.events, Event{Seq: int64(len(j.events) + 1), Elapsed: secs(at), Actor: ActorLifeboat, Kind: kind,
		Subject: s, Data: raw})
	return j
}

func (j *journal) edge(state PulseState, early, late float64) *journal {
	return j.add(late, KindPulse, Subject{}, PulseEvent{State: state, At: Moment{secs(early), secs(late)}})
}

func (j *journal) build() *Record {
	r, err := Build(j.events)
	require.NoError(j.t, err)
	return r
}

func secs(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func fault(state FaultState, early, late float64) FaultEvent {
	return FaultEvent{Kind: "f", On: "db", State: state, At: Moment{secs(early), secs(late)}}
}

func TestT0(t *testing.T) {
	t.Parallel()
	one := Subject{Incident: 1}
	cases := []struct {
		name    string
		trigger Trigger
		events  func(*journal)
		want    *Moment
		source  string
	}{
		{"the pulse sees it first", TriggerFault, func(j *journal) {
			j.add(5, KindFault, one, fault("injected", 4, 5)).edge("red", 4.5, 5.5).
				add(9, KindFault, one, fault("effective", 6, 9))
		}, &Moment{secs(4.5), secs(5.5)}, "pulse"},
		{"the fault is confirmed first", TriggerFault, func(j *journal) {
			j.add(5, KindFault, one, fault("injected", 4, 5)).add(6, KindFault, one, fault("effective", 5,
				6)).edge("red", 6, 7)
		}, &Moment{secs(5), secs(6)}, "fault"},
		{"only a check sees it", TriggerFault, func(j *journal) {
			j.add(5, KindFault, one, fault("injected", 4, 5)).add(8, KindCheck, one,
				CheckResult{Name: "c", When: "broken", Status: CheckFailed, Started: secs(7), Ended: secs(8)})
		}, &Moment{secs(4), secs(8)}, "check"},
		{"no effect", TriggerFault, func(j *journal) {
			j.add(5, KindFault, one, fault("injected", 4, 5)).add(6, KindFault, one, fault("no-effect", 5, 6))
		}, nil, ""},
		{"red only before the fault", TriggerFault, func(j *journal) {
			j.edge("red", 1, 1.5).edge("green", 2, 2.5).add(5, KindFault, one, fault("injected", 4, 5))
		}, nil, ""},
		{"red already, and it stays", TriggerFault, func(j *journal) {
			j.edge("red", 1, 1.5).add(5, KindFault, one, fault("injected", 4, 5)).add(6, KindFault, one,
				fault("effective", 4, 6))
		}, &Moment{secs(4), secs(5)}, "pulse"},
		{"a red edge cannot come before the injection", TriggerFault, func(j *journal) {
			j.add(5, KindFault, one, fault("injected", 4, 5)).edge("red", 2, 5.5)
		}, &Moment{secs(4), secs(5.5)}, "pulse"},
		{"the upgrade breaks it for good", TriggerUpgrade, func(j *journal) {
			j.add(3, KindUpgrade, Subject{}, UpgradeEvent{State: "started"}).edge("red", 4, 4.5).
				add(5, KindUpgrade, Subject{}, UpgradeEvent{State: "ended"}).add(5, KindIncident, one, IncidentEvent{})
		}, &Moment{secs(4), secs(4.5)}, "pulse"},
		{"planned downtime of the upgrade is no effect", TriggerUpgrade, func(j *journal) {
			j.add(3, KindUpgrade, Subject{}, UpgradeEvent{State: "started"}).edge("red", 3.5, 3.6).edge("green", 3.8, 3.9).
				add(5, KindUpgrade, Subject{}, UpgradeEvent{State: "ended"}).add(5, KindIncident, one, IncidentEvent{}).
				edge("red", 6, 6.5)
		}, &Moment{secs(6), secs(6.5)}, "pulse"},
		{"the order", TriggerOrder, func(j *journal) {
			j.add(5, KindIncident, one, IncidentEvent{Trigger: TriggerOrder, At: At(secs(4.9))}).edge("red", 6, 6.5)
		}, &Moment{secs(4.9), secs(4.9)}, "order"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := begin(t, Header{Trigger: c.trigger})
			j.add(0, KindPulse, Subject{}, PulseEvent{State: "started"}).edge("green", 0, 0.1)
			c.events(j)
			j.add(60, KindPulse, Subject{}, PulseEvent{State: "stopped", At: At(secs(60)), Totals: PulseTotals{Good: 1,
				Bad: 1}})
			r := j.build()
			require.Len(t, r.Incidents, 1)
			assert.Equal(t, c.want, r.Incidents[0].T0)
			assert.Equal(t, c.source, r.Incidents[0].T0Source)
		})
	}
}

// From the rollback at 10 s on; the pulse stops at 100 s; green must last 30 s.
func TestRecovery(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		pulse  func(*journal)
		t5, t6 *Moment
	}{
		{"back once", func(j *journal) { j.edge("red", 5, 6).edge("green", 40, 41) },
			&Moment{secs(40), secs(41)}, &Moment{secs(40), secs(41)}},
		{"flickers", func(j *journal) {
			j.edge("red", 5, 6).edge("green", 40, 41).edge("red", 50, 51).edge("green",
				60, 61)
		},
			&Moment{secs(40), secs(41)}, &Moment{secs(60), secs(61)}},
		{"exactly long enough", func(j *journal) { j.edge("red", 5, 6).edge("green", 69, 70) },
			&Moment{secs(69), secs(70)}, &Moment{secs(69), secs(70)}},
		{"not long enough by 1 ns", func(j *journal) {
			j.edge("red", 5, 6).add(71, KindPulse, Subject{}, PulseEvent{State: "green", At: Moment{secs(69), secs(70) + 1}})
		}, &Moment{secs(69), secs(70) + 1}, nil},
		{"red at the end", func(j *journal) { j.edge("red", 5, 6).edge("green", 40, 41).edge("red", 90, 91) },
			&Moment{secs(40), secs(41)}, nil},
		{"never back", func(j *journal) { j.edge("red", 5, 6) }, nil, nil},
		{"never red", func(*journal) {}, &Moment{secs(10), secs(10)}, &Moment{secs(10), secs(10)}},
		{"red only because of the rollback", func(j *journal) { j.edge("red", 12, 13).edge("green", 20, 21) },
			&Moment{secs(20), secs(21)}, &Moment{secs(20), secs(21)}},
		{"back before the rollback, by itself", func(j *journal) { j.edge("red", 5, 6).edge("green", 7, 8) },
			&Moment{secs(10), secs(10)}, &Moment{secs(10), secs(10)}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := begin(t, Header{Trigger: TriggerFault, StableFor: secs(30)})
			j.add(0, KindPulse, Subject{}, PulseEvent{State: "started"}).edge("green", 0, 0.1)
			c.pulse(j)
			j.add(10, KindRollback, Subject{Incident: 1}, RollbackEvent{State: "started"})
			j.add(100, KindPulse, Subject{}, PulseEvent{State: "stopped", At: At(secs(100)), Totals: PulseTotals{Good: 9}})
			in := j.build().Incidents[0]
			assert.Equal(t, c.t5, in.T5)
			assert.Equal(t, c.t6, in.T6)
			crashed := begin(t, Header{Trigger: TriggerFault, StableFor: secs(30)})
			crashed.events = j.events[:len(j.events)-1]
			assert.Nil(t, crashed.build().Incidents[0].T6, "the pulse was never stopped")
		})
	}
}

func TestBuildRefuses(t *testing.T) {
	t.Parallel()
	good := func() *journal { return begin(t, Header{}) }
	for name, events := range map[string][]Event{
		"nothing":              nil,
		"no header":            good().add(1, KindNote, Subject{}, Note{}).events[1:],
		"another version":      {{Seq: 1, Kind: KindOpened, Data: json.RawMessage(`{"version":2}`)}},
		"data of another kind": good().add(1, KindNote, Subject{}, 7).events,
		"opened twice":         good().add(1, KindOpened, Subject{}, Header{}).events,
		"a fact after the seal": good().add(1, KindSealed, Subject{}, Sealed{}).
			add(2, KindCheck, Subject{}, CheckResult{Status: CheckPassed}).events,
	} {
		_, err := Build(events)
		assert.Error(t, err, name)
	}
}

func TestCleanupOfTheReaperCounts(t *testing.T) {
	t.Parallel()
	j := begin(t, Header{}).add(1, KindCleanup, Subject{}, CleanupEvent{State: "failed", What: "volume", Name: "v"})
	j.add(1, KindCleanup, Subject{}, CleanupEvent{State: "incomplete", Left: []string{"v"}})
	assert.Len(t, j.build().Cleanup.Failed, 2)
	j.add(1, KindSealed, Subject{}, Sealed{})
	j.add(2, KindCleanup, Subject{}, CleanupEvent{State: "undone", What: "volume", Name: "v"})
	j.add(3, KindCleanup, Subject{}, CleanupEvent{State: "proved"})
	for i := range j.events[4:] {
		j.events[4+i].Actor = ActorReaper
	}
	r := j.build()
	assert.Empty(t, r.Cleanup.Failed)
	assert.Equal(t, &Moment{secs(3), secs(3)}, r.Cleanup.T8)
	assert.Equal(t, ActorReaper, r.Cleanup.By)
	assert.Equal(t, RunCompleted, r.Status)
}

func TestRestorePointIsEnteredOnce(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	r := begin(t, Header{}).add(1, KindRestorePoint, Subject{}, RestorePoint{Backup: "b", Point: "p", ConsistentTo: at}).
		add(2, KindRestorePoint, Subject{}, RestorePoint{Backup: "b", Point: "p", Digest: "sha256:1"}).
		add(3, KindRestorePoint, Subject{}, RestorePoint{Backup: "b", Point: "p", Digest: "sha256:2"}).build()
	require.Len(t, r.RestorePoints, 2, "another digest is another restore point")
	assert.Equal(t, at, r.RestorePoints[0].ConsistentTo)
	assert.Equal(t, "sha256:1", r.RestorePoints[0].Digest)
}

// FuzzBuild: data of any kind in any order never makes Build panic.
func FuzzBuild(f *testing.F) {
	kinds := []Kind{KindPhase, KindStep, KindRestorePoint, KindRestored, KindProbe, KindEgress, KindPulse, KindUpgrade,
		KindFault, KindIncident, KindDetected, KindDecided, KindRollback, KindBooted, KindCheck, KindHarness, KindCleanup,
		KindAborted, KindSealed, KindTorn, "unknown"}
	f.Add([]byte("\x06\x00\x0c\x0e"),
		`{"state":"red","status":"failed","when":"broken","at":{"early_ns":5,"late_ns":1}}`, 1)
	f.Add([]byte("\x08\x09\x0a\x0b\x0c\x0d"), `{"state":"started"}`, -3)
	f.Fuzz(func(_ *testing.T, order []byte, data string, incident int) {
		events := []Event{{Seq: 1, Kind: KindOpened, Actor: ActorLifeboat,
			Data: json.RawMessage(`{"version":1,"trigger":"fault"}`)}}
		for i, k := range order {
			events = append(events, Event{Seq: int64(i + 2), Elapsed: time.Duration(i) * time.Second, Actor: ActorLifeboat,
				Kind: kinds[int(k)%len(kinds)], Subject: Subject{Incident: incident + i%2}, Data: json.RawMessage(data)})
		}
		_, _ = Build(events) // most of them are no journals
	})
}

// A summer that ends during a drill moves none of its times of day, wherever its record is computed.
func TestOneZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	here := time.Local
	t.Cleanup(func() { time.Local = here })
	for _, zone := range []*time.Location{berlin, time.UTC} {
		time.Local = zone
		r := begin(t, Header{Started: time.Date(2026, 10, 25, 1, 30, 0, 0, berlin)}).build()
		assert.Equal(t, "03:30 +02:00", r.Header.Started.Add(2*time.Hour).Format("15:04 -07:00"), zone)
	}
}
