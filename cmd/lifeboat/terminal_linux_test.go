package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"lifeboat/drills"
	"lifeboat/drills/ledger"
	"lifeboat/internal/needs"
)

// part starts the test binary in one of its parts.
func part(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self)
	if len(args) > 0 {
		cmd = exec.Command(args[0], append(args[1:], self)...)
	}
	// The race detector speaks up when bubbletea closes its reader; that race is not ours.
	cmd.Env = append(os.Environ(), helperEnv+"="+name, "TERM=xterm-256color", "LIFEBOAT_LANG=en", "GORACE=exitcode=0")
	return cmd
}

// running is a part with its input held open.
type running struct {
	cmd   *exec.Cmd
	input io.Closer
	said  *bufio.Reader
}

func start(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	r := &running{cmd: cmd, input: in, said: bufio.NewReader(out)}
	assert.Equal(t, "drilling\n", r.line(t))
	return r
}

func (r *running) line(t *testing.T) string {
	t.Helper()
	s, err := r.said.ReadString('\n')
	require.NoError(t, err)
	return s
}

func (r *running) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	require.NoError(t, r.cmd.Process.Signal(s))
}

// code waits for the end.
func (r *running) code(t *testing.T) int { t.Helper(); return exitOf(t, r.cmd) }

func exitOf(t *testing.T, cmd *exec.Cmd) int {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		var exit *exec.ExitError
		if err != nil {
			require.ErrorAs(t, err, &exit)
		}
		return cmd.ProcessState.ExitCode()
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
		return -1
	}
}

func TestSignals(t *testing.T) {
	t.Run("the first aborts, the second leaves at once", func(t *testing.T) {
		r := start(t, part(t, "drill"))
		r.signal(t, syscall.SIGINT)
		assert.Equal(t, "aborted: interrupt\n", r.line(t))
		time.Sleep(2 * sameAct)
		r.signal(t, syscall.SIGINT)
		assert.Equal(t, exitInterrupted, r.code(t))
	})
	t.Run("the first alone lets it clean up", func(t *testing.T) {
		r := start(t, part(t, "drill"))
		r.signal(t, syscall.SIGTERM)
		assert.Equal(t, "aborted: terminated\n", r.line(t))
		require.NoError(t, r.input.Close())
		assert.Equal(t, exitInterrupted, r.code(t))
	})
	t.Run("two of one act are one", func(t *testing.T) {
		r := start(t, part(t, "drill"))
		r.signal(t, syscall.SIGTERM)
		assert.Equal(t, "aborted: terminated\n", r.line(t))
		r.signal(t, syscall.SIGTERM)
		time.Sleep(2 * sameAct)
		require.NoError(t, r.cmd.Process.Signal(syscall.Signal(0)), "it still runs")
		require.NoError(t, r.input.Close())
		assert.Equal(t, exitInterrupted, r.code(t))
	})
	t.Run("nohup is honoured", func(t *testing.T) {
		r := start(t, part(t, "drill", "sh", "-c", `trap "" HUP; exec "$0"`))
		r.signal(t, syscall.SIGHUP)
		time.Sleep(2 * sameAct)
		require.NoError(t, r.input.Close())
		assert.Equal(t, exitPassed, r.code(t))
	})
}

// What a harness leaves behind that was interrupted twice, or killed, the reaper cleans up (design: within 5 s).
func TestReaperFinishes(t *testing.T) {
	if !dockerReady(t) {
		needs.Skip(t, "a clean-up is proved by asking the engine what is left")
	}
	ends := map[string]func(*testing.T, *running){
		"Ctrl-C twice": func(t *testing.T, r *running) {
			r.signal(t, syscall.SIGINT)
			r.line(t)
			time.Sleep(2 * sameAct)
			r.signal(t, syscall.SIGINT)
			assert.Equal(t, exitInterrupted, r.code(t))
		},
		"killed": func(t *testing.T, r *running) {
			r.signal(t, syscall.SIGKILL)
			r.code(t)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			cmd := part(t, "owner")
			cmd.Env = append(cmd.Env, "LIFEBOAT_HOME="+home)
			r := start(t, cmd)
			dirs, err := drills.List(home)
			require.NoError(t, err)
			require.Len(t, dirs, 1)
			require.DirExists(t, filepath.Join(dirs[0], "raw", "thing"))
			end(t, r)
			require.Eventually(t, func() bool {
				record, _, err := drills.Judge(dirs[0])
				_, there := os.Stat(filepath.Join(dirs[0], "raw", "thing"))
				return err == nil && record.Abort != nil && os.IsNotExist(there)
			}, time.Minute, 50*time.Millisecond)
			require.Eventually(t, func() bool { return exists(filepath.Join(dirs[0], "record.json")) },
				30*time.Second, 50*time.Millisecond)
		})
	}
}

