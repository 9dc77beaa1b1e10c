package restic

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance/docker/dockertest"
	"lifeboat/drills/store"
	"lifeboat/drills/store/s3/s3test"
	"lifeboat/internal/needs"
	"lifeboat/scenarios"
)

// elsewhere opens the store of a repository that lies in no folder.
func elsewhere(t *testing.T, p *store.Programs, in, extra string) *Store {
	t.Helper()
	settings, err := scenarios.ParseSettings("restic", "in: "+in+"\nimage: "+dockertest.RepositoryImage+"\npassword: {env: LIFEBOAT_TEST_RESTIC}\n"+extra)
	require.NoError(t, err)
	s, problems := New(store.Site{Programs: p}, settings)
	require.Empty(t, problems)
	return s.(*Store)
}

// login of the REST server, which asks for it: "Basic " and user:pass in base64.
const login = "Basic dXNlcjpwYXNz"

// served is what `rclone serve restic` of Debian makes of a folder, and before it what breaks answers and counts what is asked.
type served struct {
	*httptest.Server
	mu      sync.Mutex
	methods map[string]int
	ranges  atomic.Int32
	breaks  func(w http.ResponseWriter, r *http.Request) bool
}

func serve(t *testing.T, at string) *served {
	t.Helper()
	in, end, err := os.Pipe() // it ends with this process
	require.NoError(t, err)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	said := &bytes.Buffer{}
	c := exec.Command("docker", "run", "--rm", "-i", "--network", "host", "-v", at+":/served:ro", "--entrypoint", "sh", dockertest.RepositoryImage, "-c",
		"rclone serve restic --addr "+address+" --user user --pass pass --cache-objects=false --config /dev/null /served & cat; kill $!")
	c.Stdin, c.Stdout, c.Stderr = in, said, said
	require.NoError(t, c.Start())
	t.Cleanup(func() { _ = end.Close(); _ = c.Wait(); _ = in.Close() })
	to := &url.URL{Scheme: "http", Host: address}
	require.Eventually(t, func() bool {
		answer, err := http.Get(to.String())
		if err == nil {
			answer.Body.Close()
		}
		return err == nil
	}, time.Minute, 50*time.Millisecond, "%s", said)
	s := &served{methods: map[string]int{}}
	proxy := httputil.NewSingleHostReverseProxy(to)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.methods[r.Method]++
		breaks := s.breaks
		s.mu.Unlock()
		if r.Header.Get("Range") != "" {
			s.ranges.Add(1)
		}
		if breaks == nil || !breaks(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *served) set(breaks func(w http.ResponseWriter, r *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.breaks = breaks
}

func (s *served) in() string {
	return "{kind: rest, url: " + s.URL + "/, header: {Authorization: {env: LIFEBOAT_TEST_REST}}, timeout: 2s}"
}

// inBucket puts a repository into a bucket of a real S3 server.
func inBucket(t *testing.T, at string) (in string, remove func(name string)) {
	t.Helper()
	server, err := s3test.Start(s3test.Program(t))
	require.NoError(t, err)
	t.Cleanup(server.Stop)
	require.NoError(t, server.Admin.MakeBucket(t.Context(), "backups", minio.MakeBucketOptions{Region: s3test.Region}))
	require.NoError(t, filepath.WalkDir(at, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(name)
		rel, _ := filepath.Rel(at, name)
		server.Put(t, "backups", "of/shop/"+rel, raw, time.Time{})
		return err
	}))
	in = "{kind: s3, endpoint: " + server.URL + ", region: " + s3test.Region + ", bucket: backups, prefix: of/shop, access_key: " + s3test.Access +
		", secret_key: {env: LIFEBOAT_TEST_S3}, timeout: 5s}"
	return in, func(name string) {
		require.NoError(t, server.Admin.RemoveObject(t.Context(), "backups", "of/shop/"+name, minio.RemoveObjectOptions{}))
	}
}

// A repository is the same wherever it lies.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	p := dockertest.Programs(t)
	at, err := made()
	require.NoError(t, err)
	here, err := open(t, p, at, "").List(t.Context())
	require.NoError(t, err)
	_, want, err := dockertest.Fetched(t.Context(), open(t, p, at, ""), here[0])
	require.NoError(t, err)
	rest := serve(t, at)
	bucket, _ := inBucket(t, at)
	for name, in := range map[string]string{"REST": rest.in(), "S3": bucket} {
		t.Run(name, func(t *testing.T) {
			s := elsewhere(t, p, in, "")
			assert.Contains(t, s.Hosts(), "127.0.0.1")
			all, err := s.List(t.Context())
			require.NoError(t, err)
			assert.Equal(t, here, all)
			text, _, err := dockertest.Fetched(t.Context(), s, all[1])
			require.NoError(t, err)
			assert.Equal(t, "select 1;\n", text)
			_, sum, err := dockertest.Fetched(t.Context(), s, all[0])
			require.NoError(t, err)
			assert.Equal(t, want, sum, "the folder, byte for byte")
		})
	}
	t.Run("nothing but GET, ranges, and what breaks off", func(t *testing.T) {
		s := elsewhere(t, p, rest.in(), "")
		assert.Equal(t, []string{http.MethodGet}, keysOf(rest.methods))
		assert.Positive(t, rest.ranges.Load())
		var cut, busy atomic.Int32
		rest.set(func(w http.ResponseWriter, r *http.Request) bool {
			switch {
			case busy.Add(1)%3 == 0:
				w.WriteHeader(http.StatusServiceUnavailable)
				return true
			case strings.Contains(r.URL.Path, "/data/") && r.Header.Get("Range") != "" && cut.Add(1)%2 == 1:
				panic(http.ErrAbortHandler) // the connection ends
			}
			return false
		})
		defer rest.set(nil)
		_, sum, err := dockertest.Fetched(t.Context(), s, here[0])
		require.NoError(t, err)
		assert.Equal(t, want, sum)
		assert.Positive(t, cut.Load())
	})
	t.Run("who could not ask knows nothing", func(t *testing.T) {
		defer rest.set(nil)
		for name, c := range map[string]struct {
			breaks func(w http.ResponseWriter, r *http.Request) bool
			says   string
		}{
			"no login":  {func(w http.ResponseWriter, r *http.Request) bool { r.Header.Del("Authorization"); return false }, "is answered with 401 Unauthorized"},
			"a page":    {func(w http.ResponseWriter, r *http.Request) bool { fmt.Fprint(w, "<!DOCTYPE html><html>"); return true }, "is answered with a page"},
			"no list":   {func(w http.ResponseWriter, r *http.Request) bool { fmt.Fprint(w, `{"ok":true}`); return true }, "something else than restic's REST protocol"},
			"nothing":   {func(w http.ResponseWriter, r *http.Request) bool { http.NotFound(w, r); return true }, "there is no restic repository"},
			"no answer": {func(w http.ResponseWriter, r *http.Request) bool { panic(http.ErrAbortHandler) }, "(tried 3 times)"},
			"another": {func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, "https://elsewhere.test/", http.StatusFound)
				return true
			}, "redirects to https://elsewhere.test"},
			"ends in the middle": {func(w http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.URL.Path, "/data/") {
					panic(http.ErrAbortHandler)
				}
				return false
			}, ""},
			"is gone in the middle": {func(w http.ResponseWriter, r *http.Request) bool {
				if strings.Contains(r.URL.Path, "/data/") {
					go rest.set(func(w http.ResponseWriter, r *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true })
					time.Sleep(50 * time.Millisecond)
					http.NotFound(w, r)
					return true
				}
				return false
			}, "502 Bad Gateway"},
		} {
			t.Run(name, func(t *testing.T) {
				if name != "no login" && name != "ends in the middle" {
					needs.Long(t)
				}
				rest.set(c.breaks)
				s := elsewhere(t, p, rest.in(), "")
				all, err := s.List(t.Context())
				if err == nil {
					_, _, err = dockertest.Fetched(t.Context(), s, all[0])
				}
				require.ErrorAs(t, err, new(*store.Problem))
				assert.NotErrorAs(t, err, new(*store.Mismatch))
				assert.ErrorContains(t, err, c.says)
				assert.NotContains(t, err.Error(), login)
			})
		}
	})
}

