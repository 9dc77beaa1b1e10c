package s3

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/drills/store/storetest"
)

// site is a service in memory that can be made to misbehave. It has one bucket, shop, and believes every signature.
type site struct {
	*httptest.Server
	pins bool // heed If-Match

	mu      sync.Mutex
	objects map[string]kept
	asked   []string // each request: path, query and range, if any
	before  http.HandlerFunc
}

type kept struct {
	content []byte
	written time.Time
	tag     string
}

func newSite(t *testing.T) *site {
	s := &site{pins: true, objects: map[string]kept{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

func (s *site) put(key string, content []byte, written time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[key] = kept{content, written, fmt.Sprintf(`"%.16s"`, storetest.Sum(content)[len("sha256:"):])}
}

// answered tells a handler of before that nothing more is to be said.
type answered struct{}

// first lets a handler answer before the site does, if it wants to; it says so by calling done.
func (s *site) first(h http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = h
}

func done() { panic(answered{}) }

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	defer func() {
		if e := recover(); e != nil && e != (answered{}) {
			panic(e)
		}
	}()
	s.mu.Lock()
	s.asked = append(s.asked, strings.TrimSpace(r.URL.RequestURI()+" "+r.Header.Get("Range")))
	before := s.before
	s.mu.Unlock()
	if before != nil {
		before(w, r)
	}
	key, in := strings.CutPrefix(r.URL.Path, "/shop/")
	switch {
	case !in:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case key == "" && r.URL.Query().Has("location"):
		_, _ = w.Write([]byte(`<LocationConstraint>eu-test-1</LocationConstraint>`))
	case key == "":
		s.list(w)
	default:
		s.object(w, r, key)
	}
}

type listed struct {
	XMLName  xml.Name `xml:"ListBucketResult"`
	Contents []entry
}

type entry struct {
	Key, LastModified, ETag string
	Size                    int
}

func (s *site) list(w http.ResponseWriter) {
	var l listed
	s.mu.Lock()
	for key, o := range s.objects {
		l.Contents = append(l.Contents, entry{key, o.written.Format("2006-01-02T15:04:05.999Z"), o.tag, len(o.content)})
	}
	s.mu.Unlock()
	_ = xml.NewEncoder(w).Encode(l)
}

func (s *site) object(w http.ResponseWriter, r *http.Request, key string) {
	s.mu.Lock()
	o, ok := s.objects[key]
	s.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	if !s.pins {
		r.Header.Del("If-Match")
	}
	w.Header().Set("ETag", o.tag)
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", o.written, bytes.NewReader(o.content))
}

// refuse says no as S3 does, and repeats what it was told, as some services do.
func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no: %s</Message><Region>eu-other-1</Region></Error>", code, secret)
}

// deny refuses whatever's path ends with a text.
func deny(suffix string, status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, suffix) {
			refuse(w, status, code)
			done()
		}
	}
}

// times lets a handler answer so many requests and no more.
func times(n int, h http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		n--
		now := n >= 0
		mu.Unlock()
		if now {
			h(w, r)
		}
	}
}

func hang(_ http.ResponseWriter, r *http.Request) {
	<-r.Context().Done()
	done()
}

// half a body and then nothing.
func half(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Length", "100")
	w.Header().Set("Last-Modified", noon.Format(http.TimeFormat))
	_, _ = w.Write([]byte("<ListBucketResult>"))
	w.(http.Flusher).Flush()
	hang(w, r)
}

// drop closes the connection without a word.
func drop(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// requests so far that begin with a text.
func (s *site) requests(prefix string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, a := range s.asked {
		if strings.HasPrefix(a, prefix) {
			n++
		}
	}
	return n
}

// open the store of the bucket.
func (s *site) open(t testing.TB, settings string) *Store {
	t.Helper()
	return openStore(t, "endpoint: "+s.URL+"\nbucket: shop\naccess_key: "+access+"\nsecret_key: "+secret+"\n"+settings)
}

// listed is the one object of the bucket, as the store lists it.
func (s *site) listed(t testing.TB, st *Store) store.Point {
	t.Helper()
	points, err := st.List(t.Context())
	require.NoError(t, err)
	require.Len(t, points, 1)
	return points[0]
}
