package docker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	cerrdefs "github.com/containerd/errdefs"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

// lifecycle returns testcontainers' provider on this engine. Its own reaper is switched off: it needs an image that cannot be
// pulled everywhere, listens on all addresses, and shares one session between drills. lifeboat has its own.
func (e *Engine) lifecycle() (*testcontainers.DockerProvider, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.provider != nil {
		return e.provider, nil
	}
	ownWays()
	tclog.SetDefault(quiet{e.log})
	// Every engine has the network "none"; with the default one missing, testcontainers would create its own.
	opts := append(testcontainers.Generic2DockerOptions(testcontainers.WithLogger(quiet{e.log})),
		testcontainers.WithDefaultBridgeNetwork("none"))
	p, err := testcontainers.NewDockerProvider(opts...)
	if err != nil {
		return nil, fmt.Errorf("open testcontainers on %s: %w", e.host, err)
	}
	if c := p.Config().Config; !c.RyukDisabled || c.HubImageNamePrefix != "" {
		return nil, fmt.Errorf("testcontainers was configured before lifeboat could: reaper off %t, prefix of images %q",
			c.RyukDisabled, c.HubImageNamePrefix)
	}
	p.SetClient(local{e.client, e})
	e.provider = p
	return p, nil
}

// ownWays has testcontainers read its settings, once, where nobody left any: neither the file in the user's home nor the
// environment of the user's own tests may change a drill.
var ownWays = sync.OnceFunc(func() {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); strings.HasPrefix(name, "TESTCONTAINERS_") {
			_ = os.Unsetenv(name)
		}
	}
	_ = os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
	const home = "HOME"
	was, had := os.LookupEnv(home)
	_ = os.Setenv(home, os.DevNull)
	testcontainers.ReadConfig()
	if had {
		_ = os.Setenv(home, was)
	} else {
		_ = os.Unsetenv(home)
	}
})

// local is an engine's client that asks no registry.
type local struct {
	client.APIClient
	engine *Engine
}

// ImagePull refuses: testcontainers would pull an image that vanished between two looks.
func (l local) ImagePull(_ context.Context, ref string, _ client.ImagePullOptions) (client.ImagePullResponse, error) {
	return nil, notPulled{l.engine.noImage(ref)}
}

// notPulled is one of the errors after which testcontainers does not try to pull again.
type notPulled struct{ error }

func (notPulled) Is(target error) bool { return target == cerrdefs.ErrPermissionDenied }

// quiet hands testcontainers' chatter to the debug log.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, v ...any) {
	q.log.Log(context.Background(), slog.LevelDebug, fmt.Sprintf(format, v...), "from", "testcontainers")
}
