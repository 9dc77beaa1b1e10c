package drills

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

// dead is a home with one drill whose harness died after it intended one
// container. The undo works from the moment ready on.
type dead struct {
	t     *testing.T
	home  string
	dir   string
	ready time.Time
}

const deadDrill = "20260101-000000000-abcdef"

func newDead(t *testing.T, kept bool) *dead {
	owner := ledger.Self()
	owner.StartTime++ // nobody
	return newDeadOf(t, kept, owner)
}

func newDeadOf(t *testing.T, kept bool, owner ledger.Owner) *dead {
	d := &dead{t: t, home: t.TempDir()}
	d.dir = filepath.Join(d.home, "drills", deadDrill)
	require.NoError(t, os.MkdirAll(d.dir, 0o700))
	scope := ledger.Scope{Drill: deadDrill, Owner: owner, Deadline: time.Now().Add(time.Hour), Home: d.dir}
	l, err := ledger.Open(d.dir, scope)
	require.NoError(t, err)
	_, err = l.Intend(ledger.Entry{What: "container", Name: "db", Fix: "docker rm -fv db",
		Undo: ledger.Undo{Kind: "test", Data: json.RawMessage(`{}`)}})
	require.NoError(t, errors.Join(err, l.Close()))
	j, err := record.Create(filepath.Join(d.dir, "journal.ndjson"),
		record.Header{Version: record.Version, Drill: deadDrill, Number: 1, Started: time.Now()}, time.Now(), record.Clock{})
	require.NoError(t, err)
	if kept {
		require.NoError(t, j.Append(record.KindCleanup, record.Subject{},
			record.CleanupEvent{State: "kept", Left: []string{"db"}}))
		require.NoError(t, j.Append(record.KindSealed, record.Subject{},
			record.Sealed{Status: record.RunCompleted}))
	}
	require.NoError(t, j.Close())
	return d
}

func (d *dead) request() ReapRequest {
	undo := func(context.Context, ledger.Scope, ledger.Entry) error {
		if time.Now().Before(d.ready) {
			return errors.New("the engine is gone")
		}
		return nil
	}
	return ReapRequest{Home: d.home, Drill: deadDrill, Why: "the harness died",
		Kit: Kit{Undoers: map[string]ledger.Undoer{"test": undo}}}
}

func (d *dead) kinds() string {
	b, err := os.ReadFile(filepath.Join(d.dir, "journal.ndjson"))
	require.NoError(d.t, err)
	events, err := record.Read(bytes.NewReader(b))
	require.NoError(d.t, err)
	var all []string
	for _, e := range events {
		all = append(all, string(e.Kind)+string(e.Data))
	}
	return strings.Join(all, "\n")
}

func TestHold(t *testing.T) {
	for name, tc := range map[string]struct {
		said  string
		kept  bool
		ready time.Duration // from when on the undo works
		least time.Duration // that it takes
		most  time.Duration
		left  int
	}{
		"released":                       {said: "done\n", most: time.Second},
		"the harness is dead":            {most: time.Second},
		"half a word is no word":         {said: "don", most: time.Second},
		"released, with secrets":         {said: "hide [\"secret\"]\ndone\n", most: time.Second},
		"dead, with secrets":             {said: "hide [\"secret\"]\n", most: time.Second},
		"what is to be hidden is cut":    {said: "hide [\"sec", most: time.Second},
		"the engine is away for a while": {ready: 3 * time.Minute, least: 3 * time.Minute, most: 5 * time.Minute},
		"the engine never comes back":    {ready: 24 * time.Hour, least: 55 * time.Minute, most: time.Hour, left: 1},
		"kept until the deadline":        {said: "keep\n", kept: true, least: time.Hour, most: time.Hour + time.Second},
		"kept, and the engine comes late": {said: "keep\n", kept: true, ready: 30 * time.Minute, least: time.Hour,
			most: time.Hour + time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newDead(t, tc.kept)
				began := time.Now()
				d.ready = began.Add(tc.ready)
				left, err := RunReaper(t.Context(), d.request(), strings.NewReader(tc.said))
				require.NoError(t, err)
				assert.Len(t, left, tc.left)
				assert.GreaterOrEqual(t, time.Since(began), tc.least)
				assert.LessOrEqual(t, time.Since(began), tc.most)
				proved := strings.Contains(d.kinds(), `"state":"proved"`)
				assert.Equal(t, !strings.HasSuffix(tc.said, "done\n") && tc.left == 0, proved, d.kinds())
				assert.LessOrEqual(t, strings.Count(d.kinds(), string(record.KindAborted)), 1)
				if tc.left > 0 {
					assert.Contains(t, left[0].Fix, "docker rm -fv db")
				}
			})
		})
	}
}

