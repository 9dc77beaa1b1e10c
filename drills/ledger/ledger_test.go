package ledger

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/filelock"
)

func scope(t testing.TB) Scope {
	t.Helper()
	return Scope{Drill: "d1", Owner: Self(), Deadline: time.Now().Add(time.Hour).UTC().Truncate(time.Second),
		Home: t.TempDir()}
}

func entry(what, name string) Entry {
	return Entry{What: what, Name: name, Undo: Undo{Kind: "test", Data: json.RawMessage(`{}`)}, Fix: "rm " + name}
}

func TestFile(t *testing.T) {
	t.Parallel()
	s := scope(t)
	_, err := Load(s.Home)
	require.ErrorIs(t, err, fs.ErrNotExist)
	l, err := Open(s.Home, s)
	require.NoError(t, err)
	a, err := l.Intend(entry("container", "a"))
	require.NoError(t, err)
	b, err := l.Intend(entry("fault", "b"))
	require.NoError(t, err)
	require.NoError(t, l.Mark(a, Undone, nil))
	require.NoError(t, l.Mark(b, Failed, errors.New("busy")))
	assert.Error(t, l.Mark(99, Undone, nil), "an entry that is not there")
	require.NoError(t, l.Close())

	got, err := Load(s.Home)
	require.NoError(t, err)
	require.Len(t, got, 2)
	assert.Equal(t, []State{Undone, Failed}, []State{got[0].State, got[1].State})
	assert.Equal(t, "busy", got[1].Error)
	back, err := LoadScope(s.Home)
	require.NoError(t, err)
	assert.Equal(t, s, back)

	again, err := Open(s.Home, Scope{Drill: "somebody else's"})
	require.NoError(t, err)
	id, err := again.Intend(entry("file", "c"))
	require.NoError(t, err)
	assert.Equal(t, 3, id)
	require.NoError(t, again.Close())
	back, err = LoadScope(s.Home)
	require.NoError(t, err)
	assert.Equal(t, "d1", back.Drill, "the first owner stays")
}

// Cut anywhere in its last line, the ledger holds what Intend had returned for.
func TestTornLine(t *testing.T) {
	t.Parallel()
	s := scope(t)
	l, err := Open(s.Home, s)
	require.NoError(t, err)
	_, err = l.Intend(entry("container", "a"))
	require.NoError(t, err)
	size := l.size
	_, err = l.Intend(entry("container", "b"))
	require.NoError(t, err)
	require.NoError(t, l.Close())
	path := filepath.Join(s.Home, FileName)
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for cut := int(size); cut < len(whole); cut++ {
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o600))
		got, err := Load(s.Home)
		require.NoError(t, err)
		require.Len(t, got, 1)
		l, err := Open(s.Home, s)
		require.NoError(t, err)
		id, err := l.Intend(entry("container", "c"))
		require.NoError(t, err)
		assert.Equal(t, 2, id)
		require.NoError(t, l.Close())
		got, err = Load(s.Home)
		require.NoError(t, err)
		assert.Len(t, got, 2)
	}
	require.NoError(t, os.WriteFile(path, bytes.Replace(whole, []byte(`"name":"a"`), []byte(`"name":a"`), 1), 0o600))
	_, err = Load(s.Home)
	assert.ErrorContains(t, err, "line 2", "a broken line in the middle hides something that exists")
}

func TestOneWriter(t *testing.T) {
	t.Parallel()
	s := scope(t)
	l, err := Open(s.Home, s)
	require.NoError(t, err)
	f, err := os.Open(filepath.Join(s.Home, FileName))
	require.NoError(t, err)
	assert.ErrorIs(t, filelock.Exclusive(f, 0), filelock.ErrLocked)
	require.NoError(t, l.Close())
	assert.NoError(t, filelock.Exclusive(f, time.Minute), "a child of another test may hold it until it is another program")
	require.NoError(t, f.Close())
}

// undoing records the order and fails each name as often as told.
type undoing struct {
	mu    sync.Mutex
	order []string
	fails map[string]int
}

func (u *undoing) undo(ctx context.Context, _ Scope, e Entry) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.order = append(u.order, e.Name)
	if u.fails[e.Name] > 0 {
		u.fails[e.Name]--
		return errors.New("busy")
	}
	if e.Name == "gone" {
		return fmt.Errorf("look for it: %w", ErrGone)
	}
	return nil
}

