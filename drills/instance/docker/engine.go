package docker

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

const ryukOff = "TESTCONTAINERS_RYUK_DISABLED"

// Engine is a Docker engine. testcontainers-go and the moby client, the two
// ways in which it is used, share one connection and so one host.
type Engine struct {
	client *client.Client
	host   string
	log    *slog.Logger

	mu       sync.Mutex
	provider *testcontainers.DockerProvider
}

// Open makes the client of the engine that DOCKER_HOST names, or else of the
// engine on this host. It does not connect yet.
func Open(log *slog.Logger) (*Engine, error) { return openHost(defaultHost(), log) }

func openHost(host string, log *slog.Logger) (*Engine, error) {
	c, err := client.New(client.FromEnv, client.WithHost(host))
	if err != nil {
		return nil, fmt.Errorf("open docker engine %s: %w; check DOCKER_HOST", host, err)
	}
	return &Engine{client: c, host: host, log: log}, nil
}

// Close ends the idle connections to the engine.
func (e *Engine) Close() error { return e.client.Close() }

// defaultHost follows the docker command's order, without its contexts: DOCKER_HOST,
// the system's socket, a user's rootless socket.
func defaultHost() string {
	if h := os.Getenv("DOCKER_HOST"); h != "" {
		return h
	}
	if _, err := os.Stat("/var/run/docker.sock"); err != nil {
		if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
			if p := filepath.Join(dir, "docker.sock"); exists(p) {
				return "unix://" + p
			}
		}
	}
	return client.DefaultDockerHost
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lifecycle returns testcontainers' provider on this engine. Its own reaper is
// switched off: it needs an image that cannot be pulled everywhere, listens on
// all addresses, and shares one session between drills. lifeboat has its own.
func (e *Engine) lifecycle() (*testcontainers.DockerProvider, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.provider != nil {
		return e.provider, nil
	}
	if err := os.Setenv(ryukOff, "true"); err != nil {
		return nil, err
	}
	// Every engine has the network "none"; with the default one missing, testcontainers would create its own.
	tclog.SetDefault(quiet{e.log})
	opts := append(testcontainers.Generic2DockerOptions(testcontainers.WithLogger(quiet{e.log})),
		testcontainers.WithDefaultBridgeNetwork("none"))
	p, err := testcontainers.NewDockerProvider(opts...)
	if err != nil {
		return nil, fmt.Errorf("open testcontainers on %s: %w", e.host, err)
	}
	if !p.Config().Config.RyukDisabled {
		return nil, fmt.Errorf("testcontainers' own reaper is on; set %s=true", ryukOff)
	}
	p.SetClient(e.client)
	e.provider = p
	return p, nil
}

// quiet hands testcontainers' chatter to the debug log.
type quiet struct{ log *slog.Logger }

func (q quiet) Printf(format string, v ...any) {
	q.log.Log(context.Background(), slog.LevelDebug, fmt.Sprintf(format, v...), "from", "testcontainers")
}
