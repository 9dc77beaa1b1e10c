package storetest

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/ledger"
	"lifeboat/drills/store"
)

// notes is a ledger in memory.
type notes struct {
	mu      sync.Mutex
	entries []ledger.Entry
}

// Intend implements store.Ledger.
func (n *notes) Intend(e ledger.Entry) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.entries = append(n.entries, e)
	return len(n.entries), nil
}

// reap undoes what was noted as another process would, which has it as data only, and tells what was still there.
func (n *notes) reap(t *testing.T, scope ledger.Scope) (found int) {
	t.Helper()
	n.mu.Lock()
	defer n.mu.Unlock()
	raw, err := json.Marshal(n.entries)
	require.NoError(t, err)
	var entries []ledger.Entry
	require.NoError(t, json.Unmarshal(raw, &entries))
	require.NotEmpty(t, entries, "no program was written down before it was started")
	for _, e := range entries {
		switch err := ledger.Undoers()[e.Undo.Kind](context.WithoutCancel(t.Context()), scope, e); {
		case err == nil:
			found++
		default:
			require.ErrorIs(t, err, ledger.ErrGone)
		}
	}
	return found
}

// programs: those of a stream are gone with it however it ends, and whoever has the drill's ledger ends what is left.
func programs(t *testing.T, h Harness) {
	if h.At == nil {
		t.Skip("this store starts no programs")
	}
	for name, test := range map[string]struct {
		end  func(t *testing.T, s store.Stream, cancel func())
		left bool
	}{
		"read to its end and closed": {end: func(t *testing.T, s store.Stream, _ func()) {
			_, err := io.Copy(io.Discard, s)
			require.NoError(t, err)
			assert.NoError(t, s.Close())
		}},
		"closed early": {end: func(t *testing.T, s store.Stream, _ func()) { assert.NoError(t, s.Close()) }},
		"its context ended": {end: func(t *testing.T, s store.Stream, cancel func()) {
			cancel()
			_, err := io.Copy(io.Discard, s)
			assert.ErrorIs(t, err, context.Canceled)
			assert.NoError(t, s.Close())
		}},
		"left, as a killed harness leaves it": {end: func(*testing.T, store.Stream, func()) {}, left: true},
	} {
		t.Run(name, func(t *testing.T) {
			scope := ledger.Scope{Drill: "storetest-" + ledger.Self().String(), Owner: ledger.Self(), Deadline: time.Now().Add(time.Hour)}
			written, at := &notes{}, store.Site{Programs: &store.Programs{}}
			at.Programs.Enter(scope, written, slog.New(slog.DiscardHandler))
			s := h.At(t, at, Backup{ID: "x.dump", Written: day, Content: content()})
			points, err := s.List(t.Context())
			require.NoError(t, err)
			require.Len(t, points, 1)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			stream, err := s.Fetch(ctx, points[0])
			require.NoError(t, err)
			defer stream.Close()
			_, err = io.ReadFull(stream, make([]byte, 10))
			require.NoError(t, err)
			test.end(t, stream, cancel)
			assert.Equal(t, test.left, written.reap(t, scope) > 0)
			assert.Zero(t, written.reap(t, scope), "it is gone")
		})
	}
}

// beside holds stores that implement store.Beside to it.
func beside(t *testing.T, h Harness) {
	const suffix = ".profile.json"
	said := []byte(`{"version": 1}`)
	about := func(id, digest string) Backup {
		return Backup{ID: id + suffix, Written: day.Add(time.Hour), Content: said, Digest: digest}
	}
	s := h.New(t, Backup{ID: "x.dump", Written: day, Content: []byte("x")}, Backup{ID: "y.dump", Written: day, Content: []byte("y")},
		Backup{ID: "z.dump", Written: day, Content: []byte("z")}, about("x.dump", Sum(said)), about("y.dump", Sum([]byte("other"))))
	with, ok := s.(store.Beside)
	if !ok {
		t.Skip("this store gives nothing that lies beside")
	}
	points, err := s.List(t.Context())
	require.NoError(t, err)
	require.Len(t, points, 3, "a profile is no restore point")
	raw, err := with.Beside(t.Context(), points[0], suffix)
	require.NoError(t, err)
	assert.Equal(t, said, raw)
	_, err = with.Beside(t.Context(), points[1], suffix)
	var mismatch *store.Mismatch
	require.ErrorAs(t, err, &mismatch, "what is promised of it holds for it")
	_, err = with.Beside(t.Context(), points[2], suffix)
	assert.ErrorIs(t, err, store.ErrNoPoint)
	alone, point := one(t, h, Backup{ID: "x.dump", Content: []byte("x")})
	_, err = alone.(store.Beside).Beside(t.Context(), point, suffix)
	assert.ErrorIs(t, err, store.ErrNoPoint)
}