func TestUnwind(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := &undoing{fails: map[string]int{"twice": 2, "never": 1 << 30}}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // clean-up runs all the same
		other := entry("volume", "unknown")
		other.Undo.Kind = "of another build"
		crash := entry("file", "crash")
		crash.Undo.Kind = "crash"
		entries := []Entry{entry("network", "net"), entry("fault", "fault1"), entry("container", "twice"),
			entry("container", "gone"),
			entry("volume", "never"), entry("fault", "fault2"), other, crash, entry("image", "done")}
		for i := range entries {
			entries[i].ID, entries[i].State = i+1, Intended
		}
		entries[8].State = Undone
		var reported []string
		start := time.Now()
		got := Unwind(ctx, UnwindRequest{Entries: entries, Retry: 5 * time.Second, Report: func(o Outcome) {
			reported = append(reported, o.Entry.Name)
		}, Undoers: map[string]Undoer{"test": u.undo, "crash": func(context.Context, Scope,
			Entry) error {
			panic("oops")
		}}})
		assert.Equal(t, []string{"fault2", "fault1"}, u.order[:2], "faults first, the youngest first")
		assert.ElementsMatch(t, []string{"gone", "twice", "never", "net"}, u.order[2:6], "then what is on the engine, side by side")
		state := map[string]State{}
		for _, o := range got {
			state[o.Entry.Name] = o.State
		}
		assert.Equal(t, map[string]State{"fault1": Undone, "fault2": Undone, "twice": Undone, "gone": Gone, "never": Failed,
			"unknown": Failed, "crash": Failed, "net": Undone}, state)
		assert.Len(t, reported, 8, "each once")
		assert.LessOrEqual(t, time.Since(start), 5*time.Second)
		var errs []error
		for _, o := range got {
			errs = append(errs, o.Err)
		}
		err := errors.Join(errs...)
		for _, part := range []string{"undo volume never: busy; by hand: rm never", `"of another build"`, "crashed: oops"} {
			assert.ErrorContains(t, err, part)
		}
		assert.Empty(t, Unwind(ctx, UnwindRequest{}))
	})
}

func TestUnwindLimitsEachAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context, _ Scope, _ Entry) error { <-ctx.Done(); return ctx.Err() }
		start := time.Now()
		got := Unwind(t.Context(), UnwindRequest{Entries: []Entry{entry("container", "a")}, Each: time.Second, Retry: -1,
			Undoers: map[string]Undoer{"test": hang}})
		assert.ErrorIs(t, got[0].Err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(start))
	})
}

// What one engine holds is removed side by side, what is in use as soon as its last user is gone; what looks for late
// comers begins when all of it is gone. Reports come early, and in the order of undoing.
func TestUnwindSideBySide(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		takes := map[string]time.Duration{"container3": 4 * time.Second, "container5": time.Second}
		uses := map[string]string{"volume2": "container5", "volume6": "container3", "network0": "container3"}
		var mu sync.Mutex
		ended := map[string]time.Duration{}
		undo := func(_ context.Context, _ Scope, e Entry) error {
			mu.Lock()
			_, free := ended[uses[e.Name]]
			mu.Unlock()
			if uses[e.Name] != "" && !free {
				return fmt.Errorf("remove %s: %w", e.Name, ErrInUse)
			}
			time.Sleep(cmp.Or(takes[e.Name], time.Second))
			mu.Lock()
			defer mu.Unlock()
			ended[e.Name] = time.Since(start)
			assert.Equal(t, start.Add(-time.Minute), e.Since)
			return nil
		}
		var all []Entry
		for i, what := range []string{"network", "engine", "volume", "container", "image", "container", "volume"} {
			e := entry(what, fmt.Sprint(what, i))
			e.ID, e.State = i+1, Intended
			all = append(all, e)
		}
		var told []string
		Unwind(t.Context(), UnwindRequest{Entries: all, Undoers: map[string]Undoer{"test": undo}, Since: start.Add(-time.Minute), Report: func(o Outcome) {
			told = append(told, fmt.Sprint(o.Entry.Name, " ", time.Since(start)))
		}})
		assert.Equal(t, map[string]time.Duration{"container5": time.Second, "image4": time.Second, "volume2": 2 * time.Second,
			"container3": 4 * time.Second, "volume6": 5 * time.Second, "network0": 5 * time.Second,
			"engine1": 6 * time.Second}, ended)
		assert.Equal(t, []string{"container5 1s", "container3 4s", "volume6 5s", "image4 5s", "volume2 5s", "network0 5s",
			"engine1 6s"}, told)
	})
}

// What is in use by somebody else than the containers is tried once more after the last of them, and then has failed.
func TestUnwindInUseByOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		all := []Entry{entry("volume", "v"), entry("container", "fails"), entry("container", "goes")}
		for i := range all {
			all[i].ID = i + 1
		}
		got := Unwind(t.Context(), UnwindRequest{Entries: all, Retry: -1, Undoers: map[string]Undoer{
			"test": func(_ context.Context, _ Scope, e Entry) error {
				time.Sleep(time.Duration(e.ID) * time.Second)
				switch e.Name {
				case "fails":
					return errors.New("busy")
				case "v":
					tries++
					return ErrInUse
				}
				return nil
			}}})
		assert.Equal(t, 3, tries)
		assert.ErrorIs(t, got[2].Err, ErrInUse)
		assert.Equal(t, Failed, got[2].State)
	})
}

