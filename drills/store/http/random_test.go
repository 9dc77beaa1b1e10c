package http

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/drills/store/storetest"
)

const parts = 4 // and a bit more, of the disk in these tests

var disk = storetest.Noise(parts<<20 + 100)

// opened is a disk on a site; between says what happens before it is opened.
func opened(t *testing.T, s *site, between func()) (store.Random, error) {
	t.Helper()
	return openedWithin(t, s, "500ms", between)
}

func openedWithin(t *testing.T, s *site, timeout string, between func()) (store.Random, error) {
	t.Helper()
	s.put("/disk.img", disk, noon)
	st := s.open(t, "/disk.img?sig="+secret, "sums: none\ntimeout: "+timeout)
	st.chunk = 1 << 20
	points, err := st.List(t.Context())
	require.NoError(t, err)
	between()
	r, err := st.OpenAt(t.Context(), points[0], t.TempDir())
	if err == nil {
		t.Cleanup(func() { _ = r.Close() })
	}
	return r, err
}

// ranged says any part of anything.
func ranged(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Range", text)
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(disk[:1<<20])
		done()
	}
}

// whole answers as a server that knows nothing of ranges.
func whole(w http.ResponseWriter, r *http.Request) { r.Header.Del("Range") }

func cut(w http.ResponseWriter, r *http.Request) {
	var first, last int
	_, _ = fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last)
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, min(last, len(disk)-1), len(disk)))
	w.Header().Set("Content-Length", fmt.Sprint(min(last, len(disk)-1)-first+1))
	w.WriteHeader(http.StatusPartialContent)
	_, _ = w.Write(disk[first : first+10])
	done()
}

// drop closes the connection without a word.
func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestOpenAtFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before  http.HandlerFunc
		want    string
		problem bool
	}{
		"ranges are ignored":        {whole, "the server ignores Range", true},
		"a part without its place":  {ranged(""), "the range", true},
		"another part":              {ranged("bytes 1-1048576/4194404"), "the range", true},
		"more than there is":        {ranged("bytes 0-1048575/1000"), "the range", true},
		"of unknown length":         {ranged("bytes 0-1048575/*"), "the range", true},
		"of another length":         {ranged("bytes 0-1048575/9999999"), "since it was listed: it had 4194404 bytes", true},
		"nothing tells it":          {ranged("bytes 0-1048575/4194404"), "neither ETag nor Last-Modified", true},
		"the body is cut":           {cut, "a part of disk.img ended after 10 bytes, 1048576 were promised (look", true},
		"always busy":               {deny("/disk.img", http.StatusServiceUnavailable), "Unavailable (tried 3 times)", true},
		"forbidden":                 {deny("/disk.img", http.StatusForbidden), "403 Forbidden", true},
		"gone":                      {deny("/disk.img", http.StatusNotFound), "no restore point", false},
		"hangs":                     {hang, "within 500ms (tried 3 times)", false},
		"the connection is dropped": {drop, "closed before an answer came (tried 3 times)", false},
		"packed for the way":        {packed, "Content-Encoding gzip", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			_, err := opened(t, s, func() { s.first(test.before) })
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), secret)
			var p *store.Problem
			assert.Equal(t, test.problem, errors.As(err, &p), err)
		})
	}
}

func TestReadAtFails(t *testing.T) {
	t.Parallel()
	other := append([]byte{disk[0] + 1}, disk[1:]...)
	for name, test := range map[string]struct {
		happens func(s *site)
		want    string
		asks    int // until it gives up
		problem bool
		another bool // Same tells of it, too
	}{
		"another file of the same age and length": {func(s *site) { s.put("/disk.img", other, noon) },
			"its ETag was", 1, true, true},
		"another file, without ETags": {func(s *site) {
			s.tags = false
			s.put("/disk.img", other, noon.Add(time.Second))
		}, "became another file while it was read: it was modified", 1, true, true},
		"a shorter file": {func(s *site) { s.tags = false; s.put("/disk.img", disk[:1000], noon) },
			"bytes and has 1000", 1, true, true},
		"a longer file": {func(s *site) { s.tags = false; s.put("/disk.img", append(disk, 1), noon) },
			"bytes and has 4194405", 1, true, true},
		"ranges are ignored now": {func(s *site) { s.first(whole) }, "the server answers with all of", 1, true, false},
		"another part":           {func(s *site) { s.first(ranged("bytes 0-1048575/4194404")) }, "the range", 1, true, false},
		"it is gone": {func(s *site) { s.first(deny("/disk.img", http.StatusNotFound)) },
			"no restore point", 1, false, false},
		"always busy":         {func(s *site) { s.first(deny("/disk.img", http.StatusTooManyRequests)) }, "429", 3, true, false},
		"the body is cut":     {func(s *site) { s.first(cut) }, "ended after 10 bytes", 3, true, false},
		"hangs":               {func(s *site) { s.first(hang) }, "within 500ms", 3, false, false},
		"hangs in the middle": {func(s *site) { s.first(halfRange) }, "500ms", 3, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			r, err := opened(t, s, func() {})
			require.NoError(t, err)
			test.happens(s)
			before := s.requests("GET /disk.img bytes=2097152-")
			n, err := r.ReadAt(make([]byte, 10), 2<<20)
			require.ErrorContains(t, err, test.want)
			assert.Zero(t, n)
			assert.NotContains(t, err.Error(), secret)
			var p *store.Problem
			assert.Equal(t, test.problem, errors.As(err, &p), err)
			assert.Equal(t, test.asks, s.requests("GET /disk.img bytes=2097152-")-before)
			got := make([]byte, 10)
			_, err = r.ReadAt(got, 100)
			require.NoError(t, err, "what was fetched before is still what it was")
			assert.Equal(t, disk[100:110], got)
			if test.another {
				assert.ErrorContains(t, r.Same(), test.want)
			} else {
				assert.NoError(t, r.Same(), "it may still be the same one")
			}
		})
	}
}

