package s3

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/drills/store/s3/s3test"
	"lifeboat/drills/store/storetest"
	"lifeboat/scenarios"
)

// gateway is the server of all tests, and what they ask of it.
type gateway struct{ *s3test.Server }

const (
	access = s3test.Access
	secret = s3test.Secret
	zone   = s3test.Region
)

var (
	started  atomic.Pointer[gateway]
	starting sync.Mutex
	buckets  atomic.Int64
)

func TestMain(m *testing.M) {
	code := m.Run()
	if g := started.Load(); g != nil {
		g.Stop()
	}
	os.Exit(code)
}

// theGateway starts one for all tests.
func theGateway(t testing.TB) *gateway {
	t.Helper()
	starting.Lock()
	defer starting.Unlock()
	if g := started.Load(); g != nil {
		return g
	}
	server, err := s3test.Start(s3test.Program(t))
	require.NoError(t, err)
	started.Store(&gateway{server})
	return started.Load()
}

// bucket makes an empty one.
func (g *gateway) bucket(t testing.TB) string {
	t.Helper()
	name := fmt.Sprintf("backups-%d", buckets.Add(1))
	require.NoError(t, g.Admin.MakeBucket(t.Context(), name, minio.MakeBucketOptions{Region: zone}))
	return name
}

// with are the settings of a store of a bucket there, with the keys of its owner.
func (g *gateway) with(bucket, more string) string {
	return fmt.Sprintf("endpoint: %s\nbucket: %s\naccess_key: %s\nsecret_key: %s\n%s", g.URL, bucket, access, secret, more)
}

// user makes one who may do nothing yet, and returns the settings of a store that it looks at.
func (g *gateway) user(t testing.TB, bucket string) string {
	t.Helper()
	out, err := exec.Command(g.Program, "admin", "--access", access, "--secret", secret, "--region", zone,
		"--endpoint-url", g.URL, "create-user", "--access", bucket, "--secret", secret, "--role", "user").CombinedOutput()
	require.NoError(t, err, string(out))
	return fmt.Sprintf("endpoint: %s\nbucket: %s\nregion: %s\naccess_key: %s\nsecret_key: %s\n", g.URL, bucket, zone, bucket,
		secret)
}

// proxy leads every request to the gateway, whatever its host, and counts the hosts.
func (g *gateway) proxy(t testing.TB) (address string, hosts *sync.Map) {
	t.Helper()
	to, err := url.Parse(g.URL)
	require.NoError(t, err)
	hosts = &sync.Map{}
	s := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", to.Host, r.In.Host
		hosts.Store(r.In.Host, true)
	}, Transport: &http.Transport{DisableCompression: true}})
	t.Cleanup(s.Close)
	return s.URL, hosts
}

// openStore makes a store of its settings.
func openStore(t testing.TB, settings string) *Store {
	t.Helper()
	parsed, err := scenarios.ParseSettings("s3", settings)
	require.NoError(t, err)
	st, problems := New(store.Site{}, parsed)
	require.Empty(t, problems)
	return st.(*Store)
}

// fill puts backups, and their digests, below a prefix.
func (g *gateway) fill(t testing.TB, bucket, prefix string, backups []storetest.Backup) {
	t.Helper()
	sums := ""
	for _, b := range backups {
		g.Put(t, bucket, prefix+b.ID, b.Content, b.Written)
		if b.Digest != "" {
			sums += strings.TrimPrefix(b.Digest, "sha256:") + "  " + b.ID + "\n"
		}
	}
	if sums != "" {
		g.Put(t, bucket, prefix+"SHA256SUMS", []byte(sums), time.Time{})
	}
}
