package drills

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/secrets"
	"lifeboat/drills/store"
	"lifeboat/internal/decoy"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// testBooks are books of a journal of their own. written gives the data of its events of one kind.
func testBooks(t *testing.T) (b *books, written func(record.Kind) []any) {
	t.Helper()
	dir := t.TempDir()
	j, err := record.Create(filepath.Join(dir, journalName), record.Header{}, time.Now(), record.Clock{})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, j.Close()) })
	b = &books{Known: &secrets.Known{}, journal: j, log: slog.New(slog.DiscardHandler), dir: dir, base: time.Now(),
		generation: func(string) int { return 3 }}
	return b, func(kind record.Kind) (all []any) {
		events, err := j.Events()
		require.NoError(t, err)
		for _, e := range events {
			if e.Kind == kind {
				data, err := record.Decode(e)
				require.NoError(t, err)
				all = append(all, data)
			}
		}
		return all
	}
}

func TestBooksHideAndKnowThePhase(t *testing.T) {
	b, written := testBooks(t)
	b.Add("hunter2hunter2")
	b.enter(2)
	assert.Equal(t, record.Subject{Instance: "db", Generation: 3, Incident: 2}, b.subject("db"))
	assert.Equal(t, 1, b.subjectOf(FaultPlan{Incident: 1}).Incident, "a fault keeps its own incident")
	broke := errors.New("the password is hunter2hunter2")
	assert.ErrorIs(t, b.phase(t.Context(), record.PhaseRestore, func(context.Context) error { return broke }), broke)
	b.harnessBroke(broke)
	assert.Equal(t, []any{record.HarnessError{Phase: record.PhaseRestore, Error: "the password is ***"}}, written(record.KindHarness))
	assert.Equal(t, record.PhaseEvent{Phase: record.PhaseRestore, Outcome: record.OutcomeFailed, Error: "the password is ***"},
		written(record.KindPhase)[1])
}

// A slow restore is in force until it is ended, and has an effect only where a restore met it.
func TestThrottles(t *testing.T) {
	b, written := testBooks(t)
	ts := &throttles{books: b, by: map[string]*throttle{}}
	bp := &BackupPlan{Name: "db", Spec: scenarios.Backup{Throttle: 7}}
	assert.EqualValues(t, 7, ts.rate(bp), "the scenario's own")
	require.NoError(t, ts.slowed("db", record.Restored{}), "no fault slows it down")
	ts.set(FaultPlan{Spec: scenarios.Fault{Kind: "slow-restore", On: "db"}}, 1000)
	assert.EqualValues(t, 1000, ts.rate(bp))
	require.NoError(t, ts.slowed("db", record.Restored{Started: time.Second, Ended: 3 * time.Second, Bytes: 2000}))
	require.NoError(t, ts.end())
	require.NoError(t, ts.end(), "it has ended")
	assert.EqualValues(t, 7, ts.rate(bp))
	faults := written(record.KindFault)
	require.Len(t, faults, 2)
	effective, ended := faults[0].(record.FaultEvent), faults[1].(record.FaultEvent)
	assert.Equal(t, record.FaultEffective, effective.State)
	assert.Equal(t, "1000 bytes/s", effective.Note)
	assert.Equal(t, record.FaultEnded, ended.State)
	assert.Equal(t, record.At(3*time.Second), ended.At, "with the last restore that it slowed down")
}

// readsBadly is a backup of which nothing can be read.
type readsBadly struct {
	store.Random
	same error
}

func (r *readsBadly) ReadAt([]byte, int64) (int, error) { return 0, errors.New("input/output error") }
func (r *readsBadly) Same() error                       { return r.same }
func (r *readsBadly) Path() string                      { return "" }
func (r *readsBadly) Size() int64                       { return 9 }
func (r *readsBadly) Fetched() int64                    { return 4 }
func (r *readsBadly) Close() error                      { return nil }

