package night

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

func planned(names ...string) (all []Planned) {
	for _, n := range names {
		all = append(all, Planned{Backup: n})
	}
	return all
}

func proof(name string, s record.Status) Proof {
	return Proof{Planned: Planned{Backup: name}, Status: s}
}

// begin a night of some backups.
func begin(t *testing.T, home string, names ...string) (*Journal, *Night) {
	t.Helper()
	j, n, err := Create(home, Header{Catalogue: "all", File: "/c.yaml", Started: time.Now(), Planned: planned(names...)})
	require.NoError(t, err)
	return j, n
}

func TestNightIsWhatItsJournalSays(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	j, n := begin(t, home, "a", "b", "c")
	require.NoError(t, j.Add(proof("b", record.StatusFailed)))
	require.NoError(t, j.Add(proof("a", record.StatusPassed)))
	got, err := Read(home, n.Night)
	require.NoError(t, err)
	assert.False(t, got.Sealed())
	assert.Equal(t, record.StatusFailed, got.Status())
	assert.Equal(t, []record.Status{record.StatusPassed, record.StatusFailed, record.StatusNotRun},
		[]record.Status{got.Proofs[0].Status, got.Proofs[1].Status, got.Proofs[2].Status}, "in the order of the plan")
	require.NoError(t, j.Add(proof("c", record.StatusPassed)))
	require.NoError(t, j.Seal())
	got, err = Read(home, n.Night)
	require.NoError(t, err)
	assert.True(t, got.Sealed())
	_, _, err = Reopen(home, n.Night)
	assert.ErrorContains(t, err, "it came to its end")
}

// TestNothingUnprovedIsGreen: whatever is not passed, and a night without an end or without a proof, is not passed.
func TestNothingUnprovedIsGreen(t *testing.T) {
	t.Parallel()
	sealed := Night{Ended: time.Now()}
	assert.Equal(t, record.StatusInconclusive, sealed.Status(), "nothing was asked")
	sealed.Proofs = []Proof{proof("a", record.StatusPassed), {Planned: Planned{Skipped: "only"}, Status: record.StatusNotRun}}
	assert.Equal(t, record.StatusPassed, sealed.Status())
	open := sealed
	open.Ended = time.Time{}
	assert.Equal(t, record.StatusInconclusive, open.Status())
	for _, s := range []record.Status{record.StatusInconclusive, record.StatusAborted, record.StatusNotRun, "", "of a newer lifeboat"} {
		bad := sealed
		bad.Proofs = append([]Proof{proof("b", s)}, sealed.Proofs...)
		assert.Equal(t, record.StatusInconclusive, bad.Status(), s)
		bad.Proofs = append(bad.Proofs, proof("c", record.StatusFailed))
		assert.Equal(t, record.StatusFailed, bad.Status(), s)
	}
	left := sealed
	left.Proofs = []Proof{{Planned: Planned{Backup: "a"}, Status: record.StatusPassed, Left: 1}}
	assert.Equal(t, record.StatusInconclusive, left.Status(), "something was left behind")
	sealed.Proofs = sealed.Proofs[1:]
	assert.Equal(t, record.StatusInconclusive, sealed.Status(), "everything was left out")
}

// TestKilledNightGoesOn: what a crash cut off is dropped, and what was proved stays.
func TestKilledNightGoesOn(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	j, n := begin(t, home, "a", "b")
	_, _, err := Reopen(home, n.Night)
	require.ErrorIs(t, err, ErrRunning)
	require.NoError(t, j.Add(proof("a", record.StatusPassed)))
	require.NoError(t, j.Close())
	path := filepath.Join(Dir(home), n.Night, file)
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"seq":3,"prev":"sha2`)
	require.NoError(t, errors.Join(err, f.Close()))

	torn, err := Read(home, n.Night)
	require.NoError(t, err)
	assert.Positive(t, torn.Torn)
	j, on, err := Reopen(home, n.Night)
	require.NoError(t, err)
	assert.True(t, on.Proofs[0].Done())
	assert.False(t, on.Proofs[1].Done())
	require.NoError(t, j.Add(proof("b", record.StatusPassed)))
	require.NoError(t, j.Seal())
	whole, err := Read(home, n.Night)
	require.NoError(t, err)
	assert.Equal(t, record.StatusPassed, whole.Status())
	assert.Zero(t, whole.Torn)
}

