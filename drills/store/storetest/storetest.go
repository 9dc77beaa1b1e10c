// Package storetest is the suite that every store passes.
package storetest

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
)

// Backup is one that the suite puts into a store.
type Backup struct {
	ID      string
	Written time.Time
	Content []byte            // of a file; or
	Files   map[string][]byte // of a folder
	Digest  string            // to promise, sha256:…; empty: promise none
}

// Harness makes the store under test.
type Harness struct {
	// New makes a store that holds these backups. A folder's Digest says only that its files'
	// digests are to be promised, each as it is.
	New func(t *testing.T, backups ...Backup) store.Store
	// Folders is false for a store that cannot hold folders.
	Folders bool
	// At is New of a store that starts programs; nil: it starts none.
	At func(t *testing.T, at store.Site, backups ...Backup) store.Store
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	for name, test := range map[string]func(*testing.T, Harness){
		"an empty store has no points":               empty,
		"points are listed oldest first":             order,
		"bytes and digest are those of the backup":   roundTrip,
		"a promised digest that holds is silent":     held,
		"a promised digest that does not hold shows": broken,
		"a point can be fetched twice at once":       twice,
		"a point that is not there":                  gone,
		"a context that ended stops the stream":      cancelled,
		"a stream can be closed early":               early,
		"a folder streams as a tar":                  folder,
		"what is about backups is none":              sidecars,
		"what lies beside a backup is given":         beside,
		"what is still being written is left out":    partial,
		"its programs end with what they are for":    programs,
	} {
		t.Run(name, func(t *testing.T) { test(t, h) })
	}
}

// Sum is the digest of content as stores write it.
func Sum(content []byte) string {
	sum := sha256.Sum256(content)
	return "sha256:" + hex.EncodeToString(sum[:])
}

var day = time.Date(2026, 3, 1, 2, 0, 0, 0, time.UTC)

func one(t *testing.T, h Harness, b Backup) (store.Store, store.Point) {
	t.Helper()
	b.Written = day
	s := h.New(t, b)
	points, err := s.List(t.Context())
	require.NoError(t, err)
	require.Len(t, points, 1)
	return s, points[0]
}

func empty(t *testing.T, h Harness) {
	points, err := h.New(t).List(t.Context())
	require.NoError(t, err)
	assert.Empty(t, points)
	_, err = store.Pick(points, "")
	assert.ErrorIs(t, err, store.ErrNoPoint)
}

func order(t *testing.T, h Harness) {
	s := h.New(t,
		Backup{ID: "b", Written: day.Add(2 * time.Hour), Content: []byte("2")},
		Backup{ID: "c", Written: day.Add(time.Hour), Content: []byte("1")},
		Backup{ID: "a", Written: day.Add(3 * time.Hour), Content: []byte("three")})
	points, err := s.List(t.Context())
	require.NoError(t, err)
	require.Len(t, points, 3)
	assert.Equal(t, []string{"c", "b", "a"}, []string{points[0].ID, points[1].ID, points[2].ID})
	assert.Equal(t, int64(5), points[2].Size)
	assert.True(t, points[0].ConsistentTo.IsZero(), "the time of writing is no consistency time")
}

func sidecars(t *testing.T, h Harness) {
	backups := []Backup{{ID: "x.dump", Written: day, Content: []byte("x")}, {ID: "w.dump", Written: day.Add(-time.Hour), Content: []byte("w")}}
	for _, name := range []string{"x.dump.md5", "x.dump.log", "x.dump.json", "x.log", "backup.ok"} {
		backups = append(backups, Backup{ID: name, Written: day.Add(time.Hour), Content: []byte("about x")})
	}
	points, err := h.New(t, backups...).List(t.Context())
	require.NoError(t, err)
	require.Len(t, points, 2)
	chosen, err := store.Pick(points, "")
	require.NoError(t, err)
	assert.Equal(t, "x.dump", chosen.ID)
	assert.Empty(t, chosen.Skipped)
}

func partial(t *testing.T, h Harness) {
	points, err := h.New(t, Backup{ID: "x.dump", Written: day, Content: []byte("x")},
		Backup{ID: "y.dump.part", Written: day.Add(time.Hour), Content: []byte("y")},
		Backup{ID: "w.dump.tmp", Written: day.Add(-time.Hour), Content: []byte("w")}).List(t.Context())
	require.NoError(t, err)
	chosen, err := store.Pick(points, "")
	require.NoError(t, err)
	assert.Equal(t, "x.dump", chosen.ID)
	require.Len(t, chosen.Skipped, 1)
	assert.Equal(t, "y.dump.part", chosen.Skipped[0].ID)
	assert.Equal(t, store.Partial, chosen.Skipped[0].Unusable)
}

