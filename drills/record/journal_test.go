package record

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// childEnv makes this test's own binary a process that appends until it is killed, or until its disk is full.
const childEnv = "LIFEBOAT_TEST_JOURNAL"

func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		appendForever(path)
	}
	os.Exit(m.Run())
}

func appendForever(path string) {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // empty is another boot
	j, err := Create(path, Header{Version: Version, BoottimeNS: Boottime(),
		BootID: strings.TrimSpace(string(boot))}, time.Now(), Clock{})
	if err != nil {
		panic(err)
	}
	for i := 0; ; i++ {
		if err := j.Append(KindNote, Subject{}, Note{Text: strings.Repeat("x", 1+i%500)}); err != nil {
			fmt.Println(err)
			os.Exit(3)
		}
		fmt.Println(i)
	}
}

func create(t testing.TB) (*Journal, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal.ndjson")
	j, err := Create(path, Header{Version: Version, Drill: "d"}, time.Now(), Clock{})
	require.NoError(t, err)
	return j, path
}

func readFile(t testing.TB, path string) ([]Event, error) {
	t.Helper()
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	return Read(bytes.NewReader(b))
}

func TestJournalChains(t *testing.T) {
	t.Parallel()
	j, path := create(t)
	var after []Event
	j.After = func(e Event) { after = append(after, e) }
	require.NoError(t, j.Append(KindPhase, Subject{}, PhaseEvent{Phase: "restore"}))
	require.NoError(t, j.AppendAs("Li", KindNote, Subject{}, Note{Text: "<数据库> & \u2028 done"}))
	require.NoError(t, j.Sync())
	require.NoError(t, j.Close())
	assert.ErrorIs(t, j.Append(KindNote, Subject{}, Note{}), os.ErrClosed)

	events, err := readFile(t, path)
	require.NoError(t, err)
	require.Len(t, events, 3)
	assert.Equal(t, []Kind{KindOpened, KindPhase, KindNote}, []Kind{events[0].Kind, events[1].Kind, events[2].Kind})
	assert.Equal(t, "Li", events[2].Actor)
	assert.Empty(t, events[0].Prev)
	assert.Equal(t, events[0].sum, events[1].Prev)
	assert.Len(t, after, 2, "called once for each event after it was set")
	for _, e := range events {
		assert.Equal(t, e.sum, remade(e), "an event that was read is the line that was written")
	}
	_, err = Create(path, Header{Version: Version}, time.Now(), Clock{})
	assert.ErrorIs(t, err, fs.ErrExist, "a journal is never begun twice")
}

func TestJournalCountsFromItsBase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		j, path := create(t)
		time.Sleep(2 * time.Hour)
		require.NoError(t, j.Append(KindNote, Subject{}, Note{}))
		assert.Equal(t, 2*time.Hour, j.Elapsed())
		require.NoError(t, j.Close())
		events, err := readFile(t, path)
		require.NoError(t, err)
		assert.Equal(t, 2*time.Hour, events[1].Elapsed)
	})
}

func TestJournalConcurrently(t *testing.T) {
	t.Parallel()
	j, path := create(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				assert.NoError(t, j.Append(KindCheck, Subject{}, CheckResult{Name: "c"}))
			}
		})
	}
	wg.Wait()
	own, err := j.Events()
	require.NoError(t, err)
	require.NoError(t, j.Close())
	events, err := readFile(t, path)
	require.NoError(t, err)
	assert.Len(t, events, 401)
	assert.Equal(t, own, events)
}

func TestSecondWriterIsRefused(t *testing.T) {
	t.Parallel()
	j, path := create(t)
	before := time.Now()
	released := make(chan struct{})
	go func() {
		time.Sleep(300 * time.Millisecond)
		close(released)
		assert.NoError(t, j.Close())
	}()
	r, err := Reopen(path, ActorReaper) // waits until the first lets go
	require.NoError(t, err)
	<-released
	assert.Greater(t, time.Since(before), 250*time.Millisecond)
	require.NoError(t, r.Append(KindCleanup, Subject{}, CleanupEvent{State: "proved"}))
	require.NoError(t, r.Close())
	events, err := readFile(t, path)
	require.NoError(t, err)
	assert.Equal(t, ActorReaper, events[1].Actor)
}