func keysOf(m map[string]int) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

// A file that is not there is the repository's fault, by its name; so is one that was cut.
func TestBrokenElsewhere(t *testing.T) {
	t.Parallel()
	p := dockertest.Programs(t)
	packs := func(at string) string { return at + "/data/*/*" }
	for name, c := range map[string]struct {
		do   func(at string)
		says string
	}{
		"packs missing":     {func(at string) { each(t, packs(at), remove(t)) }, "of its repository is missing"},
		"packs cut":         {func(at string) { each(t, packs(at), func(n string) { require.NoError(t, os.Truncate(n, 60)) }) }, "of its repository is damaged"},
		"keys missing":      {func(at string) { each(t, at+"/keys/*", remove(t)) }, "not one key left"},
		"snapshots damaged": {func(at string) { each(t, at+"/snapshots/*", func(n string) { flip(t, n) }) }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "packs missing" {
				needs.Long(t)
			}
			at := copied(t, c.do)
			bucket, _ := inBucket(t, at)
			for _, in := range []string{serve(t, at).in(), bucket} {
				s := elsewhere(t, p, in, "")
				points, err := s.List(t.Context())
				require.NoError(t, err)
				require.Len(t, points, 4)
				if name == "snapshots damaged" {
					assert.Equal(t, store.Damaged, points[0].Unusable)
					assert.Equal(t, in == bucket, !points[0].Taken.IsZero(), "the time of its file, where a server tells it")
					continue
				}
				_, _, err = dockertest.Fetched(t.Context(), s, points[0])
				require.ErrorAs(t, err, new(*store.Mismatch))
				assert.ErrorContains(t, err, c.says)
			}
		})
	}
}

