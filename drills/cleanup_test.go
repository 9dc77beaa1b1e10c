package drills

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/drills/record"
)

// reaper is a Reaper that remembers what it was told.
type reaper struct {
	said string
	gaps []time.Duration
}

func (r *reaper) Hide([]string) error   { return nil }
func (r *reaper) Gaps() []time.Duration { return r.gaps }
func (r *reaper) Release() error        { r.said = "release"; return nil }
func (r *reaper) Keep() error           { r.said = "keep"; return nil }

// Each part of a clean-up has its own time: what takes long spoils nothing that comes after it, and what cleaned up well
// is never said to be left.
func TestCleanUp(t *testing.T) {
	for _, tc := range []struct {
		name    string
		undo    func(tries int) error                       // of the fault
		remains func(since time.Duration) ([]string, error) // asked first at 0
		want    record.Status
		reason  string
		left    int
		state   string // of the fault
		reaper  string
	}{
		{name: "an undo that takes longer than the whole", undo: func(int) error { time.Sleep(4 * time.Minute); return nil },
			want: record.StatusPassed, reason: "passed.all", state: "undone", reaper: "release"},
		{name: "the undo fails and its machine is gone", undo: func(int) error { return errors.New("exit code 1") },
			want: record.StatusPassed, reason: "passed.all", state: "gone", reaper: "release"},
		{name: "the engine needs a moment", remains: func(since time.Duration) ([]string, error) {
			if since < 3*time.Second {
				return []string{"container db"}, nil
			}
			return nil, nil
		}, want: record.StatusPassed, reason: "passed.all", state: "undone", reaper: "release"},
		{name: "the engine does not answer at first", remains: func(since time.Duration) ([]string, error) {
			if since < 30*time.Second {
				return nil, errors.New("busy")
			}
			return nil, nil
		}, want: record.StatusPassed, reason: "passed.all", state: "undone", reaper: "release"},
		{name: "the engine never says what is left", remains: func(time.Duration) ([]string, error) {
			return nil, errors.New("busy")
		}, want: record.StatusInconclusive, reason: "cleanup.unproved", state: "undone", reaper: "keep"},
		{name: "something stays", remains: func(time.Duration) ([]string, error) { return []string{"volume x"}, nil },
			want: record.StatusPassed, reason: "passed.all cleanup.incomplete", left: 1, state: "undone", reaper: "keep"},
		{name: "the undo fails and something stays", undo: func(int) error { return errors.New("exit code 1") },
			remains: func(time.Duration) ([]string, error) { return []string{"volume x"}, nil },
			want:    record.StatusPassed, reason: "passed.all cleanup.incomplete", left: 2, state: "failed", reaper: "keep"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, k := newWorld(t), &reaper{}
			w.undo = tc.undo
			w.change = func(kit *Kit) {
				kit.Reaper = func(context.Context, ledger.Scope) (Reaper, error) { return k, nil }
				var first time.Time
				kit.Remains = func(context.Context, ledger.Scope) ([]string, error) {
					if first.IsZero() {
						first = time.Now()
					}
					if tc.remains == nil {
						return nil, nil
					}
					return tc.remains(time.Since(first))
				}
			}
			res := w.run(simple)
			assert.Equal(t, tc.want, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			assert.Equal(t, tc.reason, reasons(res.Verdict))
			assert.Len(t, res.Left, tc.left, "%+v", res.Left)
			assert.Equal(t, tc.reason == "passed.all", res.Record.Cleanup.T8 != nil)
			assert.Equal(t, record.FaultState(tc.state), res.Record.Incidents[0].Faults[0].State)
			assert.Equal(t, tc.reaper, k.said)
			open, err := openEntries(res.Dir)
			require.NoError(t, err)
			assert.Equal(t, tc.state == "failed", len(open) > 0, "%v", open)
		})
	}
}

// What may be under way on an engine is waited for, unless everything that was asked of it has been answered.
func TestNothingIsUnderWay(t *testing.T) {
	for name, broke := range map[string]error{"a drill that came to its end": nil, "one that broke off": errors.New("no reaper")} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var asked, since time.Time
			w.change = func(kit *Kit) {
				kind := kit.Instances["fake"]
				boots, driven := kind.New, instance.Site{}
				kind.New = func(site instance.Site) (instance.Driver, error) { driven = site; return boots(site) }
				kit.Instances["fake"] = kind
				kit.Reaper = func(context.Context, ledger.Scope) (Reaper, error) {
					time.Sleep(time.Second)
					asked = time.Now()
					_, err := driven.Ledger.Intend(ledger.Entry{What: "engine", Name: "here", Undo: ledger.Undo{Kind: "engine"}})
					return &reaper{}, errors.Join(err, broke)
				}
				kit.Undoers["engine"] = func(_ context.Context, _ ledger.Scope, e ledger.Entry) error { since = e.Since; return nil }
			}
			w.run(simple)
			assert.Equal(t, broke == nil, since.Before(asked))
		})
	}
}

// What a slow engine makes after everything was removed is removed as well, and not only told.
func TestWhatShowsUpAfterTheCleanUp(t *testing.T) {
	w, sweeps := newWorld(t), 0
	w.change = func(kit *Kit) {
		kind := kit.Instances["fake"]
		boots, driven := kind.New, instance.Site{}
		kind.New = func(site instance.Site) (instance.Driver, error) { driven = site; return boots(site) }
		kit.Instances["fake"] = kind
		kit.Reaper = func(context.Context, ledger.Scope) (Reaper, error) {
			_, err := driven.Ledger.Intend(ledger.Entry{What: "engine", Name: "here", Undo: ledger.Undo{Kind: "engine"}})
			return &reaper{}, err
		}
		kit.Undoers["engine"] = func(context.Context, ledger.Scope, ledger.Entry) error { sweeps++; return nil }
		kit.Remains = func(context.Context, ledger.Scope) ([]string, error) {
			if sweeps < 2 {
				return []string{"container that came late"}, nil
			}
			return nil, nil
		}
	}
	res := w.run(simple)
	assert.Equal(t, "passed.all", reasons(res.Verdict))
	assert.Empty(t, res.Left)
	assert.Equal(t, 2, sweeps)
}

// A drill that had no reaper for a while says for how long; nothing was left undone, so it passes all the same.
func TestDrillWithoutAReaper(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) {
		k.Reaper = func(context.Context, ledger.Scope) (Reaper, error) {
			return &reaper{gaps: []time.Duration{time.Second, 500 * time.Millisecond}}, nil
		}
	}
	res := w.run(simple)
	assert.Equal(t, record.StatusPassed, res.Verdict.Status)
	require.NotEmpty(t, res.Record.Observations)
	last := res.Record.Observations[len(res.Record.Observations)-1]
	assert.Equal(t, record.Observation{ID: "reaper.gone", Args: map[string]string{"count": "2", "span": "1.5s"}}, last)
}
