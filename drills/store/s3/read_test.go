package s3

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/drills/store/storetest"
)

const parts = 4 // and a bit more, of the disk in these tests

var (
	disk  = storetest.Noise(parts<<20 + 100)
	other = append([]byte{disk[0] + 1}, disk[1:]...)
)

// withDisk is a site with a disk, and a store that listed it.
func withDisk(t *testing.T) (*site, *Store, store.Point) {
	t.Helper()
	s := newSite(t)
	s.put("disk.img", disk, noon)
	st := s.open(t, "timeout: 2s")
	st.chunk = 1 << 20
	return s, st, s.listed(t, st)
}

// cut is a body that ends too early, with its range or of all.
func cut(w http.ResponseWriter, r *http.Request) {
	first, last := 0, len(disk)-1
	status := http.StatusOK
	if n, _ := fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-%d", &first, &last); n == 2 {
		last, status = min(last, len(disk)-1), http.StatusPartialContent
		w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, len(disk)))
	}
	w.Header().Set("Last-Modified", noon.Format(http.TimeFormat))
	w.Header().Set("Content-Length", fmt.Sprint(last-first+1))
	w.WriteHeader(status)
	_, _ = w.Write(disk[first : first+10])
	done()
}

func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Last-Modified", noon.Format(http.TimeFormat))
	_, _ = w.Write(disk[:10])
	w.(http.Flusher).Flush()
	done()
}

// ranged says any part of anything.
func ranged(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Last-Modified", noon.Format(http.TimeFormat))
		w.Header().Set("Content-Range", text)
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(disk[:1<<20])
		done()
	}
}

func noRanges(_ http.ResponseWriter, r *http.Request) { r.Header.Del("Range") }

// stalled answers and does not go on.
func stalled(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Last-Modified", noon.Format(http.TimeFormat))
	w.Header().Set("Content-Length", fmt.Sprint(len(disk)))
	_, _ = w.Write(disk[:100])
	w.(http.Flusher).Flush()
	hang(w, r)
}

func TestFetchFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(*site)
		want    string
		problem bool
	}{
		"another object": {func(s *site) { s.put("disk.img", other, noon) }, "became another object since it was listed: its ETag",
			true},
		"another object, of a service that does not know If-Match": {func(s *site) {
			s.pins = false
			s.put("disk.img", other, noon)
		}, "became another object since it was listed: its ETag was ", true},
		"another length": {func(s *site) { s.pins = false; s.put("disk.img", disk[:1000], noon) },
			"it had 4194404 bytes and has 1000", true},
		"gone": {func(s *site) { s.first(deny("disk.img", 404, "NoSuchKey")) },
			"fetch disk.img: no restore point: disk.img is not in s3://shop/ at 127", false},
		"archived": {func(s *site) { s.first(deny("disk.img", 403, "InvalidObjectState")) },
			"(it lies in an archive class of storage: restore it there first)", true},
		"not to be read": {func(s *site) { s.first(deny("disk.img", 403, "AccessDenied")) }, "(s3:GetObject), and use what encr", true},
		"cut":            {func(s *site) { s.first(cut) }, "disk.img ended after 10 bytes, 4194404 were promised", true},
		"cut, and no length was given": {func(s *site) { s.first(cutShort) }, "ended after 10 bytes, 4194404 were promised",
			true},
		"hangs":  {func(s *site) { s.first(hang) }, ": no answer within 2s (tried 3 times)", false},
		"stalls": {func(s *site) { s.first(stalled) }, "fetch disk.img: after 100 bytes: nothing came for 2s", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, st, p := withDisk(t)
			test.happens(s)
			stream, err := st.Fetch(t.Context(), p)
			if err == nil {
				defer stream.Close()
				_, err = io.Copy(io.Discard, stream)
			}
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), secret)
			var problem *store.Problem
			assert.Equal(t, test.problem, errors.As(err, &problem), err)
			var mismatch *store.Mismatch
			assert.NotErrorAs(t, err, &mismatch, "that is not the backup's fault")
		})
	}
}

func TestOpenAtFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(*site)
		want    string
		problem bool
	}{
		"another object": {func(s *site) { s.put("disk.img", other, noon) }, "since it was listed: its ETag", true},
		"another object, of a service that does not know If-Match": {func(s *site) {
			s.pins = false
			s.put("disk.img", other, noon)
		}, "since it was listed: its ETag was", true},
		"ranges are ignored": {func(s *site) { s.first(noRanges) }, "the service ignores Range", true},
		"another part":       {func(s *site) { s.first(ranged("bytes 1-1048576/4194404")) }, "of a request for another", true},
		"of unknown length":  {func(s *site) { s.first(ranged("bytes 0-1048575/*")) }, "with the range", true},
		"cut":                {func(s *site) { s.first(cut) }, "ended after 10 bytes, 1048576 were promised", true},
		"gone":               {func(s *site) { s.first(deny("disk.img", 404, "NoSuchKey")) }, "no restore point", false},
		"hangs":              {func(s *site) { s.first(hang) }, "within 2s (tried 3 times)", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, st, p := withDisk(t)
			test.happens(s)
			_, err := st.OpenAt(t.Context(), p, t.TempDir())
			require.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), secret)
			var problem *store.Problem
			assert.Equal(t, test.problem, errors.As(err, &problem), err)
		})
	}
}

func TestReadAtFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		happens func(s *site)
		want    string
		asks    int  // until it gives up
		another bool // Same tells of it, too
	}{
		"another object": {func(s *site) { s.put("disk.img", other, noon) },
			"became another object while it was read: its ETag is not ", 1, true},
		"another object, of a service that does not know If-Match": {func(s *site) {
			s.pins = false
			s.put("disk.img", other, noon.Add(time.Second))
		}, "while it was read: its ETag was ", 1, true},
		"gone":                {func(s *site) { s.first(deny("disk.img", 404, "NoSuchKey")) }, "read disk.img: no restore", 1, false},
		"busy":                {func(s *site) { s.first(deny("disk.img", 503, "SlowDown")) }, "SlowDown (tried 3", 3, false},
		"cut":                 {func(s *site) { s.first(cut) }, "ended after 10 bytes", 3, false},
		"another part":        {func(s *site) { s.first(ranged("bytes 0-1048575/4194404")) }, "another", 1, false},
		"a part of it":        {func(s *site) { s.first(ranged("bytes 2097153-3145727/4194404")) }, "another", 1, false},
		"ranges are ignored":  {func(s *site) { s.first(noRanges) }, "ignores Range", 1, false},
		"hangs":               {func(s *site) { s.first(hang) }, "within 2s (tried 3 times)", 3, false},
		"stalls":              {func(s *site) { s.first(stalledRange) }, "2s (tried 3 times)", 3, false},
		"the door was closed": {func(s *site) { s.first(deny("disk.img", 403, "AccessDenied")) }, "403", 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, st, p := withDisk(t)
			r, err := st.OpenAt(t.Context(), p, t.TempDir())
			require.NoError(t, err)
			defer r.Close()
			test.happens(s)
			n, err := r.ReadAt(make([]byte, 10), 2<<20)
			require.ErrorContains(t, err, test.want)
			assert.Zero(t, n)
			assert.NotContains(t, err.Error(), secret)
			assert.Equal(t, test.asks, s.requests("/shop/disk.img bytes=2097152-"))
			got := make([]byte, 10)
			_, err = r.ReadAt(got, 100)
			require.NoError(t, err, "what was fetched before is still what it was")
			assert.Equal(t, disk[100:110], got)
			if test.another {
				problem(t, r.Same(), test.want)
			} else {
				assert.NoError(t, r.Same(), "it may still be the same one")
			}
		})
	}
}

func stalledRange(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", 2<<20, 3<<20-1, len(disk)))
	w.Header().Set("Last-Modified", noon.Format(http.TimeFormat))
	w.WriteHeader(http.StatusPartialContent)
	_, _ = w.Write(disk[:100])
	w.(http.Flusher).Flush()
	hang(w, r)
}

// A read of a real server is refused once its object was replaced, by one of the same length and age, too.
func TestReplacedForReal(t *testing.T) {
	t.Parallel()
	g := theGateway(t)
	bucket := g.bucket(t)
	g.Put(t, bucket, "disk.img", disk, noon)
	st := openStore(t, g.with(bucket, ""))
	points, err := st.List(t.Context())
	require.NoError(t, err)
	r, err := st.OpenAt(t.Context(), points[0], t.TempDir())
	require.NoError(t, err)
	defer r.Close()
	g.Put(t, bucket, "disk.img", other, noon)
	_, err = r.ReadAt(make([]byte, 10), 2<<20)
	problem(t, err, "disk.img became another object while it was read: its ETag is not ")
	assert.Equal(t, err, r.Same())
	_, err = st.Fetch(t.Context(), points[0])
	problem(t, err, "disk.img became another object since it was listed")
	again, err := st.List(t.Context())
	require.NoError(t, err)
	stream, err := st.Fetch(t.Context(), again[0])
	require.NoError(t, err)
	defer stream.Close()
	_, err = io.Copy(io.Discard, stream)
	require.NoError(t, err)
	assert.Equal(t, storetest.Sum(other), stream.Digest())
}