func halfRange(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", 2<<20, 3<<20-1, len(disk)))
	w.Header().Set("Content-Length", fmt.Sprint(1<<20))
	w.WriteHeader(http.StatusPartialContent)
	_, _ = w.Write(disk[:100])
	w.(http.Flusher).Flush()
	hang(w, r)
}

// What passes is tried again, and what failed for good is tried again by the next read.
func TestReadAtAgain(t *testing.T) {
	t.Parallel()
	for name, bad := range map[string]http.HandlerFunc{
		"busy": deny("/disk.img", http.StatusServiceUnavailable), "cut": cut, "dropped": drop, "hung": hang,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			r, err := opened(t, s, func() {})
			require.NoError(t, err)
			var asked atomic.Int64
			s.first(func(w http.ResponseWriter, r *http.Request) {
				if n := asked.Add(1); n <= 2 || n >= 4 && n <= 7 {
					bad(w, r)
				}
			})
			got := make([]byte, 10)
			_, err = r.ReadAt(got, 1<<20)
			require.NoError(t, err, "the third try")
			assert.Equal(t, disk[1<<20:1<<20+10], got)
			_, err = r.ReadAt(got, 3<<20)
			require.Error(t, err)
			_, err = r.ReadAt(got, 3<<20)
			require.NoError(t, err)
			assert.Equal(t, disk[3<<20:3<<20+10], got)
		})
	}
}

// Every byte is fetched once, however many read it at once.
func TestFetchedOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r, err := opened(t, s, func() {})
	require.NoError(t, err)
	s.first(func(_ http.ResponseWriter, r *http.Request) {
		assert.Regexp(t, `^"[0-9a-f]{16}"$`, r.Header.Get("If-Range"))
		time.Sleep(20 * time.Millisecond)
	})
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 1))
			for range 50 {
				off := random.IntN(len(disk) - 2000)
				got := make([]byte, 2000)
				_, err := r.ReadAt(got, int64(off))
				assert.NoError(t, err)
				assert.Equal(t, storetest.Sum(disk[off:off+2000]), storetest.Sum(got))
			}
		})
	}
	wg.Wait()
	_, err = r.ReadAt(make([]byte, len(disk)), 0)
	require.NoError(t, err)
	assert.Equal(t, int64(len(disk)), r.Fetched())
	assert.Equal(t, parts+1, s.requests("GET /disk.img bytes="))
}

func TestCloseEndsReads(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	r, err := openedWithin(t, s, "1m", func() {})
	require.NoError(t, err)
	arrived := make(chan struct{}, 100)
	s.first(func(w http.ResponseWriter, r *http.Request) { arrived <- struct{}{}; hang(w, r) })
	result := make(chan error, 1)
	go func() { _, err := r.ReadAt(make([]byte, 3<<20), 1<<20); result <- err }()
	<-arrived
	began := time.Now()
	require.NoError(t, r.Close())
	assert.ErrorIs(t, <-result, fs.ErrClosed)
	assert.Less(t, time.Since(began), 30*time.Second, "sooner than the time-out")
	assert.ErrorIs(t, r.Close(), fs.ErrClosed)
}

func TestScratch(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("/disk.img", disk, noon)
	st := s.open(t, "/disk.img", "")
	_, err := st.OpenAt(t.Context(), store.Point{ID: "disk.img"}, t.TempDir()+"/missing")
	require.ErrorContains(t, err, "open disk.img: keep what is fetched")
	dir := t.TempDir()
	s.first(deny("/disk.img", http.StatusForbidden))
	_, err = st.OpenAt(t.Context(), store.Point{ID: "disk.img"}, dir)
	require.Error(t, err)
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	assert.Empty(t, names)
}

// Who goes straight on is helped by requests side by side; who jumps gets what was asked for.
func TestReadAhead(t *testing.T) {
	t.Parallel()
	const chunk = 4 << 10
	for name, test := range map[string]struct {
		step    int64 // chunks from one read to the next
		beside  bool  // several requests at once
		fetched int64 // chunks, of 64
	}{"straight on": {1, true, 64}, "every other": {2, false, 32}, "backwards": {-1, false, 64}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.put("/disk.img", storetest.Noise(64*chunk), noon)
			var now, most atomic.Int64
			s.first(func(http.ResponseWriter, *http.Request) {
				defer now.Add(-1)
				n := now.Add(1)
				time.Sleep(5 * time.Millisecond)
				for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
				}
			})
			st := s.open(t, "/disk.img", "")
			st.chunk = chunk
			r, err := st.OpenAt(t.Context(), store.Point{ID: "disk.img"}, t.TempDir())
			require.NoError(t, err)
			defer r.Close()
			at := int64(0)
			if test.step < 0 {
				at = 63
			}
			for ; at >= 0 && at < 64; at += test.step {
				_, err := r.ReadAt(make([]byte, chunk), at*chunk)
				require.NoError(t, err)
			}
			assert.Equal(t, test.beside, most.Load() > 1)
			assert.LessOrEqual(t, most.Load(), int64(connections))
			assert.Equal(t, test.fetched*chunk, r.Fetched())
		})
	}
}