func content() []byte { return bytes.Repeat([]byte("lifeboat\n"), 100_000) }

func roundTrip(t *testing.T, h Harness) {
	s, p := one(t, h, Backup{ID: "x.dump", Content: content()})
	assert.False(t, p.Digest.Given())
	got, stream := read(t, s, p)
	assert.Equal(t, content(), got)
	assert.Equal(t, Sum(content()), stream.Digest())
	assert.Equal(t, int64(len(content())), stream.Bytes())
}

func held(t *testing.T, h Harness) {
	s, p := one(t, h, Backup{ID: "x.dump", Content: content(), Digest: Sum(content())})
	assert.Equal(t, Sum(content()), p.Digest.String())
	got, _ := read(t, s, p)
	assert.Equal(t, content(), got)
}

func broken(t *testing.T, h Harness) {
	s, p := one(t, h, Backup{ID: "x.dump", Content: content(), Digest: Sum([]byte("other"))})
	stream, err := s.Fetch(t.Context(), p)
	require.NoError(t, err)
	defer stream.Close()
	_, err = io.Copy(io.Discard, stream)
	var mismatch *store.Mismatch
	require.ErrorAs(t, err, &mismatch)
	assert.Equal(t, Sum([]byte("other")), mismatch.Want)
	assert.Equal(t, Sum(content()), mismatch.Got)
	assert.Empty(t, stream.Digest(), "what broke its promise has none")
}

func twice(t *testing.T, h Harness) {
	s, p := one(t, h, Backup{ID: "x.dump", Content: content(), Digest: Sum(content())})
	var wg sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		wg.Go(func() {
			stream, err := s.Fetch(context.Background(), p)
			if err == nil {
				_, err = io.Copy(io.Discard, stream)
				err = errors.Join(err, stream.Close())
			}
			errs[i] = err
		})
	}
	wg.Wait()
	assert.NoError(t, errors.Join(errs...))
}

func gone(t *testing.T, h Harness) {
	s, _ := one(t, h, Backup{ID: "x.dump", Content: content()})
	stream, err := s.Fetch(t.Context(), store.Point{ID: "y.dump"})
	if err == nil { // a store may find out only when it reads
		_, err = io.Copy(io.Discard, stream)
		stream.Close()
	}
	assert.ErrorIs(t, err, store.ErrNoPoint)
}

func cancelled(t *testing.T, h Harness) {
	s, p := one(t, h, Backup{ID: "x.dump", Content: content()})
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := s.Fetch(ctx, p)
	require.NoError(t, err)
	defer stream.Close()
	_, err = io.ReadFull(stream, make([]byte, 10))
	require.NoError(t, err)
	cancel()
	_, err = io.Copy(io.Discard, stream)
	assert.ErrorIs(t, err, context.Canceled)
}

func early(t *testing.T, h Harness) {
	s, p := one(t, h, Backup{ID: "x.dump", Content: content()})
	stream, err := s.Fetch(t.Context(), p)
	require.NoError(t, err)
	_, err = io.ReadFull(stream, make([]byte, 10))
	require.NoError(t, err)
	assert.Empty(t, stream.Digest(), "no digest before the end")
	assert.NoError(t, stream.Close())
}

func folder(t *testing.T, h Harness) {
	if !h.Folders {
		t.Skip("this store holds no folders")
	}
	files := map[string][]byte{"toc.dat": []byte("toc"), "1.dat": content(), "sub/2.dat": []byte("two")}
	s, p := one(t, h, Backup{ID: "x", Files: files, Digest: "each"})
	assert.True(t, p.Dir)
	raw, stream := read(t, s, p)
	again, _ := read(t, s, p)
	assert.Equal(t, Sum(raw), Sum(again), "the same folder gives the same bytes")
	lines := ""
	got := map[string][]byte{}
	for tr := tar.NewReader(bytes.NewReader(raw)); ; {
		header, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		got[header.Name], err = io.ReadAll(tr)
		require.NoError(t, err)
		lines += fmt.Sprintf("%s  %s\n", Sum(got[header.Name])[len("sha256:"):], header.Name)
	}
	assert.Equal(t, files, got)
	assert.Equal(t, Sum([]byte(lines)), stream.Digest(), "digest of the lines of sha256sum")
	assert.Equal(t, p.Digest.String(), stream.Digest())
}

// read fetches a point to its end.
func read(t *testing.T, s store.Store, p store.Point) ([]byte, store.Stream) {
	t.Helper()
	stream, err := s.Fetch(t.Context(), p)
	require.NoError(t, err)
	defer stream.Close()
	raw, err := io.ReadAll(stream)
	require.NoError(t, err)
	return raw, stream
}
