package record

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTornAnywhere(t *testing.T) {
	t.Parallel()
	j, path := create(t)
	require.NoError(t, j.Append(KindNote, Subject{}, Note{Text: "one"}))
	size := j.size
	require.NoError(t, j.Append(KindNote, Subject{}, Note{Text: "two"}))
	require.NoError(t, j.Close())
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for cut := int(size) + 1; cut < len(whole); cut++ {
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o600))
		r, err := Reopen(path, ActorReaper)
		require.NoError(t, err, "cut at %d", cut)
		require.NoError(t, r.Append(KindCleanup, Subject{}, CleanupEvent{State: "proved"}))
		require.NoError(t, r.Close())
		events, err := readFile(t, path)
		require.NoError(t, err, "cut at %d", cut)
		require.Len(t, events, 4)
		assert.Equal(t, KindTorn, events[2].Kind)
		closed, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.True(t, bytes.HasPrefix(closed, whole[:cut]), "the torn bytes stay")
	}
	cutBytes := whole[:len(whole)-9]
	for _, rest := range []string{"\n", "\n{", "\n" + `{"seq":3,"kind":"torn`} {
		require.NoError(t, os.WriteFile(path, append(bytes.Clone(cutBytes), rest...), 0o600))
		r, err := Reopen(path, ActorReaper)
		require.NoError(t, err, "%q", rest)
		require.NoError(t, r.Close())
		events, err := readFile(t, path)
		require.NoError(t, err)
		assert.Equal(t, KindTorn, events[len(events)-1].Kind)
	}
}

func TestDamage(t *testing.T) {
	t.Parallel()
	j, path := create(t)
	for i := range 4 {
		require.NoError(t, j.Append(KindNote, Subject{}, Note{Text: fmt.Sprint("note ", i)}))
	}
	require.NoError(t, j.Close())
	b, err := os.ReadFile(path)
	require.NoError(t, err)
	good := string(b)
	lines := strings.SplitAfter(strings.TrimSuffix(good, "\n"), "\n")
	cases := []struct {
		name, text string
		line       int
		kept       int
	}{
		{"a word changed", strings.Replace(good, "note 1", "note 7", 1), 4, 3},
		{"the header changed", strings.Replace(good, `"drill":"d"`, `"drill":"e"`, 1), 2, 1},
		{"a time changed", strings.Replace(good, `"seq":2,"elapsed_ns":`, `"seq":2,"elapsed_ns":9`, 1), 3, 2},
		{"a line taken out", strings.Join(append(append([]string{}, lines[:2]...), lines[3:]...), ""), 3, 2},
		{"two lines exchanged", lines[0] + lines[2] + lines[1] + lines[3], 2, 1},
		{"a line doubled", lines[0] + lines[1] + lines[1] + lines[2], 3, 2},
		{"a line put in front", "{}\n" + good, 1, 0},
		{"no JSON in the middle", lines[0] + "hello\n" + lines[1], 2, 1},
		{"a space added", strings.Replace(good, `{"seq":2,`, `{"seq":2, `, 1), 3, 2},
		{"the beginning cut off", strings.Join(lines[1:], ""), 1, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			require.NotEqual(t, good, c.text)
			events, err := Read(strings.NewReader(c.text))
			var d *Damage
			require.ErrorAs(t, err, &d)
			assert.Equal(t, c.line, d.Line, "%v", d)
			assert.False(t, d.Torn)
			assert.Len(t, events, c.kept)
			p := filepath.Join(t.TempDir(), "journal.ndjson")
			require.NoError(t, os.WriteFile(p, []byte(c.text), 0o600))
			_, err = Reopen(p, ActorReaper)
			assert.ErrorAs(t, err, &d, "nothing is appended to a journal that was changed")
		})
	}
}

func FuzzRead(f *testing.F) {
	j, path := create(f)
	require.NoError(f, j.Append(KindNote, Subject{}, Note{Text: "x"}))
	require.NoError(f, j.Close())
	b, err := os.ReadFile(path)
	require.NoError(f, err)
	f.Add(b)
	f.Add(append(b, `{"seq":3,"kind":"torn","data":{"bytes":1}}`...))
	f.Add([]byte("\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := Read(bytes.NewReader(b))
		var d *Damage
		if err != nil && !errors.As(err, &d) {
			t.Fatal(err)
		}
		for i, e := range events {
			if e.Seq != int64(i+1) {
				t.Fatalf("event %d has number %d", i+1, e.Seq)
			}
		}
		if len(events) > 0 {
			_, _ = Build(events) // must not panic
		}
	})
}
