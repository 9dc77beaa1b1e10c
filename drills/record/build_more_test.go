package record

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recovered is a drill whose business is back at 40 s and whose one check is asked as told.
func recovered(t *testing.T, results ...CheckResult) Incident {
	t.Helper()
	j := begin(t, Header{Trigger: TriggerFault, StableFor: secs(30), Checks: []CheckPlan{{Name: "rows",
		Layer: LayerData}}})
	j.add(0, KindPulse, Subject{}, PulseEvent{State: "started"}).edge("green", 0, 0.1).edge("red", 5, 6)
	j.add(10, KindRollback, Subject{Incident: 1}, RollbackEvent{State: "started"}).edge("green", 39, 40)
	for _, c := range results {
		c.Name, c.Layer, c.When = "rows", LayerData, "after"
		j.add(c.Ended.Seconds(), KindCheck, Subject{Incident: 1}, c)
	}
	j.add(100, KindPulse, Subject{}, PulseEvent{State: "stopped", At: At(secs(100)), Totals: PulseTotals{Good: 9}})
	return j.build().Incidents[0]
}

func TestT7(t *testing.T) {
	t.Parallel()
	at := func(s float64, status CheckStatus) CheckResult {
		return CheckResult{Status: status, Started: secs(s - 1), Ended: secs(s)}
	}
	assert.Equal(t, &Moment{secs(50), secs(50)}, recovered(t, at(50, CheckPassed)).T7, "the check is last")
	assert.Equal(t, &Moment{secs(39), secs(40)}, recovered(t, at(30, CheckPassed)).T7, "the business is last")
	assert.Equal(t, &Moment{secs(60), secs(60)}, recovered(t, at(50, CheckPassed), at(60, CheckPassed)).T7,
		"asked twice")
	assert.Nil(t, recovered(t).T7, "not asked")
	assert.Nil(t, recovered(t, at(9, CheckPassed)).T7, "asked before the rollback")
	assert.Nil(t, recovered(t, at(50, CheckFailed), at(60, CheckPassed)).T7, "failed once")
	assert.Nil(t, recovered(t, at(50, CheckSkipped)).T7, "skipped")
}

func TestT4(t *testing.T) {
	t.Parallel()
	at := func(name string, ready float64, unseen bool) func(*journal) {
		return func(j *journal) {
			j.add(ready, KindBooted, Subject{Instance: name, Incident: 1}, Booted{Started: secs(ready - 5), Ready: secs(ready), Unseen: unseen})
		}
	}
	for name, c := range map[string]struct {
		boots []func(*journal)
		want  *Moment
	}{
		"the last of them":                {[]func(*journal){at("a", 20, false), at("b", 30, false)}, &Moment{secs(30), secs(30)}},
		"before the rollback":             {[]func(*journal){at("a", 9, false)}, nil},
		"nobody asked":                    {[]func(*journal){at("a", 20, true)}, nil},
		"nobody asked one":                {[]func(*journal){at("a", 20, true), at("b", 30, false)}, nil},
		"nobody asked the last":           {[]func(*journal){at("a", 20, false), at("b", 30, true)}, nil},
		"nobody asked one that was there": {[]func(*journal){at("a", 9, true), at("b", 30, false)}, &Moment{secs(30), secs(30)}},
	} {
		t.Run(name, func(t *testing.T) {
			j := begin(t, Header{Trigger: TriggerFault})
			j.add(10, KindRollback, Subject{Incident: 1}, RollbackEvent{State: "started"})
			for _, boot := range c.boots {
				boot(j)
			}
			assert.Equal(t, c.want, j.build().Incidents[0].T4)
		})
	}
}

func TestRedBelongsToTheIncidentThatIsOpen(t *testing.T) {
	t.Parallel()
	j := begin(t, Header{Trigger: TriggerFault})
	j.add(0, KindPulse, Subject{}, PulseEvent{State: "started"}).edge("green", 0, 0.1)
	j.add(5, KindFault, Subject{Incident: 1}, fault("injected", 4, 5))
	j.add(20, KindIncident, Subject{Incident: 2}, IncidentEvent{}).add(21, KindFault, Subject{Incident: 2},
		fault("injected", 20, 21))
	j.edge("red", 22, 23)
	j.add(60, KindPulse, Subject{}, PulseEvent{State: "stopped", At: At(secs(60)), Totals: PulseTotals{Good: 1, Bad: 1}})
	r := j.build()
	require.Len(t, r.Incidents, 2)
	assert.Nil(t, r.Incidents[0].T0, "the first fault did nothing")
	assert.Equal(t, &Moment{secs(22), secs(23)}, r.Incidents[1].T0)
	assert.Equal(t, 2, r.Pulse.Reds[0].Incident)
}

func TestPlannedDowntime(t *testing.T) {
	t.Parallel()
	j := begin(t, Header{Trigger: TriggerFault})
	j.add(0, KindPulse, Subject{}, PulseEvent{State: "started"}).edge("green", 0, 0.1).edge("red", 0.5,
		1).edge("green", 2, 2.5)
	j.add(3, KindUpgrade, Subject{}, UpgradeEvent{State: "started"}).edge("red", 4, 5).edge("green", 6, 7)
	j.add(8, KindFault, Subject{Incident: 1}, fault("injected", 8, 8)).edge("red", 9, 10).edge("green", 11, 12)
	j.add(20, KindUpgrade, Subject{}, UpgradeEvent{State: "ended"}).edge("red", 21, 22).edge("green", 23, 24)
	var planned []bool
	for _, s := range j.build().Pulse.Reds {
		planned = append(planned, s.Planned)
	}
	assert.Equal(t, []bool{false, true, false, false}, planned,
		"before the upgrade, in it, after a fault, after the upgrade")
}

func TestObservedEndsWhereNothingIsProvedAnyMore(t *testing.T) {
	t.Parallel()
	j := begin(t, Header{}).add(1, KindNote, Subject{}, Note{})
	assert.Equal(t, secs(1), j.build().Observed)
	j.add(5, KindHarness, Subject{}, HarnessError{})
	j.add(7, KindPhase, Subject{}, PhaseEvent{Phase: PhaseCleanup})
	assert.Equal(t, secs(5), j.build().Observed, "the harness broke")
	j.events = append(j.events[:2], j.events[3])
	assert.Equal(t, secs(7), j.build().Observed, "clean-up began")
	j.add(99, KindCleanup, Subject{}, CleanupEvent{State: "proved"})
	j.events[2].Actor, j.events[3].Actor = ActorReaper, ActorReaper
	assert.Equal(t, secs(1), j.build().Observed, "the reaper watches nothing")
}

func TestTimeNeverGoesBack(t *testing.T) {
	t.Parallel()
	var text []byte
	prev := ""
	for i, elapsed := range []float64{0, 5, 4} {
		line, err := json.Marshal(Event{Seq: int64(i + 1), Elapsed: secs(elapsed), Kind: KindOpened, Prev: prev})
		require.NoError(t, err)
		line = append(line, '\n')
		text, prev = append(text, line...), digest(line)
	}
	events, err := Read(bytes.NewReader(text))
	assert.ErrorContains(t, err, "line 3: event 3 goes back in time")
	assert.Len(t, events, 2)
}
