package qemu

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"lifeboat/drills/instance"
)

// mute is a connection on which one end falls silent.
type mute struct {
	net.Conn
	silent atomic.Bool
}

func (m *mute) Write(p []byte) (int, error) {
	if m.silent.Load() {
		return len(p), nil
	}
	return m.Conn.Write(p)
}

// hanging is a connection to an SSH server that lets one in and then hangs: it opens no session, or starts the
// command and never says that it ended.
func hanging(t *testing.T, opens bool) *ssh.Client {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromSigner(key)
	require.NoError(t, err)
	server := &ssh.ServerConfig{NoClientAuth: true}
	server.AddHostKey(signer)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		far := &mute{Conn: c}
		_, channels, requests, err := ssh.NewServerConn(far, server)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for c := range channels {
			if !opens {
				continue
			}
			if _, asked, err := c.Accept(); err == nil {
				go func() {
					for r := range asked {
						_ = r.Reply(true, nil)
						far.silent.Store(true)
					}
				}()
			}
		}
	}()
	near, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = near.Close() })
	conn, channels, requests, err := ssh.NewClientConn(near, "guest",
		&ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	require.NoError(t, err)
	return ssh.NewClient(conn, channels, requests)
}

// A guest that stands still or lost its network in the middle of a command does not hold its caller.
func TestSSHGuestThatHangs(t *testing.T) {
	t.Parallel()
	for name, opens := range map[string]bool{"before the session": false, "in the command": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &Machine{request: instance.Request{Name: "pos"}}
			ch := &sshChannel{machine: m, leave: 100 * time.Millisecond, client: hanging(t, opens)}
			m.channel = ch
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			done := make(chan error, 1)
			go func() {
				_, err := ch.run(ctx, instance.Command{Args: []string{"true"}})
				done <- err
			}()
			select {
			case err := <-done:
				require.ErrorIs(t, err, context.DeadlineExceeded)
			case <-time.After(time.Minute):
				t.Fatal("it still waits")
			}
			assert.Eventually(t, func() bool {
				m.mu.Lock()
				defer m.mu.Unlock()
				return m.channel == nil
			}, time.Minute, 10*time.Millisecond, "the next command looks for a channel that answers")
		})
	}
}

// printing is a connection to an SSH server whose every command prints so many bytes and ends well.
func printing(t *testing.T, bytes int64) *ssh.Client {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromSigner(key)
	require.NoError(t, err)
	server := &ssh.ServerConfig{NoClientAuth: true}
	server.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		_, channels, requests, err := ssh.NewServerConn(c, server)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for c := range channels {
			session, asked, err := c.Accept()
			if err != nil {
				return
			}
			go func() {
				for r := range asked {
					_ = r.Reply(true, nil)
					_, _ = io.CopyN(session, zeros{}, bytes)
					_, _ = session.SendRequest("exit-status", false, make([]byte, 4))
					_ = session.Close()
				}
			}()
		}
	}()
	near, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	t.Cleanup(func() { _ = near.Close() })
	conn, channels, requests, err := ssh.NewClientConn(near, "guest",
		&ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey()})
	require.NoError(t, err)
	return ssh.NewClient(conn, channels, requests)
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// Half a file must not look whole: what stands behind would count as unchanged.
func TestSSHReadsWholeFilesOnly(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		bytes int64
		says  string
	}{"as many as are read": {1 << 20, ""}, "more": {getLimit + 1, "longer than"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ch := &sshChannel{machine: &Machine{}, leave: time.Second, client: printing(t, test.bytes)}
			got, err := ch.read(t.Context(), "/var/lib/pos/ledger")
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				return
			}
			require.NoError(t, err)
			assert.Len(t, got, int(test.bytes))
		})
	}
}