// Old buckets have other names for folders, and packs beside each other.
func TestOldLayout(t *testing.T) {
	t.Parallel()
	needs.Long(t)
	p := dockertest.Programs(t)
	at := copied(t, func(at string) {
		for _, kind := range []string{"key", "snapshot", "lock"} {
			require.NoError(t, os.Rename(at+"/"+kind+"s", at+"/"+kind))
		}
		each(t, at+"/data/*/*", func(n string) { require.NoError(t, os.Rename(n, filepath.Join(at, "data", filepath.Base(n)))) })
	})
	bucket, _ := inBucket(t, at)
	for _, s := range []store.Store{open(t, p, at, ""), elsewhere(t, p, bucket, "")} {
		all, err := s.List(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 4)
		text, sum, err := dockertest.Fetched(t.Context(), s, all[1])
		require.NoError(t, err)
		assert.Equal(t, "select 1;\n", text)
		assert.Equal(t, fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(text))), sum)
	}
}

func TestSettings(t *testing.T) {
	for name, c := range map[string][2]string{
		"nowhere":   {"", "path: is missing"},
		"both":      {"path: x\nin: {kind: rest, url: https://b.test/}", "path: stands beside in: a repository lies in one place"},
		"what":      {"in: {kind: dir, path: x}", `in.kind: "dir" is neither`},
		"no bucket": {"in: {kind: s3}", "in.bucket: is missing"},
		"pattern":   {"in: {kind: s3, bucket: backups, pattern: x}", "in.pattern: chooses nothing in a repository"},
		"no url":    {"in: {kind: rest}", "in.url: is missing"},
		"login":     {"in: {kind: rest, url: https://user:pass@b.test/}", "in.url: a user or password in the address would be written everywhere"},
		"unknown":   {"in: {kind: rest, url: https://b.test/, sums: none}", `unknown key "sums"`},
	} {
		t.Run(name, func(t *testing.T) {
			settings, err := scenarios.ParseSettings("restic", c[0]+"\nimage: x\npassword: {env: NAME}\n")
			require.NoError(t, err)
			_, problems := New(store.Site{}, settings)
			require.Len(t, problems, 1)
			assert.Contains(t, problems[0].Message, c[1])
		})
	}
}

// What broke off is asked for again, from where it did, and not for ever.
func TestSteady(t *testing.T) {
	content := strings.Repeat("0123456789", 10)
	var asked []string
	give := 30
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Header.Get("Range"))
		http.ServeContent(&ending{ResponseWriter: w, left: give}, r, "x", time.Time{}, strings.NewReader(content))
	}))
	defer server.Close()
	s := elsewhere(t, nil, "{kind: rest, url: "+server.URL+"/a/b, timeout: 2s}", "")
	body, is, err := s.of.open(t.Context(), keys, strings.Repeat("0", 64), 5, 94)
	require.NoError(t, err)
	assert.Equal(t, int64(100), is.size)
	raw, err := io.ReadAll(body)
	require.NoError(t, err)
	assert.Equal(t, content[5:95], string(raw))
	assert.Equal(t, []string{"bytes=5-94", "bytes=35-94", "bytes=65-94"}, asked)
	give = 1
	body, _, err = s.of.open(t.Context(), keys, strings.Repeat("0", 64), 0, -1)
	require.NoError(t, err)
	_, err = io.ReadAll(body)
	assert.ErrorContains(t, err, "it broke off 6 times")
	body, is, err = s.of.open(t.Context(), keys, strings.Repeat("0", 64), 200, 300)
	require.NoError(t, err)
	assert.Equal(t, int64(100), is.size, "a range behind its end tells its size")
	raw, err = io.ReadAll(body)
	require.NoError(t, err)
	assert.Empty(t, raw)
}

// ending is an answer of which only the beginning comes.
type ending struct {
	http.ResponseWriter
	left int
}

func (s *ending) Write(p []byte) (int, error) {
	if len(p) > s.left {
		_, _ = s.ResponseWriter.Write(p[:s.left])
		_ = http.NewResponseController(s.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	s.left -= len(p)
	return s.ResponseWriter.Write(p)
}
