package night

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// TestRestingOnEarlierProofs: what is unchanged passes by the proof on which it rests, and is nothing that was left out; a night that is
// gone on with makes it again once that proof is too old.
func TestRestingOnEarlierProofs(t *testing.T) {
	t.Parallel()
	home, now := t.TempDir(), time.Now()
	earlier := proof("a", record.StatusPassed)
	earlier.Drill, earlier.Started = "drill", now.Add(-20*time.Hour)
	j, n, err := Create(home, Header{Catalogue: "all", File: "/c.yaml", Started: now,
		Planned: []Planned{{Backup: "a", Skipped: Unchanged, Rests: &earlier}, {Backup: "b", Skipped: "only"}}})
	require.NoError(t, err)
	assert.Empty(t, n.Open(26*time.Hour, now))
	require.NoError(t, j.Close())
	open, err := Read(home, n.Night)
	require.NoError(t, err)
	assert.Empty(t, open.Open(26*time.Hour, now))
	again := open.Open(26*time.Hour, now.Add(7*time.Hour))
	assert.Equal(t, []Planned{{Backup: "a"}}, again, "by now it is too old")

	j, _, err = Reopen(home, n.Night)
	require.NoError(t, err)
	require.NoError(t, j.Seal())
	got, err := Read(home, n.Night)
	require.NoError(t, err)
	assert.Equal(t, record.StatusPassed, got.Status(), "though nothing was run")
	assert.Equal(t, []string{"drill", ""}, []string{got.Proofs[0].Drill, got.Proofs[1].Drill})
	assert.True(t, got.Partial(), "b was left out")
	got.Proofs = got.Proofs[:1]
	assert.False(t, got.Partial())
	assert.Equal(t, Overdue, Stand(planned("a"), []*Night{got}, "1", 26*time.Hour, now)[0].State, "it proves nothing anew")
	got.Proofs[0].Status = record.StatusFailed
	assert.Equal(t, record.StatusFailed, got.Status())
}

// TestOldestOfWhatRests: of several restore points the oldest proof counts, and the one on which one of them rests is one of them.
func TestOldestOfWhatRests(t *testing.T) {
	t.Parallel()
	now := time.Now()
	of := func(point string, ago time.Duration) Proof {
		p := proof("a", record.StatusPassed)
		p.Point, p.Drill, p.Started = point, point, now.Add(-ago)
		return p
	}
	old := of("1", 40*time.Hour)
	rests := old
	rests.Skipped, rests.Rests = Unchanged, &old
	first, second := &Night{Header: Header{Build: "1"}, Proofs: []Proof{old}}, &Night{Header: Header{Build: "1"}, Proofs: []Proof{rests, of("2", 16*time.Hour)}}
	s := Stand(planned("a"), []*Night{first, second}, "1", 26*time.Hour, now)[0]
	assert.Equal(t, Overdue, s.State)
	assert.Equal(t, old.Started, s.Proof)
	require.Len(t, s.Speak, 2, "each drill must be there, and say the same")
	assert.ElementsMatch(t, []string{"1", "2"}, []string{s.Speak[0].Drill, s.Speak[1].Drill})
	assert.Equal(t, Proved, Stand(planned("a"), []*Night{first, second}, "1", 41*time.Hour, now)[0].State)
}

