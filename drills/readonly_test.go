package drills

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// text is a stream of ten bytes, and of an error behind them.
type text struct {
	left *bytes.Reader
	err  error
}

func (s text) Read(p []byte) (int, error) {
	n, err := s.left.Read(p)
	if err != nil && s.err != nil {
		err = s.err
	}
	return n, err
}
func (text) Close() error   { return nil }
func (text) Digest() string { return "sha256:00" }
func (s text) Bytes() int64 { return 10 - int64(s.left.Len()) }

// legible is a store whose point can be read.
type legible struct {
	shelf
	err error
}

func (s legible) Fetch(context.Context, store.Point) (store.Stream, error) {
	return text{bytes.NewReader([]byte("0123456789")), s.err}, nil
}

// reading is a loader that can read without a server.
type reading struct {
	dating
	err error
}

func (r reading) Read(context.Context, restore.Source) (restore.Outcome, error) {
	return restore.Outcome{Digest: "sha256:00", Bytes: 10}, r.err
}

// TestOnlyRead: a drill that is only to read boots nothing, can fail, and never passes; well read is what nothing is to be said against.
func TestOnlyRead(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of synctest
	good := store.Point{ID: "p1", Size: 10, Digest: promised00, Taken: now.Add(-time.Hour)}
	other := good
	other.Digest.Value = "01"
	bad := &restore.BackupError{Backup: "a", Reason: "it ends in the middle"}
	for name, c := range map[string]struct {
		points []store.Point
		stream error
		reader error
		plain  bool // who restores it cannot read it
		limits string
		status record.Status
		well   bool
	}{
		"well":                   {[]store.Point{good}, nil, nil, false, "", record.StatusInconclusive, true},
		"for its digest alone":   {[]store.Point{good}, nil, nil, true, "", record.StatusInconclusive, true},
		"not as promised":        {[]store.Point{other}, nil, nil, false, "", record.StatusFailed, false},
		"bad":                    {[]store.Point{good}, nil, bad, false, "", record.StatusFailed, false},
		"another digest":         {[]store.Point{good}, &store.Mismatch{Point: "p1"}, nil, true, "", record.StatusFailed, false},
		"its store broke":        {[]store.Point{good}, errors.New("reset by peer"), nil, true, "", record.StatusInconclusive, false},
		"nothing lies there":     {nil, nil, nil, false, "", record.StatusInconclusive, false},
		"too old":                {[]store.Point{good}, nil, nil, false, "AGE", record.StatusFailed, false},
		"smaller than it may be": {[]store.Point{good}, nil, nil, false, ", min_size: 1kB", record.StatusFailed, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.upTo = record.UpToRead
			w.change = func(k *Kit) {
				k.Stores["fake"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) {
					return legible{shelf{points: c.points}, c.stream}, nil
				}
				made := map[string]string{"p1": "1999-12-31 23:00:00"}
				k.Loaders["fake"] = func(scenarios.Settings) (restore.Loader, []scenarios.Problem) {
					if c.plain {
						return dating{fakeLoader{w}, made}, nil
					}
					return reading{dating{fakeLoader{w}, made}, c.reader}, nil
				}
			}
			objectives, limits := "", c.limits
			if limits == "AGE" {
				objectives, limits = "objectives: {age: 30m}", ""
			}
			res := w.run(strings.NewReplacer("OBJECTIVES", objectives, "timezone: UTC", "timezone: UTC"+limits).Replace(shelved))
			assert.Equal(t, c.status, res.Verdict.Status, "%v", res.Verdict.Reasons)
			assert.Equal(t, c.well, objective.WellRead(res.Record, res.Verdict), "%v", res.Verdict.Reasons)
			assert.Empty(t, res.Record.Boots)
			require.NotEqual(t, record.StatusPassed, res.Verdict.Status)
			rungs := objective.Ladder(res.Record)
			assert.LessOrEqual(t, objective.Highest(rungs), 1)
			for _, r := range rungs[2:] {
				assert.Equal(t, objective.RungUnasked, r.State, r.Name)
			}
		})
	}
}
