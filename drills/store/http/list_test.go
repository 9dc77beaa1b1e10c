package http

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/drills/store/remote"
	"lifeboat/drills/store/storetest"
)

func sumOf(text string) string { return storetest.Sum([]byte(text))[len("sha256:"):] }

func TestList(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files    map[string]string
		url      string // default /b/disk.img
		settings string
		before   http.HandlerFunc
		want     string // ID, size, digest's first digits, time
		problem  string
	}{
		"nobody promised a digest": {files: map[string]string{"/b/disk.img": "data"}, want: "disk.img 4 - 12:00\n"},
		"its own list": {files: map[string]string{"/b/disk.img": "a", "/b/disk.img.sha256": sumOf("a") + "\n"},
			want: "disk.img 1 ca978112 12:00\n"},
		"a list beside it": {files: map[string]string{"/b/disk.img": "a",
			"/b/SHA256SUMS": sumOf("b") + " *other.img\n" + sumOf("a") + " *disk.img\n"}, want: "disk.img 1 ca978112 12:00\n"},
		"two digests": {files: map[string]string{"/b/disk.img": "a", "/b/SHA256SUMS": sumOf("a") + "  disk.img",
			"/b/disk.img.sha256": sumOf("b")}, want: "disk.img 1 - 12:00? it is promised two digests, in disk.img.sha256 " +
			"and in SHA256SUMS; sums: none looks for no digests\n"},
		"a digest of another": {files: map[string]string{"/b/disk.img": "a", "/b/disk.img.sha256": sumOf("a") + "  old.img"},
			want: "disk.img 1 - 12:00? disk.img.sha256 promises the digest of old.img; sums: none looks for no digests\n"},
		"an absolute name": {files: map[string]string{"/b/disk.img": "a", "/b/SHA256SUMS": sumOf("a") + "  /srv/b/disk.img"},
			want: "disk.img 1 ca978112 12:00\n"},
		"a page in place of not found": {files: map[string]string{"/b/disk.img": "a", "/b/SHA256SUMS": "<html>"},
			want: "disk.img 1 - 12:00? SHA256SUMS does not name it, and SHA256SUMS:1 is not a line of sha256sum; " +
				"sums: none looks for no digests\n"},
		"a page in place of the list": {url: "/b/SHA256SUMS", files: map[string]string{"/b/SHA256SUMS": "<html>"},
			problem: "SHA256SUMS:1 is not a line of sha256sum (write it with sha256sum)"},
		"a page, and told so": {files: map[string]string{"/b/disk.img": "a", "/b/SHA256SUMS": "<html>"},
			settings: "sums: none", want: "disk.img 1 - 12:00\n"},
		"digests that nobody may read": {files: map[string]string{"/b/disk.img": "a"},
			before:  deny("/b/disk.img.sha256", http.StatusForbidden),
			problem: "403 Forbidden (give what opens it under header: "},
		"a signature goes along": {files: map[string]string{"/b/disk.img": "a", "/b/disk.img.sha256": sumOf("a")},
			url: "/b/disk.img?sig=" + secret, before: signed, want: "disk.img 1 ca978112 12:00\n"},
		"not there":     {problem: "/b/disk.img is answered with 404 Not Found"},
		"a sick server": {before: deny("/b/disk.img", http.StatusBadGateway), problem: "is answered with 502 Bad Gateway"},
		"no HEAD": {files: map[string]string{"/b/disk.img": "data"}, before: noHead,
			want: "disk.img 4 - 12:00\n"},
		"no HEAD, and empty": {files: map[string]string{"/b/disk.img": ""}, before: noHead, want: "disk.img 0 - 12:00\n"},
		"no length":          {before: noLength, problem: "does not say how long"},
		"packed for the way": {before: packed, settings: "sums: none",
			problem: "with Content-Encoding gzip although nobody asked"},
		"a list of all": {url: "/b/SHA256SUMS", files: map[string]string{"/b/SHA256SUMS": sumOf("a") + "  a.img\n" +
			sumOf("bb") + "  deep/b #1 100%.img\n", "/b/a.img": "a", "/b/deep/b #1 100%.img": "bb"},
			want: "a.img 1 ca978112 12:00\ndeep/b #1 100%.img 2 3b64db95 12:00\n"},
		"some of a list": {url: "/b/SHA256SUMS", settings: "pattern: '*.img'", files: map[string]string{
			"/b/SHA256SUMS": sumOf("a") + "  a.img\n" + sumOf("m") + "  a.manifest\n", "/b/a.img": "a"},
			want: "a.img 1 ca978112 12:00\n"},
		"listed and missing": {url: "/b/SHA256SUMS", files: map[string]string{"/b/SHA256SUMS": sumOf("a") + "  a.img\n"},
			problem: "a.img is listed in SHA256SUMS and is not there (put it back"},
		"listed elsewhere": {url: "/b/SHA256SUMS", files: map[string]string{"/b/SHA256SUMS": sumOf("a") + "  ../a.img\n"},
			problem: "a.img is listed in SHA256SUMS and is not there"},
		"some listed and missing": {url: "/b/SHA256SUMS", files: map[string]string{"/b/b.img": "b", "/b/SHA256SUMS": sumOf("a") +
			"  a.img\n" + sumOf("b") + "  b.img\n"}, want: "a.img 0 - 00:00! absent\nb.img 1 3e23e816 12:00\n"},
		"no list": {url: "/b/SHA256SUMS", problem: "/b/SHA256SUMS is answered with 404"},
		"a list without end": {url: "/b/SHA256SUMS", files: map[string]string{"/b/SHA256SUMS": strings.Repeat("#\n", 3<<20)},
			problem: "is larger than 4 MiB"},
		"hangs":                     {before: hang, settings: "timeout: 200ms", problem: "no answer within 200ms"},
		"hangs within a list":       {before: half, settings: "timeout: 200ms", problem: "nothing came for 200ms"},
		"a list by bytes, for ever": {before: trickle, settings: "timeout: 300ms", problem: "not all of it came within 3s"},
		"to another server": {before: redirect("http://127.0.0.1:1/x?sig=" + secret),
			problem: "another server, http://127.0.0.1:1 ("},
		"to a user's": {before: redirect("http://me:" + secret + "@HOST/c"), problem: "redirects to another server"},
		"in circles":  {before: redirect("/b/disk.img"), problem: "redirects more than 5 times"},
		"a redirect within it": {files: map[string]string{"/c": "data"}, before: redirect("/c"), settings: "sums: none",
			want: "disk.img 4 - 12:00\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSite(t)
			for path, content := range test.files {
				s.put(path, []byte(content), time.Time{})
			}
			s.first(test.before)
			if test.url == "" {
				test.url = "/b/disk.img"
			}
			points, err := s.open(t, test.url, test.settings).List(t.Context())
			if test.problem != "" {
				problem(t, err, test.problem)
				return
			}
			require.NoError(t, err)
			got := ""
			for _, p := range points {
				assert.True(t, p.ConsistentTo.IsZero())
				sum := "-"
				if p.Digest.Given() {
					sum = p.Digest.Value[:8]
				}
				got += fmt.Sprintf("%s %d %s %s", p.ID, p.Size, sum, p.Taken.Format("15:04"))
				if p.Doubt != "" {
					got += "? " + p.Doubt
				}
				if p.Unusable != "" {
					got += "! " + string(p.Unusable)
				}
				got += "\n"
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func deny(path string, code int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == path {
			http.Error(w, "<Code>AccessDenied</Code>", code)
			done()
		}
	}
}

func signed(w http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("sig") != secret {
		http.Error(w, "no", http.StatusForbidden)
		done()
	}
}

// noHead is what S3 says to a HEAD under an address that was signed for GET.
func noHead(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		http.Error(w, "no", http.StatusForbidden)
		done()
	}
}

func noLength(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, ".img") {
		w.(http.Flusher).Flush()
		_, _ = io.WriteString(w, "chunk by chunk")
		done()
	}
}