func TestLast(t *testing.T) {
	t.Parallel()
	now := time.Now()
	at := func(ago time.Duration, build string, p Proof) *Night {
		p.Started, p.Drill = now.Add(-ago), build
		return &Night{Header: Header{Build: build}, Proofs: []Proof{p}}
	}
	rests := proof("a", record.StatusPassed)
	rests.Skipped, rests.Rests = Unchanged, &Proof{}
	unbegun := proof("a", record.StatusNotRun)
	unbegun.Error = "told to end"
	passed := at(3*time.Hour, "1", proof("a", record.StatusPassed))
	for name, c := range map[string]struct {
		nights []*Night
		status record.Status
		build  string
	}{
		"never":                      {[]*Night{at(time.Hour, "1", proof("b", record.StatusPassed)), {Proofs: []Proof{proof("a", record.StatusNotRun)}}}, "", ""},
		"once":                       {[]*Night{passed}, record.StatusPassed, "1"},
		"rested since":               {[]*Night{passed, at(time.Hour, "2", rests)}, record.StatusPassed, "1"},
		"failed since":               {[]*Night{passed, at(time.Hour, "2", proof("a", record.StatusFailed))}, record.StatusFailed, "2"},
		"failed since, gone on with": {[]*Night{at(time.Hour, "2", proof("a", record.StatusFailed)), passed}, record.StatusFailed, "2"},
		"not begun since":            {[]*Night{passed, {Header: Header{Build: "2", Started: now}, Proofs: []Proof{unbegun}}}, record.StatusNotRun, "2"},
	} {
		last, build, ok := Last(Planned{Backup: "a"}, c.nights)
		assert.Equal(t, c.build != "", ok, name)
		assert.Equal(t, []string{string(c.status), c.build}, []string{string(last.Status), build}, name)
	}
}

// TestSizes: those of the newest restore points that passed, each once, the latest few.
func TestSizes(t *testing.T) {
	t.Parallel()
	at := func(size int64, bend func(*Proof)) *Night {
		p := proof("a", record.StatusPassed)
		p.Points = []Point{{Backup: "a", Size: size}}
		bend(&p)
		return &Night{Proofs: []Proof{p}}
	}
	as := func(*Proof) {}
	nights := []*Night{at(1, as), at(2, as), at(2, as), at(3, func(p *Proof) { p.Status = record.StatusFailed }), at(4, func(p *Proof) { p.Older = true }),
		at(5, func(p *Proof) { p.Skipped, p.Rests = Unchanged, &Proof{} }), at(0, as)}
	assert.Equal(t, []int64{1, 2}, Sizes("a", nights))
	assert.Empty(t, Sizes("b", nights))
	for i := range int64(9) {
		nights = append(nights, at(10+i, as))
	}
	assert.Equal(t, []int64{12, 13, 14, 15, 16, 17, 18}, Sizes("a", nights))
}

// TestReadIsNoProof: restore points that were only read neither prove a backup nor speak against it, but where they are bad.
func TestReadIsNoProof(t *testing.T) {
	t.Parallel()
	now := time.Now()
	of := func(point string, s record.Status, read bool) Proof {
		return Proof{Planned: Planned{Backup: "a", Point: point, UpTo: record.UpToRead}, Status: s, Read: read, Started: now.Add(-time.Hour), Drill: "d"}
	}
	restored := Proof{Planned: Planned{Backup: "a", Point: "1"}, Status: record.StatusPassed, Started: now.Add(-time.Hour), Drill: "d"}
	read, bad, unknown := of("2", record.StatusInconclusive, true), of("3", record.StatusFailed, false), of("4", record.StatusInconclusive, false)
	left := read
	left.Left = 1
	for name, c := range map[string]struct {
		proofs []Proof
		night  record.Status
		state  State
	}{
		"restored, and others read": {[]Proof{restored, read}, record.StatusPassed, Proved},
		"only read":                 {[]Proof{read}, record.StatusInconclusive, Overdue},
		"one that was read is bad":  {[]Proof{restored, read, bad}, record.StatusFailed, Failed},
		"one could not be read":     {[]Proof{restored, read, unknown}, record.StatusInconclusive, NotProved},
		"something was left":        {[]Proof{restored, left}, record.StatusInconclusive, Proved},
	} {
		n := &Night{Header: Header{Build: "1", Started: now}, Ended: now, Proofs: c.proofs}
		assert.Equal(t, c.night, n.Status(), name)
		assert.Equal(t, c.state, Stand([]Planned{{Backup: "a"}}, []*Night{n}, "1", 26*time.Hour, now)[0].State, name)
	}
	before := &Night{Header: Header{Build: "1"}, Proofs: []Proof{restored}}
	later := &Night{Header: Header{Build: "1"}, Ended: now, Proofs: []Proof{read}}
	s := Stand([]Planned{{Backup: "a"}}, []*Night{before, later}, "1", 26*time.Hour, now)[0]
	assert.Equal(t, Proved, s.State)
	assert.Equal(t, restored.Started, s.Proof, "when it was really proved")
}
