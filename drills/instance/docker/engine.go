package docker

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// Engine is a Docker engine, or one that speaks its language. testcontainers-go and the moby client, the two ways in which it
// is used, share one connection and so one host. It is asked for nothing that makes it ask a registry:
// what a drill boots is there, or comes out of a backup.
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
