package drills

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
)

// A disk that is read where it lies, from elsewhere: it stays open while its machine lives, and the record
// holds how much of it was read.
func TestLazyDisk(t *testing.T) {
	w := vmWorld(t, &guest{})
	res := w.run(oneIncident("[{destroy: app}, {boot: app}]", "app: {store: {kind: fake}",
		"app: {store: {kind: lazy}, throttle: 1kB/s"))
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	one := record.DiskRead{Backup: "app", Fetched: 600, Size: 3 << 30}
	assert.Equal(t, []record.DiskRead{one, one}, res.Record.DiskReads, "one for each opening")
	restores := res.Record.Restores
	require.Len(t, restores, 2)
	assert.GreaterOrEqual(t, restores[0].Ended-restores[0].Started, 1500*time.Millisecond, "reads are throttled")
	for _, k := range w.lazy {
		assert.True(t, k.closed)
	}
}

// A machine that is kept for looking has no disk any more where lifeboat itself served it: the record says so.
func TestKeptWithoutItsDisk(t *testing.T) {
	for kind, lost := range map[string][]string{"lazy": {"app"}, "fake": nil} {
		w := vmWorld(t, &guest{})
		w.keep = true
		w.change = func(k *Kit) {
			k.Remains = func(context.Context, ledger.Scope) ([]string, error) { return []string{"machine app"}, nil }
		}
		res := w.run(oneIncident("[{stop: app}, {start: app}]", "app: {store: {kind: fake}", "app: {store: {kind: "+kind+"}"))
		assert.NotEqual(t, record.StatusPassed, res.Verdict.Status)
		assert.Equal(t, []string{"machine app"}, res.Record.Cleanup.Kept, kind)
		assert.Equal(t, lost, res.Record.Cleanup.DiskLost, kind)
		stop := slices.IndexFunc(res.Record.Steps, func(s record.StepFact) bool { return s.What == "stop app" })
		require.GreaterOrEqual(t, stop, 0)
		assert.Equal(t, "ended with exit code 0", res.Record.Steps[stop].Output, "how it ended")
	}
}

// What was verified is not what was booted when the backup was replaced meanwhile: such a drill proves nothing.
func TestBackupReplacedMeanwhile(t *testing.T) {
	g := &guest{}
	w := vmWorld(t, g)
	g.booted = func() { w.lazy[0].changed = errors.New("disk.qcow2 was replaced after it was opened") }
	res := w.run(oneIncident("[{destroy: app}, {boot: app}]", "app: {store: {kind: fake}", "app: {store: {kind: lazy}"))
	assert.Equal(t, record.StatusInconclusive, res.Verdict.Status)
	assert.Equal(t, "harness.broke", reasons(res.Verdict))
	require.Len(t, res.Record.Harness, 1)
	assert.Contains(t, res.Record.Harness[0].Error, "was replaced after it was opened")
}

// A disk that was closed because its backup is bad says nothing more when the drill ends.
func TestDiskOfABadBackup(t *testing.T) {
	w := vmWorld(t, &guest{})
	w.unfit = &restore.BackupError{Backup: "app", Reason: "its digest is another one"}
	res := w.run(oneIncident("[{revert: {on: app, name: before}}]", "app: {store: {kind: fake}", "app: {store: {kind: lazy}"))
	assert.Equal(t, record.StatusFailed, res.Verdict.Status)
	assert.Contains(t, reasons(res.Verdict), "backup.bad")
	assert.Empty(t, res.Record.Harness)
}

// A machine whose disk could not be read any more, or was replaced under it, shows what the place does where the backup
// lies, not what the backup is.
func TestDiskThatGoesUnderItsMachine(t *testing.T) {
	for name, tc := range map[string]struct {
		changed, fails error
		says           string
	}{
		"cannot be read": {fails: errors.New("503 Service Unavailable"), says: "read backup app where it lies: 503 Service Unavailable"},
		"replaced":       {changed: errReplaced, fails: errReplaced, says: errReplaced.Error()},
	} {
		for phase, boot := range map[string]int{record.PhaseRestore: 1, record.PhaseRollback: 3} { // 2: the upgrade's
			t.Run(name+" in "+phase, func(t *testing.T) {
				g := &guest{}
				w := vmWorld(t, g)
				boots := 0
				g.booted = func() {
					if boots++; boots == boot {
						w.lazy[0].changed, w.lazy[0].fails = tc.changed, tc.fails
						_, err := w.opened[0].ReadAt(make([]byte, 512), 4096)
						require.ErrorIs(t, err, tc.fails)
						g.hangs = kernelA
					}
				}
				res := w.run(oneIncident("[{revert: {on: app, name: before}}]", "app: {store: {kind: fake}",
					"app: {store: {kind: lazy}"))
				assert.Equal(t, record.StatusInconclusive, res.Verdict.Status, "%+v", res.Verdict.Reasons)
				assert.NotContains(t, reasons(res.Verdict), "backup.bad")
				require.Len(t, res.Record.Harness, 1, "told once")
				if tc.changed == nil { // else it is told when the disk is closed
					assert.Equal(t, phase, res.Record.Harness[0].Phase)
				}
				assert.Contains(t, res.Record.Harness[0].Error, tc.says)
			})
		}
	}
}

var errReplaced = errors.New("disk.qcow2 became another object while it was read")
