package drills

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

// twoRollbacks breaks two hosts one after the other, each with an incident and a rollback of its own.
const twoRollbacks = `scenario: groups
service: shop
trigger: fault
objectives: {start_rollback: 30m}
backups:
  db-backup: {store: {kind: fake}, restore: {kind: fake}}
instances:
  web1: {kind: fake, image: img, load: db-backup}
  web2: {kind: fake, image: img, load: db-backup}
flow: {script: flow.js, pulse: 10/s, timeout: 1s}
incidents:
  - faults: [{kind: break, on: web1}]
    detect: {when: "flow.failed > 5% for 3s", within: 1m}
    decide: {by: simulated, after: 2s}
    rollback: [{destroy: web1}, {boot: web1}]
  - faults: [{kind: break, on: web2}, {kind: break, on: web2}]
    detect: {when: "flow.failed > 5% for 3s", within: 1m}
    decide: {by: simulated, after: 2s}
    rollback: [{destroy: web2}, {boot: web2}]
stable_for: 10s
verify: {within: 30s}
checks:
  system: [{kind: ask, name: system}]
  service: [{kind: ask, name: service}]
  data: [{kind: ask, name: data}]
  business: [{kind: ask, name: business}]
`

// What the clean-up makes of a fault stands in the fault's own incident, and equal faults are two.
func TestFaultEndsInItsOwnIncident(t *testing.T) {
	w := newWorld(t)
	ends := []ledger.State{ledger.Failed, ledger.Gone, ledger.Undone} // the youngest fault first
	w.undo = func(n int) error {
		if n > len(ends) { // tried again
			return errors.New("busy")
		}
		return map[ledger.State]error{ledger.Failed: errors.New("busy"), ledger.Gone: ledger.ErrGone}[ends[n-1]]
	}
	res := w.run(twoRollbacks)
	require.Len(t, res.Record.Incidents, 2)
	first, second := res.Record.Incidents[0].Faults, res.Record.Incidents[1].Faults
	require.Len(t, first, 1)
	require.Len(t, second, 2)
	assert.Equal(t, "web1 1 undone", state(first[0]))
	assert.Equal(t, "web2 1 gone", state(second[0]))
	assert.Equal(t, "web2 2 failed", state(second[1]))
	require.Len(t, res.Record.Cleanup.Failed, 2, "what could not be undone, and that it is so: %v", res.Record.Cleanup.Failed)
	entries, err := ledger.Load(res.Dir)
	require.NoError(t, err)
	var faults []ledger.Entry
	for _, e := range entries {
		if e.What == "fault" {
			faults = append(faults, e)
		}
	}
	require.Len(t, faults, 3)
	assert.Equal(t, record.Subject{Instance: "web2", Generation: 1, Incident: 2}, faults[2].Subject)
	assert.Equal(t, ledger.Fault{Kind: "break", On: "web2", Index: 2}, *faults[2].Fault)
}

func state(f record.FaultFact) string { return f.On + " " + string(rune('0'+f.Index)) + " " + f.State }