func TestDisks(t *testing.T) {
	b, written := testBooks(t)
	ds := &disks{books: b, broken: map[string]error{}}
	ds.life, ds.end = context.WithCancel(t.Context())
	k := ds.add(&disk{Random: &readsBadly{}, backup: "db"})
	assert.Equal(t, []string{"db"}, ds.served())
	require.NoError(t, ds.unreadable("db"))
	for range 2 {
		_, err := k.ReadAt(make([]byte, 1), 0)
		require.Error(t, err)
	}
	why := ds.unreadable("db")
	require.ErrorContains(t, why, "read backup db where it lies: input/output error")
	assert.True(t, ds.told(why))
	assert.False(t, ds.told(io.EOF))
	assert.Len(t, written(record.KindHarness), 1, "the first read that failed is told, and no other")
	ds.add(&disk{Random: &readsBadly{same: errors.New("it was replaced")}, backup: "app"})
	require.ErrorContains(t, ds.unreadable("app"), "it was replaced")
	kept, err := ds.keep("files")(func(f *os.File) error { _, err := f.WriteString("unpacked"); return err })
	require.NoError(t, err)
	assert.EqualValues(t, 8, kept.Size())
	ds.close()
	assert.Empty(t, ds.served())
	assert.Error(t, ds.life.Err())
	assert.Len(t, written(record.KindDiskRead), 2, "of what was unpacked nothing is read")
	assert.Len(t, written(record.KindHarness), 2, "what is written down already is not written again")
}

// flowCounter counts the runs of flows.
type flowCounter struct {
	verifier.Flows
	n int
}

func (r *flowCounter) Run(context.Context, verifier.FlowRequest) (verifier.FlowResult, error) {
	r.n++
	return verifier.FlowResult{Good: 1, Unproven: 2}, nil
}

// A flow runs once before each decoy, whoever asks; that it threw there is its answer later.
func TestFlows(t *testing.T) {
	fl := &flows{controls: map[string]verifier.FlowResult{}, throwing: map[asker]bool{}}
	k6, a := &flowCounter{}, asker{"shop.js", ""}
	var seen verifier.FlowResult
	for _, kind := range []decoy.Kind{decoy.Silent, decoy.Failing, decoy.Silent} {
		var err error
		seen, err = fl.control(t.Context(), k6, verifier.FlowRequest{Script: a.script, Decoy: kind})
		require.NoError(t, err)
	}
	assert.Equal(t, 2, k6.n)
	assert.Equal(t, 1, fl.good(a, seen))
	fl.controlled(a, true)
	assert.Equal(t, 3, fl.good(a, seen))
	assert.Equal(t, 1, fl.good(asker{"other.js", ""}, seen))
}

// observes is a check that answers with what it is told.
type observes struct{ facts func() verifier.Facts }

func (observes) Name() string { return "orders" }
func (a observes) Observe(context.Context, verifier.Target) (verifier.Facts, error) {
	return a.facts(), nil
}
func (a observes) Judge(_, now verifier.Facts) verifier.Answer {
	return verifier.Answer{Status: record.CheckPassed, Message: string(now)}
}

func TestCheckThatPanicsIsUnknown(t *testing.T) {
	b, _ := testBooks(t)
	q := &checks{site: site{books: b}, host: &hostWatch{books: b}, before: map[string]verifier.Facts{}}
	c := CheckPlan{Spec: scenarios.CheckSpec{Name: "orders"}, Check: observes{func() verifier.Facts { panic("no connection") }}}
	r, err := q.one(t.Context(), c, record.Before)
	require.NoError(t, err)
	assert.Equal(t, record.CheckCrashed, r.Status)
	assert.Contains(t, r.Message, "the check crashed: no connection")
	assert.Equal(t, record.CheckCrashed, q.once(t.Context(), c).Status)
	assert.Empty(t, q.remembered("orders"))
	c.Check = observes{func() verifier.Facts { return verifier.Facts(`{"orders":3}`) }}
	_, err = q.one(t.Context(), c, record.Before)
	require.NoError(t, err)
	assert.JSONEq(t, `{"orders":3}`, string(q.remembered("orders")))
}

// mute is a machine that shows nothing of itself.
type mute struct{ instance.Machine }

func TestDiagnosisIsOfThoseThatHaveOne(t *testing.T) {
	b, written := testBooks(t)
	g := &diagnoses{books: b}
	_, ok := g.ask(t.Context(), mute{})
	assert.False(t, ok)
	assert.Empty(t, g.show(t.Context(), mute{}))
	assert.Empty(t, written(record.KindDiagnosis))
}
