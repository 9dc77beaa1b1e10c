package verifiertest

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/verifier"
)

// Container is a verifier.Target of one ordinary container, for tests of what
// checks ask. It is not sealed: boot nothing in it but images made here.
type Container struct {
	Fake
	name string
}

// Boot starts a container of an image that this engine has, and removes it when
// the test ends. It skips the test where there is no engine or no such image.
func Boot(t *testing.T, image string, env map[string]string, args ...string) *Container {
	t.Helper()
	if out, err := exec.Command("docker", "image", "inspect", "--format", "{{.Id}}", image).CombinedOutput(); err != nil {
		t.Skipf("no image %s: %s", image, bytes.TrimSpace(out))
	}
	c := &Container{name: "lifeboat-verifier-test-" + strconv.FormatInt(time.Now().UnixNano(), 36)}
	run := []string{"run", "--detach", "--name", c.name, "--label", "lifeboat.test=verifier", "--memory", "512m"}
	for k, v := range env {
		run = append(run, "--env", k+"="+v)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "rm", "--force", "--volumes", c.name).Run() })
	out, err := exec.Command("docker", append(append(run, image), args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	return c
}

// Exec implements verifier.Target.
func (c *Container) Exec(ctx context.Context, _ string, args []string) (verifier.Output, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, "docker", append([]string{"exec", c.name}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case strings.Contains(stderr.String(), "is not running"):
		return verifier.Output{}, fmt.Errorf("%w: %s", verifier.ErrDown, bytes.TrimSpace(stderr.Bytes()))
	case errors.As(err, &exit):
		return verifier.Output{Exit: exit.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}, nil
	}
	return verifier.Output{Stdout: stdout.String(), Stderr: stderr.String()}, err
}

// Dial implements verifier.Target. It asks for the address each time: a restart may change it.
func (c *Container) Dial(ctx context.Context, _ string, port int) (net.Conn, error) {
	out, err := exec.CommandContext(ctx, "docker", "inspect", "--format", "{{.NetworkSettings.IPAddress}}", c.name).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", bytes.TrimSpace(out), err)
	}
	address := net.JoinHostPort(string(bytes.TrimSpace(out)), strconv.Itoa(port))
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

// Read implements verifier.Target.
func (c *Container) Read(ctx context.Context, _, path string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, "docker", "cp", "--follow-link", c.name+":"+path, "-").Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return nil, fmt.Errorf("%s: %w", bytes.TrimSpace(exit.Stderr), fs.ErrNotExist)
	} else if err != nil {
		return nil, err
	}
	r := tar.NewReader(bytes.NewReader(out))
	h, err := r.Next()
	if err != nil || h.Typeflag != tar.TypeReg {
		return nil, fmt.Errorf("%s is not a file: %v", path, err)
	}
	return io.ReadAll(r)
}

// Restart implements verifier.Target.
func (c *Container) Restart(ctx context.Context, _ string) error {
	out, err := exec.CommandContext(ctx, "docker", "restart", c.name).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w", bytes.TrimSpace(out), err)
	}
	return nil
}

// Postgres boots a server and waits until it answers. The superuser is postgres, its password sesame.
func Postgres(t *testing.T, setup string) *Container {
	t.Helper()
	return PostgresOf(t, "lifeboat/postgres:15", setup)
}

// strange gives the tests' process an environment of which nothing may be used. It keeps it, so that tests may run side by side.
var strange = sync.OnceFunc(func() {
	_ = os.Setenv("PGPASSWORD", "not this one")
	_ = os.Setenv("PGHOST", "192.0.2.1")
})

// PostgresOf boots an image as Postgres does.
func PostgresOf(t *testing.T, image, setup string) *Container {
	t.Helper()
	c := Boot(t, image, map[string]string{"POSTGRES_PASSWORD": "sesame"})
	strange()
	require.Eventually(t, func() bool {
		o, err := c.Exec(t.Context(), "db", []string{"pg_isready", "-h", "127.0.0.1"})
		return err == nil && o.Exit == 0
	}, 10*time.Minute, 100*time.Millisecond) // a busy host takes its time
	// What setup gives a database as its limit of time is for those that connect later.
	cmd := exec.Command("docker", "exec", "-i", "-e", "PGPASSWORD=sesame", "-e", "PGOPTIONS=-c statement_timeout=0", c.name,
		"psql", "-h", "127.0.0.1", "-XAtq", "-v", "ON_ERROR_STOP=1", "-U", "postgres")
	cmd.Stdin = strings.NewReader(setup)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return c
}

// Put copies a file of this host into it.
func (c *Container) Put(t *testing.T, from, path string) {
	t.Helper()
	out, err := exec.Command("docker", "cp", from, c.name+":"+path).CombinedOutput()
	require.NoError(t, err, string(out))
}
