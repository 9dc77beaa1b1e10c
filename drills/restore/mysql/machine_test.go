package mysql

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

const image = "lifeboat/mariadb:10.11"

type machine = restoretest.Machine

// server is the one of this package's tests, which take turns.
var server struct {
	sync.Mutex
	*machine
}

func TestMain(m *testing.M) {
	code := m.Run()
	if server.machine != nil {
		_ = server.Destroy(context.Background())
	}
	os.Exit(code)
}

// mariadb gives the test the server until it ends, or skips the test with the reason.
func mariadb(t *testing.T) *machine {
	t.Helper()
	if out, err := restoretest.CLI(t.Context(), nil, "image", "inspect", "--format", "{{.Id}}", image); err != nil {
		needs.Skipf(t, "no %s here (run ci/images/kinds.sh): %s", image, out)
	}
	server.Lock()
	t.Cleanup(server.Unlock)
	if server.machine != nil {
		return server.machine
	}
	l := loader(t, settings)
	r := instance.Request{Name: "db"}
	require.NoError(t, l.Prepare(&r))
	m, err := restoretest.Start(t.Context(), "mysql", image, r)
	server.machine = m
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	require.NoError(t, l.Ready(ctx, m))
	return m
}

func command(args ...string) instance.Command { return instance.Command{Args: args, User: "0"} }