// TestChangedNightIsNotRead: a line that is changed, taken out, or put into another place breaks the chain.
func TestChangedNightIsNotRead(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	j, n := begin(t, home, "a", "b")
	require.NoError(t, j.Add(proof("a", record.StatusFailed)))
	require.NoError(t, j.Add(proof("b", record.StatusPassed)))
	require.NoError(t, j.Seal())
	path := filepath.Join(Dir(home), n.Night, file)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	lines := strings.SplitAfter(strings.TrimSuffix(string(raw), "\n"), "\n")
	for name, text := range map[string]string{
		"changed":   strings.Replace(string(raw), string(record.StatusFailed), string(record.StatusPassed), 1),
		"taken out": lines[0] + lines[2] + lines[3] + "\n",
		"swapped":   lines[0] + lines[2] + lines[1] + lines[3] + "\n",
		"appended":  string(raw) + lines[1],
		"no begin":  lines[1],
		"nothing":   "",
	} {
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := Read(home, n.Night)
		assert.Error(t, err, name)
	}
}

// TestRunFits: no more than so many at a time, no more memory than there is, what is too large for both alone; one that fails stops no other.
func TestRunFits(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	names := []string{"a", "b", "c", "d", "e"}
	j, n := begin(t, home, names...)
	var running, most atomic.Int64
	var memory, peak int64
	var mu sync.Mutex
	needs := map[string]int64{"a": 60, "b": 60, "c": 30, "d": 500, "e": 10}
	var jobs []Job
	for _, p := range n.Planned {
		jobs = append(jobs, Job{Planned: p, Needs: Room{Memory: needs[p.Backup]}, Prove: func(context.Context, *Turn) Proof {
			most.Store(max(most.Load(), running.Add(1)))
			mu.Lock()
			memory += needs[p.Backup]
			if p.Backup != "d" {
				peak = max(peak, memory)
			} else {
				assert.Equal(t, needs["d"], memory, "alone")
			}
			mu.Unlock()
			time.Sleep(20 * time.Millisecond)
			mu.Lock()
			memory -= needs[p.Backup]
			mu.Unlock()
			running.Add(-1)
			return proof(p.Backup, record.StatusFailed)
		}})
	}
	told := 0
	require.NoError(t, Run(t.Context(), j, jobs, 2, Room{Memory: 100}, func(Proof) { told++ }))
	require.NoError(t, j.Seal())
	assert.Equal(t, len(names), told)
	assert.LessOrEqual(t, most.Load(), int64(2))
	assert.LessOrEqual(t, peak, int64(100))
	got, err := Read(home, n.Night)
	require.NoError(t, err)
	assert.Equal(t, len(names), got.Count(record.StatusFailed))
}

// TestInterruptedNight: what runs comes to its own end, the rest is not begun, and that is written down.
func TestInterruptedNight(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	j, n := begin(t, home, "a", "b", "c")
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	var jobs []Job
	for _, p := range n.Planned {
		jobs = append(jobs, Job{Planned: p, Prove: func(ctx context.Context, _ *Turn) Proof {
			cancel(errors.New("told to end"))
			<-ctx.Done()
			return proof(p.Backup, record.StatusAborted)
		}})
	}
	require.NoError(t, Run(ctx, j, jobs, 1, Room{}, func(Proof) {}))
	require.NoError(t, j.Close())
	got, err := Read(home, n.Night)
	require.NoError(t, err)
	assert.Equal(t, record.StatusAborted, got.Proofs[0].Status)
	assert.Equal(t, record.StatusNotRun, got.Proofs[1].Status)
	assert.Equal(t, "told to end", got.Proofs[2].Error)
	for _, p := range got.Proofs {
		assert.False(t, p.Done(), "it is made again")
	}
}

func TestLongestFirst(t *testing.T) {
	t.Parallel()
	of := func(name string, took time.Duration) Proof {
		p := proof(name, record.StatusPassed)
		p.Took = took
		return p
	}
	all := planned("a", "new", "b", "c")
	Longest(all, []*Night{{Proofs: []Proof{of("a", time.Hour), of("b", 2*time.Minute)}}, {Proofs: []Proof{of("a", time.Second), of("c", time.Minute)}}})
	assert.Equal(t, planned("new", "b", "c", "a"), all)
}

func TestList(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	none, err := List(home, "all", "/c.yaml")
	require.NoError(t, err)
	assert.Empty(t, none)
	j, n := begin(t, home, "a")
	require.NoError(t, j.Seal())
	require.NoError(t, os.MkdirAll(filepath.Join(Dir(home), "broken"), 0o700))
	all, err := List(home, "all", "/c.yaml")
	assert.ErrorContains(t, err, "night broken")
	require.Len(t, all, 1)
	assert.Equal(t, n.Night, all[0].Night)
	other, _ := List(home, "another", "/c.yaml")
	assert.Empty(t, other)
	elsewhere, _ := List(home, "all", "/other/c.yaml")
	assert.Empty(t, elsewhere, "the same text in another folder speaks of other backups")
}