// A harness past its deadline is killed only when it shows no sign of life any more: not while it ends a restore,
// and not while it writes its reports.
func TestPastTheDeadline(t *testing.T) {
	const hour = time.Hour // the deadline
	for name, tc := range map[string]struct {
		sealed bool
		alive  time.Duration // for how long it gives signs of life
		done   time.Duration // when it says so; 0: never
		killed time.Duration // when it is; 0: never
	}{
		"it hangs":                       {killed: hour + patience},
		"it ends a restore":              {alive: hour + time.Minute, done: hour + time.Minute},
		"it writes its reports":          {sealed: true, done: hour + 2*time.Minute},
		"it is busy for ever":            {alive: 2 * hour, killed: hour + mercy + patience},
		"it says so just before the end": {done: hour + patience - time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			child := exec.Command("sleep", "600")
			require.NoError(t, child.Start())
			defer func() { _ = child.Process.Kill(); _ = child.Wait() }()
			owner, err := ledger.Of(child.Process.Pid)
			require.NoError(t, err)
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				d := newDeadOf(t, tc.sealed, owner)
				require.NoError(t, os.MkdirAll(filepath.Join(d.dir, "inbox"), 0o700))
				pipe, harness := io.Pipe()
				defer harness.Close()
				ctx, stop := context.WithCancel(t.Context())
				defer stop()
				go func() {
					for time.Since(began) < tc.alive && instance.Pause(ctx, time.Second) == nil {
						if _, err := io.WriteString(harness, AliveWord+"\n"); err != nil {
							return // it was killed
						}
					}
					if tc.done > 0 {
						_ = instance.Pause(ctx, tc.done-time.Since(began))
						_, _ = io.WriteString(harness, "done\n")
					}
				}()
				_, err := RunReaper(t.Context(), d.request(), pipe)
				require.NoError(t, err)
				if tc.killed > 0 {
					assert.Equal(t, ledger.Dead, owner.Alive())
					assert.InDelta(t, tc.killed, time.Since(began), float64(time.Minute), "dying takes real time")
					assert.Contains(t, d.kinds(), "the deadline is over")
				} else {
					assert.Equal(t, ledger.Alive, owner.Alive(), "it was killed while it worked")
					assert.InDelta(t, tc.done, time.Since(began), float64(2*time.Second))
				}
			})
		})
	}
}

// A reaper writes down why something could not be undone, without the secrets that its harness told it.
func TestReaperHidesSecrets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDead(t, false)
		r := d.request()
		r.Kit.Undoers["test"] = func(context.Context, ledger.Scope, ledger.Entry) error {
			return errors.New("psql: the password horse-battery is wrong")
		}
		var log strings.Builder
		r.Hidden = &Hidden{}
		out := r.Hidden.Writer(&log)
		left, err := RunReaper(t.Context(), r, strings.NewReader(`hide ["horse-battery"]`+"\n"))
		require.NoError(t, err)
		require.Len(t, left, 1)
		assert.Contains(t, left[0].Error, "psql: the password *** is wrong")
		for _, name := range []string{"journal.ndjson", "record.json", "ledger.ndjson"} {
			b, err := os.ReadFile(filepath.Join(d.dir, name))
			require.NoError(t, err)
			assert.NotContains(t, string(b), "horse", name)
		}
		_, err = io.WriteString(out, "level=WARN error=\"the password horse-battery is wrong\"\n")
		require.NoError(t, err)
		assert.Equal(t, "level=WARN error=\"the password *** is wrong\"\n", log.String())
	})
}

// Two that clean up after one drill do not get into each other's way.
func TestReapOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDead(t, false)
		left, err := Reap(t.Context(), d.request())
		require.NoError(t, err)
		assert.Empty(t, left)
		first := d.kinds()
		left, err = Reap(t.Context(), d.request())
		require.NoError(t, err)
		assert.Empty(t, left)
		assert.Equal(t, first, d.kinds(), "the second changes nothing")

		d = newDead(t, false)
		j, err := record.Reopen(filepath.Join(d.dir, "journal.ndjson"), record.ActorReaper)
		require.NoError(t, err)
		swept, err := SweepAll(t.Context(), SweepRequest{Home: d.home, Kit: d.request().Kit})
		require.NoError(t, err)
		require.Len(t, swept, 1)
		assert.True(t, swept[0].Busy)
		assert.Contains(t, swept[0].What(), "its reaper is cleaning up")
		require.NoError(t, j.Close())
	})
}

func TestSweepKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDead(t, true)
		sweep := func(kept bool) []Swept {
			swept, err := SweepAll(t.Context(), SweepRequest{Home: d.home, Kit: d.request().Kit, Kept: kept})
			require.NoError(t, err)
			return swept
		}
		ended := make(chan error, 1)
		pipe, harness := io.Pipe()
		go func() {
			_, err := RunReaper(t.Context(), d.request(), pipe)
			ended <- err
		}()
		_, err := io.WriteString(harness, "keep\n")
		require.NoError(t, errors.Join(err, harness.Close()))
		assert.Empty(t, sweep(false), "kept until the deadline")
		require.Len(t, sweep(true), 1)
		require.NoError(t, <-ended, "the reaper leaves")
		assert.Empty(t, sweep(true), "nothing to do twice")
		assert.Equal(t, 1, strings.Count(d.kinds(), `"state":"proved"`))
	})
}

// A sweep counts what it removed, and not what it found.
func TestSweepCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for removed, ready := range map[int]time.Duration{0: 24 * time.Hour, 1: 0} {
			d := newDead(t, false)
			d.ready = time.Now().Add(ready)
			swept, err := SweepAll(t.Context(), SweepRequest{Home: d.home, Kit: d.request().Kit})
			require.NoError(t, err)
			require.Len(t, swept, 1)
			assert.Equal(t, removed, swept[0].Removed, swept[0].What())
			assert.Len(t, swept[0].Left, 1-removed)
		}
	})
}

// A journal that somebody damaged is history's to tell; nothing is left of its drill.
func TestSweepDamaged(t *testing.T) {
	d := newDead(t, false)
	_, err := Reap(t.Context(), d.request())
	require.NoError(t, err)
	path := filepath.Join(d.dir, "journal.ndjson")
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, bytes.Replace(b, []byte("proved"), []byte("failed"), 1), 0o600))
	swept, err := SweepAll(t.Context(), SweepRequest{Home: d.home, Kit: d.request().Kit})
	assert.NoError(t, err)
	assert.Empty(t, swept)
}
