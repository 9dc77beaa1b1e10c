package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/night"
	"lifeboat/drills/record"
	"lifeboat/reports"
)

const nightlyHead = `catalogue: nightly
defaults:
  restore: {kind: postgres}
  as: db
  instance: {kind: docker, image: pg}
  checks: {service: [{kind: tcp, to: "db:5432"}], data: [{kind: rows, on: db, user: u, password: drill, table: orders, at_least: 1}]}
`

// nightOf is the command in a home of its own, and a catalogue with one entry beside a backup that was made an hour ago.
func nightOf(t *testing.T, points string) *verifying {
	t.Helper()
	dir := t.TempDir()
	dump := filepath.Join(dir, "shop", "shop.dump")
	require.NoError(t, os.MkdirAll(filepath.Dir(dump), 0o700))
	require.NoError(t, os.WriteFile(dump, []byte("no dump"), 0o600))
	made := time.Now().Add(-time.Hour)
	require.NoError(t, os.Chtimes(dump, made, made))
	path := filepath.Join(dir, "nights.yaml")
	require.NoError(t, os.WriteFile(path, []byte(nightlyHead+`backups:
  - {name: shop, store: {kind: dir, path: ./shop}`+points+"}\n"), 0o600))
	a := onProcess()
	a.home, a.stdout = filepath.Join(dir, "home"), t.Output()
	c, err := a.catalogue(path)
	require.NoError(t, err)
	return &verifying{app: a, kit: a.kit(), catalogue: c, lang: reports.English}
}

func (v *verifying) plannedNow(t *testing.T) []night.Planned {
	t.Helper()
	all, err := v.plan(t.Context(), verifyOptions{}, night.Header{Started: time.Now()})
	require.NoError(t, err)
	require.Len(t, all, 1)
	return all
}

// TestNightOfWhatWasPlanned: a proof names the digest of what was planned, so nothing else is run under it, whatever becomes of the file.
func TestNightOfWhatWasPlanned(t *testing.T) {
	v := nightOf(t, "")
	p := v.plannedNow(t)[0]
	raw, err := os.ReadFile(v.catalogue.File)
	require.NoError(t, err)
	weaker := strings.Replace(string(raw), ", data: [{kind: rows, on: db, user: u, password: drill, table: orders, at_least: 1}]", "", 1)
	require.NotEqual(t, string(raw), weaker)
	require.NoError(t, os.WriteFile(v.catalogue.File, []byte(weaker), 0o600))
	s, _, err := v.planned(t.Context(), p)
	require.NoError(t, err)
	assert.Len(t, s.Checks.Data, 1)
	p.Scenario = "sha256:other"
	got := v.prove(t.Context(), p, new(night.Turn))
	assert.Equal(t, record.StatusNotRun, got.Status)
	assert.Contains(t, got.Error, "has changed since the night was planned")
}

// TestLimitsOfTheNewest: an older restore point is held to its size, and the newest one answers for the rest.
func TestLimitsOfTheNewest(t *testing.T) {
	v := nightOf(t, ", min_size: 1B, shrink: 30%, retention: {keep: 1}, points: all")
	p := v.plannedNow(t)[0]
	s, _, err := v.planned(t.Context(), p)
	require.NoError(t, err)
	newest := s.Backups["shop"]
	p.Older = true
	s, _, err = v.planned(t.Context(), p)
	require.NoError(t, err)
	older := s.Backups["shop"]
	assert.Equal(t, []any{newest.MinSize, 0, 0}, []any{older.MinSize, int(older.Shrink), older.Retention.Keep})
	assert.Equal(t, []int{30, 1}, []int{int(newest.Shrink), newest.Retention.Keep})
	for _, points := range []string{"oldest", "{random: 2}"} { // which may leave the newest out
		v := nightOf(t, ", retention: {keep: 1}, points: "+points)
		p := v.plannedNow(t)[0]
		p.Older = true
		s, _, err := v.planned(t.Context(), p)
		require.NoError(t, err)
		assert.Equal(t, 1, s.Backups["shop"].Retention.Keep, points)
	}
}

// TestAgeOfTheNewest: an older restore point that is proved does not stand for a newest one that nobody drew and that is too old.
func TestAgeOfTheNewest(t *testing.T) {
	for limit, want := range map[string]record.Status{"30m": record.StatusNotRun, "2h": ""} { // it is of an hour ago
		v := nightOf(t, ", objectives: {age: "+limit+"}, points: oldest")
		p := v.plannedNow(t)[0]
		p.Older = true
		_, _, err := v.planned(t.Context(), p)
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, "points: the newest restore point, shop.dump, is 1h0m")
		got := v.prove(t.Context(), p, new(night.Turn))
		assert.Equal(t, want, got.Status)
	}
}

