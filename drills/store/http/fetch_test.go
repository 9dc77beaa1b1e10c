package http

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/drills/store/storetest"
)

// fetch lists and reads a file; between says what happens before it is read.
func fetch(t *testing.T, s *site, settings string, between func()) ([]byte, error) {
	t.Helper()
	st := s.open(t, "/disk.img?sig="+secret, "sums: none\n"+settings)
	points, err := st.List(t.Context())
	require.NoError(t, err)
	between()
	stream, err := st.Fetch(t.Context(), points[0])
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	return io.ReadAll(stream)
}

func TestFetchFails(t *testing.T) {
	t.Parallel()
	content := storetest.Noise(1 << 20)
	other := append([]byte{content[0] + 1}, content[1:]...)
	onGet := func(h http.HandlerFunc) func(*site) {
		return func(s *site) {
			s.first(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodGet {
					h(w, r)
					done()
				}
			})
		}
	}
	for name, test := range map[string]struct {
		happens func(*site)
		want    string
	}{
		"it is another file of the same age and length": {func(s *site) { s.put("/disk.img", other, noon) }, "its ETag was"},
		"it is another file, without ETags": {func(s *site) {
			s.tags = false
			s.put("/disk.img", other, noon.Add(time.Hour))
		}, "it was modified 2026-03-01T12:00:00Z and then 2026-03-01T13:00:00Z"},
		"it has another length": {func(s *site) { s.put("/disk.img", content[:1000], noon) },
			"it had 1048576 bytes and has 1000"},
		"the server is sick": {onGet(deny("/disk.img", http.StatusServiceUnavailable)), "503 Service Unavailable"},
		"the door was shut":  {onGet(deny("/disk.img", http.StatusForbidden)), "403 Forbidden"},
		"a part that nobody asked for": {onGet(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusPartialContent)
		}), "206 Partial Content"},
		"the body is cut": {onGet(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1048576")
			_, _ = w.Write(content[:1000])
		}), "disk.img ended after 1000 bytes, 1048576 were promised"},
		"the body is cut and no length was given": {onGet(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(content[:1000])
			w.(http.Flusher).Flush()
		}), "disk.img ended after 1000 bytes, 1048576 were promised"},
		"the body is too long": {onGet(func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			_, _ = w.Write(append(content, 1))
		}), "disk.img goes on after the 1048576 bytes that were promised"},
		"the body never ends": {onGet(func(w http.ResponseWriter, _ *http.Request) {
			w.(http.Flusher).Flush()
			for err := error(nil); err == nil; {
				_, err = w.Write(content)
			}
		}), "disk.img goes on after the 1048576 bytes that were promised"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.put("/disk.img", content, noon)
			_, err := fetch(t, s, "", func() { test.happens(s) })
			problem(t, err, test.want)
			var mismatch *store.Mismatch
			assert.NotErrorAs(t, err, &mismatch, "that is not the backup's fault")
		})
	}
}

// What breaks on the way is no problem of the store and none of the backup.
func TestFetchBreaks(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before http.HandlerFunc
		want   string
	}{
		"no answer":  {hang, "no answer within 500ms"},
		"it stalls":  {half, "after 6 bytes: nothing came for 500ms"},
		"it is gone": {deny("/disk.img", http.StatusNotFound), "no restore point"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			s.put("/disk.img", make([]byte, 100), noon)
			began := time.Now()
			_, err := fetch(t, s, "timeout: 500ms", func() { s.first(test.before) })
			require.ErrorContains(t, err, test.want)
			assert.Less(t, time.Since(began), 20*time.Second)
			assert.NotContains(t, err.Error(), secret)
		})
	}
}

// A slow body may take as long as it goes on, and a slow reader as long as it likes.
func TestFetchMayBeSlow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.first(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "30")
		for i := range 30 {
			_, _ = w.Write([]byte{byte(i)})
			w.(http.Flusher).Flush()
			time.Sleep(50 * time.Millisecond)
		}
		done()
	})
	st := s.open(t, "/disk.img", "sums: none\ntimeout: 1s")
	stream, err := st.Fetch(t.Context(), store.Point{ID: "disk.img"})
	require.NoError(t, err)
	defer stream.Close()
	_, err = stream.Read(make([]byte, 1))
	require.NoError(t, err)
	time.Sleep(1200 * time.Millisecond)
	rest, err := io.ReadAll(stream)
	require.NoError(t, err)
	assert.Len(t, rest, 29)
	assert.EqualValues(t, 29, rest[28])
}

func TestContextOfList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.first(hang)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := s.open(t, "/disk.img", "").List(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	var p *store.Problem
	assert.NotErrorAs(t, err, &p)
	_, err = s.open(t, "/disk.img", "").OpenAt(ctx, store.Point{ID: "disk.img"}, t.TempDir())
	assert.ErrorIs(t, err, context.DeadlineExceeded)
}

func TestFetchPacked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.put("/dump.sql.gz", []byte("packed"), noon)
	s.first(func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Encoding", "x-gzip") })
	stream, err := s.open(t, "/dump.sql.gz", "").Fetch(t.Context(), store.Point{ID: "dump.sql.gz"})
	require.NoError(t, err)
	defer stream.Close()
	raw, err := io.ReadAll(stream)
	require.NoError(t, err)
	assert.Equal(t, "packed", string(raw), "as stored, although the server calls it an encoding")
}