func TestStand(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	at := func(ago time.Duration, tool string, all ...Proof) *Night {
		for i := range all {
			all[i].Started, all[i].Drill = now.Add(-ago), "drill"
		}
		return &Night{Header: Header{Build: tool}, Proofs: all}
	}
	left := Proof{Planned: Planned{Backup: "a", Skipped: "only"}, Status: record.StatusNotRun}
	for name, c := range map[string]struct {
		nights []*Night
		want   State
	}{
		"never":                            {nil, Overdue},
		"tonight":                          {[]*Night{at(time.Hour, "1", proof("a", record.StatusPassed))}, Proved},
		"and then left out":                {[]*Night{at(2*time.Hour, "1", proof("a", record.StatusPassed)), at(time.Hour, "1", left)}, Proved},
		"long ago":                         {[]*Night{at(27*time.Hour, "1", proof("a", record.StatusPassed))}, Overdue},
		"by another lifeboat":              {[]*Night{at(time.Hour, "0", proof("a", record.StatusPassed))}, Changed},
		"by nobody knows which lifeboat":   {[]*Night{at(time.Hour, "", proof("a", record.StatusPassed))}, Changed},
		"failed since":                     {[]*Night{at(9*time.Hour, "1", proof("a", record.StatusPassed)), at(time.Hour, "1", proof("a", record.StatusFailed))}, Failed},
		"mended since":                     {[]*Night{at(9*time.Hour, "1", proof("a", record.StatusFailed)), at(time.Hour, "1", proof("a", record.StatusPassed))}, Proved},
		"nobody knows since":               {[]*Night{at(9*time.Hour, "1", proof("a", record.StatusPassed)), at(time.Hour, "1", proof("a", record.StatusInconclusive))}, NotProved},
		"interrupted since":                {[]*Night{at(9*time.Hour, "1", proof("a", record.StatusPassed)), at(time.Hour, "1", proof("a", record.StatusAborted))}, NotProved},
		"one of its points failed":         {[]*Night{at(time.Hour, "1", proof("a", record.StatusFailed), proof("a", record.StatusPassed))}, Failed},
		"another backup's proof is no one": {[]*Night{at(time.Hour, "1", proof("b", record.StatusPassed))}, Overdue},
	} {
		got := Stand(planned("a"), c.nights, "1", 26*time.Hour, now)
		assert.Equal(t, c.want, got[0].State, name)
	}
	got := Stand([]Planned{{Backup: "a", Which: "all"}}, []*Night{at(time.Hour, "1", proof("a", record.StatusPassed))}, "1", 26*time.Hour, now)
	assert.Equal(t, Changed, got[0].State, "more is asked for")
	got = Stand([]Planned{{Backup: "a", Scenario: "sha256:new"}}, []*Night{at(time.Hour, "1", proof("a", record.StatusPassed))}, "1", 26*time.Hour, now)
	assert.Equal(t, Changed, got[0].State, "its entry has changed")
}

// TestStandOfSomePoints: restore points that passed do not speak for those that a killed night never came to, the oldest proof counts,
// an old night that was gone on with counts when it was, and a proof of the future is none.
func TestStandOfSomePoints(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 2, 6, 0, 0, 0, time.UTC)
	of := func(point string, s record.Status, ago time.Duration) Proof {
		return Proof{Planned: Planned{Backup: "a", Point: point}, Status: s, Started: now.Add(-ago), Drill: "drill"}
	}
	unrun := Proof{Planned: Planned{Backup: "a", Point: "2"}, Status: record.StatusNotRun}
	unbegun := Proof{Planned: Planned{Backup: "a"}, Status: record.StatusNotRun, Error: "told to end"}
	night := func(ago time.Duration, all ...Proof) *Night {
		return &Night{Header: Header{Build: "1", Started: now.Add(-ago)}, Proofs: all}
	}
	passed, failed := record.StatusPassed, record.StatusFailed
	for name, c := range map[string]struct {
		nights []*Night
		want   State
	}{
		"killed in the middle":       {[]*Night{night(time.Hour, of("1", passed, time.Hour), unrun)}, Overdue},
		"and proved the day before":  {[]*Night{night(20*time.Hour, of("1", passed, 20*time.Hour)), night(time.Hour, of("1", passed, time.Hour), unrun)}, Proved},
		"killed after a failure":     {[]*Night{night(time.Hour, of("1", failed, time.Hour), unrun)}, Failed},
		"one long ago":               {[]*Night{night(30*time.Hour, of("1", passed, 30*time.Hour), of("2", passed, time.Hour))}, Overdue},
		"an old night gone on with":  {[]*Night{night(20*time.Hour, of("", failed, time.Hour)), night(9*time.Hour, of("", passed, 9*time.Hour))}, Failed},
		"never begun since":          {[]*Night{night(9*time.Hour, of("", passed, 9*time.Hour)), night(time.Hour, unbegun)}, NotProved},
		"of no status that is known": {[]*Night{night(time.Hour, of("1", "newer", time.Hour), of("2", passed, time.Hour))}, NotProved},
		"of the future":              {[]*Night{night(-48*time.Hour, of("", passed, -48*time.Hour))}, Overdue},
	} {
		assert.Equal(t, c.want, Stand(planned("a"), c.nights, "1", 26*time.Hour, now)[0].State, name)
	}
}

