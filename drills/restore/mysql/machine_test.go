package mysql

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/internal/needs"
)

const settings = "password: sesame"

const image = "lifeboat/mariadb:10.11"

// machine is a container driven by the docker command: these tests are about
// dumps, the seal is the driver's own business.
type machine struct{ id, name, address string }

var _ instance.Machine = (*machine)(nil)

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
	if out, err := cli(t.Context(), nil, "image", "inspect", "--format", "{{.Id}}", image); err != nil {
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
	m, err := start(t.Context(), r)
	server.machine = m
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	require.NoError(t, l.Ready(ctx, m))
	return m
}

func start(ctx context.Context, r instance.Request) (*machine, error) {
	args := []string{"run", "-d", "--label", "lifeboat.test=mysql", "--memory", "1g"}
	for k, v := range r.Env {
		args = append(args, "-e", k+"="+v)
	}
	for _, folder := range r.Data {
		args = append(args, "-v", folder)
	}
	out, err := cli(ctx, nil, append(args, image)...)
	if err != nil {
		return nil, errors.New(out)
	}
	m := &machine{id: strings.TrimSpace(out), name: r.Name}
	m.address, err = cli(ctx, nil, "inspect", "--format", "{{.NetworkSettings.IPAddress}}", m.id)
	m.address = strings.TrimSpace(m.address)
	return m, err
}

func cli(ctx context.Context, stdin io.Reader, args ...string) (string, error) {
	c := exec.CommandContext(ctx, "docker", args...)
	c.Stdin = stdin
	out, err := c.CombinedOutput()
	return string(out), err
}

func (m *machine) Name() string   { return m.name }
func (m *machine) Handle() string { return m.id }

func (m *machine) Exec(ctx context.Context, c instance.Command) (instance.Result, error) {
	args := []string{"exec", "-i", "-u", c.User}
	if c.Dir != "" {
		args = append(args, "-w", c.Dir)
	}
	for k, v := range c.Env {
		args = append(args, "-e", k+"="+v)
	}
	cmd := exec.CommandContext(ctx, "docker", append(append(args, m.id), c.Args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = c.Stdin, &stdout, &stderr
	if c.Stdout != nil {
		cmd.Stdout = c.Stdout
	}
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	r := instance.Result{Exit: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}
	var exit *exec.ExitError
	if errors.As(err, &exit) || errors.Is(err, exec.ErrWaitDelay) || errors.Is(err, io.ErrClosedPipe) {
		err = nil
	}
	return r, err
}

func (m *machine) Put(ctx context.Context, dir string, tar io.Reader) error {
	if out, err := cli(ctx, tar, "cp", "-", m.id+":"+dir); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func (m *machine) Dial(ctx context.Context, port int) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", fmt.Sprintf("%s:%d", m.address, port))
}

func (m *machine) Console(ctx context.Context) (string, error) { return cli(ctx, nil, "logs", m.id) }

func (m *machine) State(ctx context.Context) (instance.State, error) {
	out, err := cli(ctx, nil, "inspect", "--format", "{{.State.Running}}", m.id)
	return instance.State{Running: strings.TrimSpace(out) == "true"}, err
}

func (m *machine) Destroy(ctx context.Context) error {
	_, err := cli(ctx, nil, "rm", "-fv", m.id)
	return err
}

func (m *machine) Get(context.Context, string) ([]byte, error) { return nil, errors.ErrUnsupported }
func (m *machine) Start(context.Context) error                 { return errors.ErrUnsupported }
func (m *machine) Stop(context.Context) error                  { return errors.ErrUnsupported }
func (m *machine) UndoCommand(instance.Command) ledger.Undo    { return ledger.Undo{} }

func command(args ...string) instance.Command { return instance.Command{Args: args, User: "0"} }
