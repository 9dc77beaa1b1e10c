package drills

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// keeper is a store in which a profile lies beside each backup, or is not to be had.
type keeper struct {
	fakeStore
	point string
	age   time.Duration
	err   error
	taken bool // beside a dump, and nothing else says when
}

func (k keeper) List(ctx context.Context) ([]store.Point, error) {
	points, err := k.fakeStore.List(ctx)
	points[0].ID, points[0].Digest, points[0].ConsistentTo = k.point, record.Digest{}, time.Now().Add(-k.age)
	if k.taken {
		points[0].ConsistentTo, points[0].Taken = time.Time{}, time.Now().Add(-k.age)
	}
	return points, err
}

func (k keeper) Beside(_ context.Context, p store.Point, suffix string) ([]byte, error) {
	if k.taken {
		return []byte(`{"version": 1, "shared": true, "taken": "1999-12-31T20:00:00Z", "databases": [{"database": "shop"}]}`), nil
	}
	return []byte("what " + p.ID + suffix + " says"), k.err
}

// teller tells what it was given to hold a copy against; what it has seen is too long for the journal.
type teller struct {
	fakeCheck
	status *record.CheckStatus
}

type heldAgainst struct {
	Raw, Digest, Err, Drill, Point string
	Another, Held                  bool
	Status                         record.CheckStatus
	Long                           string
}

func (teller) On() string   { return "db" }
func (teller) Refers() bool { return true }
func (c teller) Observe(_ context.Context, t verifier.Target) (verifier.Facts, error) {
	r := t.(verifier.References)
	raw, digest, err := r.Beside(c.name)
	s := heldAgainst{Raw: string(raw), Digest: digest, Err: fmt.Sprint(err), Status: *c.status, Long: string(r.Hide(verifier.Facts(strings.Repeat("long ", 1000))))}
	s.Held = r.Held("db") && !r.Held("web")
	last, err := r.Last(c.name)
	if err != nil {
		return nil, err
	}
	if last != nil {
		var was heldAgainst
		s.Drill, s.Point, s.Another = last.Drill, last.Point, last.Another
		if err := json.Unmarshal(last.Facts, &was); err != nil || was.Long != s.Long || !strings.HasPrefix(last.Journal, "sha256:") {
			return nil, errors.New("the facts of the last proof are not those that were seen")
		}
	}
	return json.Marshal(s)
}

func (c teller) Judge(_, after verifier.Facts) verifier.Answer {
	var s heldAgainst
	if err := json.Unmarshal(after, &s); err != nil {
		return verifier.Crashed("%v", err)
	}
	s.Long = ""
	out, _ := json.Marshal(s)
	return verifier.Answer{Status: s.Status, Message: string(out)}
}

const profiled = `
scenario: shop
trigger: none
backups: {db: {store: {kind: fake}, restore: {kind: fake}}}
instances: {db: {kind: fake, image: img, load: db, ready: {exec: [up]}}}
checks: {excluded: {system: x, service: x, business: x}, data: [{kind: ask, name: profile}]}
`

func TestReferences(t *testing.T) {
	w := newWorld(t)
	kept, status := keeper{point: "first.dump", age: 20 * time.Hour}, record.CheckPassed
	w.change = func(k *Kit) {
		k.Stores["fake"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) { return kept, nil }
		k.Checks["data/ask"] = func(s scenarios.CheckSpec, _ string) (verifier.Check, []scenarios.Problem) {
			return teller{fakeCheck{w, s.Name}, &status}, nil
		}
	}
	night := func() (heldAgainst, *Result) {
		res := w.run(profiled)
		require.Len(t, res.Record.Checks, 1)
		var s heldAgainst
		require.NoError(t, json.Unmarshal([]byte(res.Record.Checks[0].Message), &s), res.Record.Checks[0].Message)
		return s, res
	}
	first, one := night()
	assert.Equal(t, "what first.dump.profile.json says", first.Raw)
	assert.Equal(t, first.Digest, one.Record.RestorePoints[0].Profile)
	assert.Empty(t, first.Drill, "nothing came before it")
	assert.True(t, first.Held)
	again, _ := night()
	assert.False(t, again.Another, "it is the same restore point")
	kept.point, kept.age, w.sum = "third.dump", time.Hour, "sha256:03"
	later, three := night()
	assert.Equal(t, "first.dump", later.Point)
	assert.True(t, later.Another)
	status = record.CheckFailed
	bad, four := night()
	assert.Equal(t, three.Drill, bad.Drill)
	status, kept.err = record.CheckPassed, errors.New("a page stands in its place")
	lost, _ := night()
	assert.Equal(t, "a page stands in its place", lost.Err)
	assert.Equal(t, three.Drill, lost.Drill, "what failed is no proof: "+four.Drill)
	kept.point, kept.age, w.sum = "second.dump", 10*time.Hour, "sha256:02"
	older, _ := night()
	assert.Equal(t, "first.dump", older.Point, "what is younger is nothing to hold it against")
	kept.point, kept.age, w.sum = "fourth.dump", time.Minute, "sha256:04"
	newest, _ := night()
	assert.Equal(t, "third.dump", newest.Point, "though an old restore point was proved last")
	kept.point, kept.age, w.sum = "second.dump", 10*time.Hour, "sha256:02"
	require.NoError(t, os.RemoveAll(filepath.Join(w.home, "drills", older.Drill, "raw")))
	without, _ := night()
	assert.NotEqual(t, older.Drill, without.Drill, "whose facts are gone")
	kept.taken, kept.err, kept.age = true, nil, time.Minute
	_, taken := night()
	assert.Equal(t, "the snapshot of its profile", taken.Record.RestorePoints[0].ConsistentSource)
	assert.Equal(t, 4*time.Hour, taken.Record.RestorePoints[0].Age.Round(time.Minute), "which is older than the dump's header says")
	kept.age = 10 * time.Hour
	_, taken = night()
	assert.NotEqual(t, "the snapshot of its profile", taken.Record.RestorePoints[0].ConsistentSource, "a profile that is younger than the file is not the dump's")
}

func TestYounger(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	p := func(digest, name, made string, to time.Time) record.RestorePoint {
		return record.RestorePoint{Digest: digest, Point: name, Made: made, ConsistentTo: to}
	}
	for name, c := range map[string]struct {
		was, now record.RestorePoint
		want     bool
	}{
		"by their moments":              {p("a", "x", "", noon.Add(1)), p("b", "y", "", noon), true},
		"an older one":                  {p("a", "x", "", noon), p("b", "y", "", noon.Add(1)), false},
		"by what they say":              {p("a", "x", "2026-03-02 01:00:00", noon), p("b", "y", "2026-03-01 01:00:00", time.Time{}), true},
		"by their names":                {p("a", "x-20260302", "", noon), p("b", "x-20260301", "", time.Time{}), true},
		"by nothing":                    {p("a", "x", "", noon), p("b", "y", "", time.Time{}), false},
		"the same bytes under two days": {p("a", "x-20260302", "", noon.Add(1)), p("a", "x-20260301", "", noon), false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, younger(c.was, c.now)) })
	}
}