func TestReaperSaysWhenItCannot(t *testing.T) {
	a := &app{stderr: io.Discard, logs: &redirect{to: io.Discard}, home: t.TempDir()}
	dir := filepath.Join(a.home, "drills", "none")
	require.NoError(t, os.MkdirAll(dir, 0o700))
	_, err := a.startReaper(t.Context(), ledger.Scope{Drill: "none", Home: dir}) // without a ledger
	require.ErrorContains(t, err, "reaper.log")
	log, err := os.ReadFile(filepath.Join(dir, "reaper.log"))
	require.NoError(t, err)
	assert.Contains(t, string(log), "read the ledger")
}

// tty is a terminal whose other end the test holds.
type tty struct {
	master, slave *os.File
	mu            sync.Mutex
	seen          bytes.Buffer
}

func openTTY(t *testing.T) *tty {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("open a pseudo-terminal: %v", err)
	}
	fd := int(master.Fd())
	require.NoError(t, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	require.NoError(t, err)
	require.NoError(t, unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: 100}))
	slave, err := os.OpenFile("/dev/pts/"+strconv.Itoa(n), os.O_RDWR|unix.O_NOCTTY, 0)
	require.NoError(t, err)
	y := &tty{master: master, slave: slave}
	t.Cleanup(func() { _ = master.Close(); _ = slave.Close() })
	go func() {
		b := make([]byte, 4096)
		for {
			k, err := master.Read(b)
			y.mu.Lock()
			y.seen.Write(b[:k])
			y.mu.Unlock()
			if err != nil && !errors.Is(err, syscall.EIO) {
				return
			}
		}
	}()
	return y
}

func (y *tty) text() string {
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.seen.String()
}

// String is what was written, without what terminals obey.
func (y *tty) String() string { return ansi.Strip(y.text()) }

func (y *tty) waitFor(t *testing.T, what string) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.Contains(y.String(), what) }, time.Minute,
		20*time.Millisecond, "%q never came; there is %q", what, y.text())
}

func (y *tty) mode(t *testing.T) unix.Termios {
	t.Helper()
	m, err := unix.IoctlGetTermios(int(y.slave.Fd()), unix.TCGETS)
	require.NoError(t, err)
	return *m
}

// on starts a part on the terminal.
func (y *tty) on(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = y.slave, y.slave, y.slave
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill() })
}

func (y *tty) press(t *testing.T, keys string) {
	t.Helper()
	_, err := y.master.WriteString(keys)
	require.NoError(t, err)
}

func TestLiveOnATerminal(t *testing.T) {
	sane := func(t *testing.T, y *tty, before unix.Termios) {
		t.Helper()
		assert.Equal(t, before, y.mode(t), "the terminal is as it was")
		require.Eventually(t, func() bool {
			s := y.text()
			return strings.LastIndex(s, "\x1b[?25h") > strings.LastIndex(s, "\x1b[?25l")
		}, time.Second, 10*time.Millisecond, "the cursor is back")
	}
	t.Run("Ctrl-C ends the drill, Ctrl-C again leaves", func(t *testing.T) {
		y := openTTY(t)
		before := y.mode(t)
		cmd := part(t, "live")
		y.on(t, cmd)
		y.waitFor(t, "Decide on drill")
		assert.NotEqual(t, before, y.mode(t))
		y.press(t, "\x03")
		y.waitFor(t, "ending: aborted: interrupt")
		time.Sleep(2 * sameAct)
		y.press(t, "\x03")
		assert.Equal(t, exitInterrupted, exitOf(t, cmd))
		sane(t, y, before)
	})
	t.Run("the commander answers, and the last frame remains", func(t *testing.T) {
		y := openTTY(t)
		before := y.mode(t)
		cmd := part(t, "live")
		y.on(t, cmd)
		y.waitFor(t, "a line of the log")
		y.waitFor(t, "Decide on drill")
		y.press(t, "2\r")
		assert.Equal(t, exitPassed, exitOf(t, cmd), "%s", y)
		sane(t, y, before)
		assert.Contains(t, y.String(), "partial rollback")
	})
	t.Run("a panic gives the terminal back", func(t *testing.T) {
		y := openTTY(t)
		before := y.mode(t)
		cmd := part(t, "panic")
		y.on(t, cmd)
		assert.Equal(t, 2, exitOf(t, cmd), "of Go's own panic")
		sane(t, y, before)
		y.waitFor(t, "the engine crashed")
	})
}