func packed(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	done()
}

func hang(_ http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
	done()
}

// half a body and then nothing.
func half(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, "# half")
	w.(http.Flusher).Flush()
	hang(w, r)
}

// trickle goes on by a byte now and then, for ever.
func trickle(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		_, _ = io.WriteString(w, "#")
		w.(http.Flusher).Flush()
		time.Sleep(10 * time.Millisecond)
	}
	done()
}

// redirect everything but /c; HOST is this very server.
func redirect(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/c" {
			http.Redirect(w, r, strings.Replace(to, "HOST", r.Host, 1), http.StatusFound)
			done()
		}
	}
}

// A token goes with every request, and to nobody else.
func TestHeader(t *testing.T) {
	t.Setenv("BACKUP_TOKEN", "Bearer "+secret)
	s := newSite(t)
	s.put("/disk.img", storetest.Noise(3<<20), time.Time{})
	s.first(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+secret || r.Header.Get("X-Plain") != "1" {
			http.Error(w, "no", http.StatusUnauthorized)
			done()
		}
	})
	st := s.open(t, "/disk.img", "header: {authorization: {env: BACKUP_TOKEN}, X-Plain: 1}")
	points, err := st.List(t.Context())
	require.NoError(t, err)
	stream, err := st.Fetch(t.Context(), points[0])
	require.NoError(t, err)
	_, err = io.Copy(io.Discard, stream)
	require.NoError(t, err)
	require.NoError(t, stream.Close())
	r, err := st.OpenAt(t.Context(), points[0], t.TempDir())
	require.NoError(t, err)
	defer r.Close()
	_, err = r.ReadAt(make([]byte, 3<<20), 0)
	require.NoError(t, err)

	_, err = s.open(t, "/disk.img", "").List(t.Context())
	problem(t, err, "401 Unauthorized (give what opens it under header")
	_, err = s.open(t, "/disk.img", "header: {Authorization: {env: NOT_SET}}").List(t.Context())
	problem(t, err, "environment variable NOT_SET is not set")
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Error("asked the other server, with ", r.Header)
	}))
	defer other.Close()
	s.first(redirect(other.URL + "/x"))
	_, err = st.List(t.Context())
	problem(t, err, "redirects to another server")
}

