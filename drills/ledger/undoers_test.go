package ledger

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func undoData(t testing.TB, v any) Entry {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return Entry{What: "x", Name: "x", Undo: Undo{Data: b}}
}

func sleeper(t testing.TB, script string, env ...string) (*exec.Cmd, Owner) {
	t.Helper()
	c := exec.Command("sh", "-c", script)
	c.Env = append(os.Environ(), env...)
	out, err := c.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, c.Start())
	_, err = out.Read(make([]byte, 1)) // it says when it is ready
	require.NoError(t, err)
	o, err := Of(c.Process.Pid)
	require.NoError(t, err)
	return c, o
}

func TestUndoProcess(t *testing.T) {
	t.Parallel()
	undo, s := Undoers()[UndoProcess], scope(t)
	t.Run("one that ends when asked", func(t *testing.T) {
		t.Parallel()
		c, o := sleeper(t, "echo; exec sleep 100")
		go c.Wait() //nolint:errcheck // it is ended by a signal
		assert.NoError(t, undo(t.Context(), s, undoData(t, Process{Owner: &o})))
		assert.NotEqual(t, Alive, o.Alive())
		assert.ErrorIs(t, undo(t.Context(), s, undoData(t, Process{Owner: &o})), ErrGone)
	})
	t.Run("one that does not listen", func(t *testing.T) {
		t.Parallel()
		c, o := sleeper(t, "trap '' TERM; echo; while :; do sleep 0.1; done")
		go c.Wait() //nolint:errcheck // it is ended by a signal
		assert.NoError(t, undo(t.Context(), s, undoData(t, Process{Owner: &o})))
		assert.NotEqual(t, Alive, o.Alive())
	})
	t.Run("a pid that is used again is left alone", func(t *testing.T) {
		t.Parallel()
		c, o := sleeper(t, "echo; exec sleep 100")
		o.StartTime--
		assert.ErrorIs(t, undo(t.Context(), s, undoData(t, Process{Owner: &o})), ErrGone)
		o.StartTime++
		assert.Equal(t, Alive, o.Alive())
		require.NoError(t, c.Process.Kill())
		_ = c.Wait() // it was killed
	})
	t.Run("found by its mark, with its children", func(t *testing.T) {
		t.Parallel()
		mark := ProcessMark(s.Drill, "k6")
		c, o := sleeper(t, "sleep 100 & echo; wait", mark)
		go c.Wait() //nolint:errcheck // it is ended by a signal
		// Between fork and exec a child is seen for a moment without its environment.
		require.Eventually(t, func() bool { return len(marked(mark)) == 2 }, 30*time.Second, 10*time.Millisecond)
		assert.NoError(t, undo(t.Context(), s, undoData(t, Process{Mark: mark})))
		assert.Empty(t, marked(mark))
		assert.NotEqual(t, Alive, o.Alive())
	})
	t.Run("a mark of another drill is refused", func(t *testing.T) {
		t.Parallel()
		assert.ErrorContains(t, undo(t.Context(), s, undoData(t, Process{Mark: ProcessMark("d10", "k6")})),
			"not of drill d1")
	})
	t.Run("of another host or boot", func(t *testing.T) {
		t.Parallel()
		o := Self()
		o.Host = "elsewhere"
		assert.ErrorContains(t, undo(t.Context(), s, undoData(t, Process{Owner: &o})), "runs on host elsewhere")
		o = Self()
		o.BootID = "earlier"
		assert.ErrorIs(t, undo(t.Context(), s, undoData(t, Process{Owner: &o})), ErrGone)
	})
}
