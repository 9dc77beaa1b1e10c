package qemu

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"lifeboat/drills/instance"
	"lifeboat/internal/needs"
	"lifeboat/scenarios"
)

// fakeLogin is a getty of this host.
const fakeLogin = `while :; do stty sane; printf '\r\nhost login: '; read -r user; [ "$user" ] || continue
  stty -echo; printf 'Password: '; read -r word; stty echo; echo
  if [ "$user:$word" = root:secret ]; then printf 'Welcome\n'; PS1='root@host:~# ' /bin/sh -i; else
  printf 'Login incorrect\n'; fi; done`

// terminal is the far side of a console; a kernel talks in between.
type terminal struct {
	net.Conn
	every int // bytes between two messages of the kernel; 0: it is silent
	since int
}

func (c *terminal) Read(p []byte) (int, error) {
	if c.every > 0 && c.since >= c.every {
		c.since = 0
		return copy(p, "[   12.345678] kernel: a message [1] of mine\r\n"), nil
	}
	if c.every > 0 {
		p = p[:min(len(p), c.every)]
	}
	n, err := c.Conn.Read(p)
	c.since += n
	return n, err
}

// newTerminal starts a getty on a pseudo-terminal.
func newTerminal(t *testing.T, every int) *terminal {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	require.NoError(t, err)
	fd := int(master.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	slave, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	cmd := exec.Command("/bin/sh", "-c", fakeLogin)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = slave, slave, slave
	cmd.SysProcAttr = &unix.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, cmd.Start())
	near, far := net.Pipe()
	go func() { _, _ = io.Copy(master, far) }()
	go func() { _, _ = io.Copy(far, master) }()
	t.Cleanup(func() {
		_ = unix.Kill(-cmd.Process.Pid, unix.SIGKILL)
		_ = cmd.Wait()
		_, _, _ = near.Close(), far.Close(), slave.Close()
		_ = master.Close()
	})
	return &terminal{Conn: near, every: every}
}

func TestSerialLine(t *testing.T) {
	random := make([]byte, 40_000)
	_, _ = rand.Read(random)
	for name, every := range map[string]int{"a quiet kernel": 0, "a kernel that talks in between": 97} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			l := newSerialLine(newTerminal(t, every))
			require.NoError(t, l.logIn(ctx, "root", "secret"))
			r, err := l.run(ctx, line(instance.Command{Args: []string{"sh", "-c", `cat; echo "it's $COLOUR" >&2; exit 3`},
				Env: map[string]string{"COLOUR": "or ange"}}), []byte("hello"))
			require.NoError(t, err)
			assert.Equal(t, instance.Result{Exit: 3, Stdout: "hello", Stderr: "it's or ange\n"}, r)
			r, err = l.run(ctx, "cat", random)
			require.NoError(t, err)
			assert.True(t, r.Stdout == string(random), "%d of %d bytes", len(r.Stdout), len(random))
			r, err = l.run(ctx, "no-such-program", nil)
			require.NoError(t, err)
			assert.Equal(t, exitNotFound, r.Exit)
			_, err = l.run(ctx, "head -c 300000 /dev/zero", nil)
			assert.ErrorContains(t, err, "300000 bytes")

			mark := filepath.Join(t.TempDir(), "mark")
			short, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			_, err = l.run(short, "sleep 3; touch "+mark, nil)
			require.ErrorIs(t, err, context.DeadlineExceeded)
			require.NoError(t, l.detach(ctx, "echo later >"+mark+".2"))
			r, err = l.run(ctx, "sleep 3", nil)
			require.NoError(t, err)
			_, err = os.Stat(mark)
			require.ErrorIs(t, err, os.ErrNotExist, "a command whose caller went away went on")
			_, err = os.Stat(mark + ".2")
			require.NoError(t, err)

			l.leave()
			require.NoError(t, l.logIn(ctx, "root", "secret"), "after it was left")
		})
	}
}

func TestSerialLogin(t *testing.T) {
	t.Parallel()
	err := newSerialLine(newTerminal(t, 0)).logIn(t.Context(), "root", "guess")
	require.ErrorContains(t, err, "does not let root in")

	l := newSerialLine(newTerminal(t, 0))
	require.NoError(t, l.logIn(t.Context(), "root", "secret"))
	again := newSerialLine(l.c)
	require.NoError(t, again.logIn(t.Context(), "root", "secret"), "a session that somebody left there")

	near, far := net.Pipe()
	go func() { _, _ = io.Copy(io.Discard, far) }()
	short, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	require.Error(t, newSerialLine(near).logIn(short, "root", "secret"), "a console without anybody")
}

// A guest that is controlled through its serial console alone.
func TestVMSerialControl(t *testing.T) {
	needs.EveryVM(t)
	image := guestImage(t)
	d := newBench(t)
	m := d.bootGuest(t, openFile(t, image), VM{Control: []string{controlSerial}, Password: scenarios.Plain("pos-demo-root")})
	assert.Equal(t, http.StatusOK, awaitHTTP(t, m, "/healthz", detectLimit))
	ctx := t.Context()
	var r instance.Result
	require.Eventually(t, func() (up bool) {
		var err error
		r, err = m.Exec(ctx, instance.Command{Args: []string{"sh", "-c", "cat; id -un >&2; exit 3"},
			Stdin: strings.NewReader("hello")})
		return err == nil
	}, detectLimit, time.Second)
	assert.Equal(t, instance.Result{Exit: 3, Stdout: "hello", Stderr: "root\n"}, r)
	assert.Equal(t, "serial console as root", m.Describe(ctx)["control"])
	for _, size := range []int{1000, 32 << 10, 3 << 20} {
		began := time.Now()
		content := bytes.Repeat([]byte("lifeboat"), size/8)
		require.NoError(t, instance.Put(ctx, m, "/var/tmp/put", tarOf(t, "it", content)))
		t.Logf("put %d bytes in %s", size, time.Since(began))
		if size > serialMost {
			_, err := m.Get(ctx, "/var/tmp/put/it")
			require.ErrorContains(t, err, "longer than")
			continue
		}
		began = time.Now()
		got, err := m.Get(ctx, "/var/tmp/put/it")
		require.NoError(t, err)
		assert.Equal(t, content, got)
		t.Logf("got %d bytes in %s", size, time.Since(began))
	}
	good, err := m.Diagnose(ctx)
	require.NoError(t, err)
	assert.Equal(t, instance.ClassNone, good.Class, good.Words)
	m.channel.close()
	m.lose(m.channel)
	r, err = m.Exec(ctx, instance.Command{Args: []string{"sh", "-c", "ls -d /dev/shm/lifeboat.*; who"}})
	require.NoError(t, err)
	assert.Equal(t, 2, strings.Count(r.Stdout, "\n"), "one session and its folder: %s", r.Stdout)
	require.NoError(t, m.Reboot(ctx))
	assert.Equal(t, http.StatusOK, awaitHTTP(t, m, "/healthz", detectLimit))
}