func TestWriterThatStaysKeepsOthersOut(t *testing.T) {
	t.Parallel()
	j, path := create(t)
	_, err := Reopen(path, ActorReaper)
	assert.ErrorIs(t, err, ErrLocked)
	require.NoError(t, j.Close())
}

// Killed at any moment, a journal is readable, and can be continued by the reaper with the clock going on.
func TestKilledWriter(t *testing.T) {
	t.Parallel()
	for i := range 10 {
		path := filepath.Join(t.TempDir(), "journal.ndjson")
		c := exec.Command(os.Args[0], "-test.run=^$")
		c.Env = append(os.Environ(), childEnv+"="+path)
		out, err := c.StdoutPipe()
		require.NoError(t, err)
		began := time.Now()
		require.NoError(t, c.Start())
		lines, seen := bufio.NewScanner(out), 0
		for seen <= 20*i && lines.Scan() {
			seen++
		}
		require.NoError(t, c.Process.Kill())
		for lines.Scan() {
			seen++
		}
		_ = c.Wait() // it was killed

		j, err := Reopen(path, ActorReaper)
		require.NoError(t, err)
		require.NoError(t, j.Append(KindCleanup, Subject{}, CleanupEvent{State: "proved"}))
		require.NoError(t, j.Close())
		events, err := readFile(t, path)
		require.NoError(t, err)
		assert.GreaterOrEqual(t, len(events), seen+2, "what Append had returned for is there")
		last := events[len(events)-1]
		assert.Positive(t, last.Elapsed)
		assert.Less(t, last.Elapsed, time.Since(began)+time.Second, "counted from the drill's base")
		r, err := Build(events)
		require.NoError(t, err)
		assert.Equal(t, RunCrashed, r.Status)
	}
}

// A crash may cut the last line anywhere, and a second one may cut the reaper's own attempt to close it.
// A full disk loses the event that does not fit, says so, and keeps everything before it.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.ndjson")
	c := exec.Command("sh", "-c", `ulimit -f 16; trap "" XFSZ; exec "$0" -test.run='^$'`, os.Args[0])
	c.Env = append(os.Environ(), childEnv+"="+path)
	out, err := c.Output()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 3, exit.ExitCode(), "%s", out)
	assert.Contains(t, string(out), syscall.EFBIG.Error())
	assert.Contains(t, string(out), "the event is lost, those before it are kept")
	events, err := readFile(t, path)
	require.NoError(t, err, "no half line is left")
	assert.Greater(t, len(events), 5)
}

func TestReopenAfterARestartOfTheHost(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal.ndjson")
	j, err := Create(path, Header{Version: Version, BootID: "another boot", BoottimeNS: 1}, time.Now().Add(-time.Hour), Clock{})
	require.NoError(t, err)
	require.NoError(t, j.Close())
	r, err := Reopen(path, ActorReaper)
	require.NoError(t, err)
	defer r.Close() //nolint:errcheck // nothing was written
	assert.InDelta(t, time.Hour.Seconds(), r.Elapsed().Seconds(), 1)
}

// Whoever looks on is told of every event once, in the journal's order, also of those of people.
func TestJournalTells(t *testing.T) {
	t.Parallel()
	j, path := create(t)
	b, told := NewBuilder(), []int64(nil)
	require.NoError(t, j.Append(KindPhase, Subject{}, PhaseEvent{Phase: "restore"}))
	require.NoError(t, j.Tell(func(e Event) {
		told = append(told, e.Seq)
		require.NoError(t, b.Add(e))
	}))
	require.NoError(t, j.AppendAs("Li", KindNote, Subject{}, Note{Text: "seen"}))
	require.NoError(t, j.Close())
	assert.Equal(t, []int64{1, 2, 3}, told)
	events, err := readFile(t, path)
	require.NoError(t, err)
	want, err := Build(events)
	require.NoError(t, err)
	assert.Equal(t, want, b.Record())
}