// TestSomeAreRead: of the restore points those that are not chosen are read, and nothing that is to be read rests on a proof.
func TestSomeAreRead(t *testing.T) {
	v := nightOf(t, ", points: {read: true}")
	older := filepath.Join(filepath.Dir(v.catalogue.File), "shop", "older.dump")
	require.NoError(t, os.WriteFile(older, []byte("no dump"), 0o600))
	made := time.Now().Add(-9 * time.Hour)
	require.NoError(t, os.Chtimes(older, made, made))
	all, err := v.plan(t.Context(), verifyOptions{}, night.Header{Started: time.Now()})
	require.NoError(t, err)
	var got []string
	for _, p := range all {
		got = append(got, fmt.Sprint(p.Point, p.Older, p.UpTo))
	}
	assert.Equal(t, []string{"shop.dumpfalse", "older.dumptrueread"}, got)
	require.NoError(t, v.rest(t.Context(), all[1:], []*night.Night{{Proofs: []night.Proof{{Planned: all[1], Status: record.StatusPassed}}}}, everyProof))
	assert.Empty(t, all[1].Skipped)
}

// TestNightThatChoseNothing: where no restore point is young enough, an older one does not stand for those that were asked for.
func TestNightThatChoseNothing(t *testing.T) {
	v := nightOf(t, ", points: {random: 3, within: 10m}")
	got := v.prove(t.Context(), v.plannedNow(t)[0], new(night.Turn))
	assert.Equal(t, record.StatusNotRun, got.Status)
	assert.Contains(t, got.Error, "no restore point is younger than 10m0s, the newest is shop.dump")
}

// TestStanding: nothing is green beside a night that cannot be read, nor by a proof whose drill is not there.
func TestStanding(t *testing.T) {
	proved := []night.Standing{{Backup: "shop", State: night.Proved}}
	assert.Equal(t, exitPassed, standingCode(proved, nil))
	assert.Equal(t, exitInconclusive, standingCode(proved, errors.New("night x: it was changed")))
	for state, code := range map[night.State]int{night.Failed: exitFailed, night.NotProved: exitInconclusive, night.Overdue: exitInconclusive,
		night.Changed: exitInconclusive} {
		assert.Equal(t, code, standingCode(append(proved, night.Standing{State: state}), nil), state)
	}

	v := nightOf(t, "")
	var out bytes.Buffer
	v.stdout, v.json = &out, true
	p := v.plannedNow(t)[0]
	j, _, err := night.Create(v.home, night.Header{Catalogue: "nightly", File: v.catalogue.File, Build: buildID(), Started: time.Now(), Planned: []night.Planned{p}})
	require.NoError(t, err)
	require.NoError(t, j.Add(night.Proof{Planned: p, Drill: "drill", Status: record.StatusPassed, Started: time.Now()}))
	require.NoError(t, j.Seal())
	var code *exitError
	require.ErrorAs(t, v.standing(v.catalogue, reports.English), &code)
	assert.Contains(t, out.String(), `"state":"not-proved"`)
}

// TestNightOfAnotherLifeboat is not gone on with: its proofs would be said to be of one.
func TestNightOfAnotherLifeboat(t *testing.T) {
	v := nightOf(t, "")
	h := night.Header{Catalogue: "nightly", File: v.catalogue.File, Digest: v.catalogue.Digest, Tool: version, Build: "another", Started: time.Now(), Planned: v.plannedNow(t)}
	j, _, err := night.Create(v.home, h)
	require.NoError(t, err)
	require.NoError(t, j.Close())
	before, err := v.nights(v.catalogue)
	require.NoError(t, err)
	_, _, err = v.begin(t.Context(), verifyOptions{goOn: true}, before, true)
	assert.ErrorContains(t, err, "another build of lifeboat")
}

func TestFlagsOfANight(t *testing.T) {
	for _, flags := range [][]string{{"--continue", "--only", "a"}, {"--continue", "--shard", "1/2"}, {"--status", "--only", "a"}, {"--status", "--shard", "1/2"},
		{"--continue", "--changed"}, {"--status", "--changed"}} {
		c := onProcess().verifyCommand()
		c.SetArgs(append(flags, "nowhere.yaml"))
		c.SetOut(t.Output())
		c.SetErr(t.Output())
		assert.ErrorContains(t, c.Execute(), "none of the others can be", flags)
	}
}

// TestGateTakesAnyCase: digests are written down in lower case, whatever a pipeline writes.
func TestGateTakesAnyCase(t *testing.T) {
	var out bytes.Buffer
	a := onProcess()
	a.home, a.stdout, a.json, a.language = t.TempDir(), &out, true, "en"
	c := a.gateCommand()
	c.SetArgs([]string{"--digest", "sha256:" + strings.Repeat("AB", 32)})
	c.SilenceErrors, c.SilenceUsage = true, true
	require.Error(t, c.Execute())
	assert.Contains(t, out.String(), strings.Repeat("ab", 32))
}

// TestOldProofIsMadeAgain when a night of long ago is gone on with: else it would pass by proofs that are overdue.
func TestOldProofIsMadeAgain(t *testing.T) {
	v := nightOf(t, "")
	p := v.plannedNow(t)
	for ago, want := range map[time.Duration]int{time.Hour: 0, 27 * time.Hour: 1, -time.Hour: 1} {
		n := &night.Night{Header: night.Header{Planned: p}, Proofs: []night.Proof{{Planned: p[0], Status: record.StatusPassed, Started: time.Now().Add(-ago)}}}
		jobs, err := v.jobs(t.Context(), n, nil)
		require.NoError(t, err)
		assert.Len(t, jobs, want, ago)
	}
}