func TestSecretAddress(t *testing.T) {
	s := newSite(t)
	s.put("/disk.img", []byte("data"), time.Time{})
	t.Setenv("BACKUP_URL", s.URL+"/disk.img?sig="+secret)
	st := openStore(t, "url: {env: BACKUP_URL}")
	points, err := st.List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "disk.img", points[0].ID)
	t.Setenv("BACKUP_URL", "http://me:"+secret+"@x/disk.img")
	_, err = st.List(t.Context())
	problem(t, err, "a user or password in the address")
	t.Setenv("BACKUP_URL", s.URL+"/other.img?sig="+secret)
	_, err = st.List(t.Context())
	problem(t, err, "404")
	_, err = st.Fetch(t.Context(), points[0])
	assert.ErrorIs(t, err, store.ErrNoPoint)
}

func TestProxy(t *testing.T) {
	var through []string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		through = append(through, r.URL.String())
		if strings.HasSuffix(r.URL.Path, ".img") {
			w.Header().Set("Content-Length", "7")
			return
		}
		http.NotFound(w, r)
	}))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	st := openStore(t, "url: http://backups.invalid/disk.img")
	assert.Nil(t, st.client.Transport.(*remote.Transport).Proxy, "not even the environment's: nobody asked for it")
	points, err := openStore(t, "url: http://backups.invalid/disk.img\nproxy: {env: HTTP_PROXY}").List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, int64(7), points[0].Size)
	assert.Contains(t, through, "http://backups.invalid/disk.img")
}

func TestNamesOfNoPoint(t *testing.T) {
	s := newSite(t)
	s.put("/b/SHA256SUMS", nil, time.Time{})
	s.put("/secret.img", []byte("x"), time.Time{})
	for _, id := range []string{"", ".", "..", "../secret.img", "a/../../secret.img", "/secret.img", "missing.img"} {
		for _, address := range []string{"/b/SHA256SUMS", "/b/disk.img"} {
			st := s.open(t, address, "")
			_, err := st.Fetch(t.Context(), store.Point{ID: id})
			assert.ErrorIs(t, err, store.ErrNoPoint, id)
			_, err = st.OpenAt(t.Context(), store.Point{ID: id}, t.TempDir())
			assert.ErrorIs(t, err, store.ErrNoPoint, id)
		}
	}
	assert.Equal(t, 2, s.requests("GET /b/missing.img"), "asked for, once by each")
	assert.Equal(t, 2, s.requests(""), "and nothing else is")
}

func TestTLS(t *testing.T) {
	secure := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", noon, strings.NewReader("data"))
	}))
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of clients that do not trust it
	secure.StartTLS()
	defer secure.Close()
	_, err := openStore(t, "url: "+secure.URL+"/disk.img\nsums: none").List(t.Context())
	problem(t, err, "certificate signed by unknown authority")

	plain := newSite(t)
	plain.first(redirect(secure.URL + "/disk.img"))
	elsewhere := strings.Replace(plain.URL, "127.0.0.1", "localhost", 1)
	for name, test := range map[string]struct{ url, err string }{
		"trusted":        {secure.URL + "/disk.img", ""},
		"redirected up":  {plain.URL + "/disk.img", ""},
		"redirected off": {elsewhere + "/disk.img", "redirects to another server"},
	} {
		t.Run(name, func(t *testing.T) {
			st := openStore(t, "url: "+test.url+"\nsums: none")
			trust := secure.Client().Transport.(*http.Transport).TLSClientConfig
			st.client.Transport.(*remote.Transport).TLSClientConfig = trust
			points, err := st.List(t.Context())
			if test.err != "" {
				problem(t, err, test.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, int64(4), points[0].Size)
		})
	}
}

// An address that is kept outside the scenario may hold a token in its path.
func TestHiddenAddressInErrors(t *testing.T) {
	s := newSite(t)
	path := "/share/" + secret + "/disk.img"
	t.Setenv("BACKUP_URL", s.URL+path)
	for what, broken := range map[string]string{"disk.img": path, "disk.img.sha256": path + ".sha256"} {
		s.put(path, []byte("data"), time.Time{})
		s.first(deny(broken, http.StatusForbidden))
		_, err := openStore(t, "url: {env: BACKUP_URL}").List(t.Context())
		problem(t, err, s.URL+"/…/"+what+" is answered with 403 Forbidden")
	}
}
