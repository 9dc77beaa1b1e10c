package postgres

import (
	"context"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/needs"
)

const settings = "password: sesame"

const image = "lifeboat/postgres:15"

type machine = restoretest.Machine

// servers are the PostgreSQLs of this package's tests. A test has one for itself until it ends: it loads databases and
// roles of the same names as the others.
var servers = struct {
	sync.Mutex
	all  []*machine
	free chan *machine
	held map[*testing.T]*machine
}{free: make(chan *machine, mostServers), held: map[*testing.T]*machine{}}

const mostServers = 4

func TestMain(m *testing.M) {
	code := m.Run()
	for _, s := range servers.all {
		_ = s.Destroy(context.Background())
	}
	os.Exit(code)
}

// postgres gives the test's server, or skips the test with the reason.
func postgres(t *testing.T) *machine {
	t.Helper()
	servers.Lock()
	held := servers.held[t]
	servers.Unlock()
	if held != nil {
		return held
	}
	if out, err := restoretest.CLI(t.Context(), nil, "image", "inspect", "--format", "{{.Id}}", image); err != nil {
		needs.Skipf(t, "no %s here (run ci/images/postgres.sh): %s", image, out)
	}
	m := freeServer(t)
	servers.Lock()
	servers.held[t] = m
	servers.Unlock()
	t.Cleanup(func() {
		servers.Lock()
		delete(servers.held, t)
		servers.Unlock()
		servers.free <- m
	})
	return m
}

// freeServer takes one that nobody has, or starts another while there may be more.
func freeServer(t *testing.T) *machine {
	t.Helper()
	select {
	case m := <-servers.free:
		return m
	default:
	}
	servers.Lock()
	if len(servers.all) == mostServers {
		servers.Unlock()
		return <-servers.free
	}
	defer servers.Unlock()
	l := loader(t, settings)
	r := instance.Request{Name: "db"}
	require.NoError(t, l.Prepare(&r))
	m, err := restoretest.Start(t.Context(), "postgres", image, r)
	if m != nil {
		servers.all = append(servers.all, m)
	}
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	require.NoError(t, l.Ready(ctx, m))
	return m
}