func TestUnwindWithin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context, _ Scope, _ Entry) error { <-ctx.Done(); return ctx.Err() }
		var all []Entry
		for id := range 40 {
			e := entry("volume", "v")
			e.ID = id + 1
			all = append(all, e)
		}
		start, reported := time.Now(), 0
		got := Unwind(t.Context(), UnwindRequest{Entries: all, Within: 50 * time.Second, Undoers: map[string]Undoer{"test": hang},
			Report: func(Outcome) { reported++ }})
		assert.Equal(t, 50*time.Second, time.Since(start), "each hangs for 30 s, sixteen at a time")
		assert.Equal(t, 40, reported)
		assert.ErrorIs(t, got[0].Err, context.DeadlineExceeded)
		assert.ErrorContains(t, got[39].Err, "it was not its turn within the clean-up's limit of 50s")
	})
}

func TestOwner(t *testing.T) {
	t.Parallel()
	self := Self()
	back, err := ParseOwner(self.String())
	require.NoError(t, err)
	assert.Equal(t, self, back)
	assert.Equal(t, Alive, self.Alive())

	odd := Owner{Host: "a/b c%;", BootID: "x", PIDNamespace: "1", PID: 5, StartTime: 1 << 63}
	back, err = ParseOwner(odd.String())
	require.NoError(t, err)
	assert.Equal(t, odd, back)

	for name, c := range map[string]struct {
		change func(*Owner)
		want   Life
	}{
		"another host":      {func(o *Owner) { o.Host = "elsewhere" }, Unknown},
		"another boot":      {func(o *Owner) { o.BootID = "earlier" }, Unknown},
		"another namespace": {func(o *Owner) { o.PIDNamespace = "1" }, Unknown},
		"a pid used again":  {func(o *Owner) { o.StartTime++ }, Dead},
		"no such pid":       {func(o *Owner) { o.PID = 1 << 29 }, Dead},
		"nothing known":     {func(o *Owner) { *o = Owner{} }, Unknown},
	} {
		o := self
		c.change(&o)
		assert.Equal(t, c.want, o.Alive(), name)
		dead := c.want == Dead
		for when, late := range map[time.Duration]bool{time.Hour: false, -time.Hour: true} {
			got, why := Scope{Owner: o, Deadline: time.Now().Add(when)}.Abandoned(time.Now())
			assert.Equal(t, dead || late, got, "%s: %s", name, why)
		}
	}
	got, _ := Scope{Owner: self, Deadline: time.Now().Add(-time.Hour)}.Abandoned(time.Now())
	assert.False(t, got, "who lives is never swept")
}

func FuzzParseOwner(f *testing.F) {
	f.Add(Self().String())
	f.Add("h/b/n/1/2")
	f.Fuzz(func(t *testing.T, s string) {
		o, err := ParseOwner(s)
		if err != nil {
			return
		}
		again, err := ParseOwner(o.String())
		if err != nil || again != o {
			t.Fatalf("%q: %v, %v", s, again, err)
		}
	})
}

func FuzzReadLedger(f *testing.F) {
	f.Add([]byte(`{"scope":{"drill":"d"}}
{"entry":{"id":1}}
{"mark":{"id":1,"state":"undone"}}
{`))
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _ = read(b) // must not panic
	})
}

func TestStatOfAStrangeName(t *testing.T) {
	t.Parallel()
	start, state, err := parseStat("7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 4711 20")
	require.NoError(t, err)
	assert.Equal(t, uint64(4711), start)
	assert.Equal(t, byte('S'), state)
	for _, bad := range []string{"", "7 (a", "7 (a) S 1"} {
		_, _, err := parseStat(bad)
		assert.Error(t, err, bad)
	}
}

func TestEntryRead(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]string{
		`{"host":"h","drill":"d1"}`: "",
		`{"host":"h","drill":"d2"}`: `it belongs to drill "d2", not "d1": left alone`,
		`{"host":"h"}`:              `it belongs to drill "", not "d1": left alone`,
		`{"host":1,"drill":"d1"}`:   "read undo of c",
	} {
		var how struct{ Host string }
		err := Entry{Name: "c", Undo: Undo{Data: json.RawMessage(data)}}.Read(Scope{Drill: "d1"}, &how)
		if want == "" {
			require.NoError(t, err)
			assert.Equal(t, "h", how.Host)
			continue
		}
		assert.ErrorContains(t, err, want, data)
	}
	assert.ErrorContains(t, Entry{Undo: Undo{Data: json.RawMessage(`{}`)}}.Read(Scope{}, &struct{}{}), "left alone", "no drill at all")
}