// TestFullDisk: a line of which only a part could be written takes none of the others with it.
func TestFullDisk(t *testing.T) {
	home := t.TempDir()
	j, n := begin(t, home, "a", "b")
	require.NoError(t, j.Add(proof("a", record.StatusPassed)))
	signal.Ignore(syscall.SIGXFSZ) // as the runtime does where nobody asked for it; a write then fails
	var was syscall.Rlimit
	require.NoError(t, syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: uint64(j.size) + 9, Max: was.Max}))
	err := j.Add(proof("b", record.StatusFailed))
	require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was))
	require.Error(t, err)
	require.NoError(t, j.Add(proof("b", record.StatusPassed)))
	require.NoError(t, j.Seal())
	got, err := Read(home, n.Night)
	require.NoError(t, err)
	assert.Equal(t, record.StatusPassed, got.Status())
}

func TestNightOfANewerLifeboat(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	j, n := begin(t, home, "a")
	require.NoError(t, j.Close())
	path := filepath.Join(Dir(home), n.Night, file)
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(raw), `"version":1`, `"version":2`, 1)), 0o600))
	_, err = Read(home, n.Night)
	assert.ErrorContains(t, err, "a newer lifeboat wrote it")
}

// TestPointsThatLookAlike: what is written of two files whose names are no text is the same, so neither hides what came of the other.
func TestPointsThatLookAlike(t *testing.T) {
	t.Parallel()
	point := func(name string, s record.Status) Proof {
		return Proof{Planned: Planned{Backup: "a", Point: name}, Status: s, Drill: "drill"}
	}
	bad, good := point("x\xff", record.StatusFailed), point("x\xfe", record.StatusPassed)
	for name, c := range map[string]struct {
		proofs []Proof
		want   record.Status
	}{
		"failed first": {[]Proof{bad, good}, record.StatusFailed},
		"passed first": {[]Proof{good, bad}, record.StatusFailed},
		"aborted last": {[]Proof{good, point("x\xff", record.StatusAborted)}, record.StatusInconclusive},
		"one of them":  {[]Proof{good}, record.StatusInconclusive},
		"both passed":  {[]Proof{good, point("x\xff", record.StatusPassed)}, record.StatusPassed},
	} {
		home := t.TempDir()
		j, n, err := Create(home, Header{Catalogue: "all", File: "/c.yaml", Started: time.Now(), Planned: []Planned{bad.Planned, good.Planned}})
		require.NoError(t, err)
		for _, p := range c.proofs {
			require.NoError(t, j.Add(p))
		}
		require.NoError(t, j.Seal())
		got, err := Read(home, n.Night)
		require.NoError(t, err)
		assert.Equal(t, c.want, got.Status(), name)
	}
}

// TestOpen: what was left out is not to be proved, what has a proof neither, unless that is too old, of the future, or says nothing.
func TestOpen(t *testing.T) {
	t.Parallel()
	now := time.Now()
	n := &Night{Header: Header{Planned: planned("new")}}
	assert.Equal(t, n.Planned, n.Open(time.Hour, now), "it has just begun")
	for name, c := range map[string]struct {
		status record.Status
		ago    time.Duration
		open   bool
	}{
		"passed": {record.StatusPassed, time.Minute, false}, "failed": {record.StatusFailed, time.Minute, false},
		"aborted": {record.StatusAborted, time.Minute, true}, "not run": {record.StatusNotRun, time.Minute, true},
		"too old": {record.StatusPassed, 2 * time.Hour, true}, "of the future": {record.StatusPassed, -time.Minute, true},
	} {
		p := proof("a", c.status)
		p.Started = now.Add(-c.ago)
		n := &Night{Header: Header{Planned: planned("a")}, Proofs: []Proof{p}}
		assert.Equal(t, c.open, len(n.Open(time.Hour, now)) == 1, name)
	}
	left := &Night{Header: Header{Planned: []Planned{{Backup: "a", Skipped: "only"}}}}
	assert.Empty(t, left.Open(time.Hour, now))
}
