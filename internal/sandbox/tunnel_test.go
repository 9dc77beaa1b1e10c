package sandbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// tunnelled makes a tunnel whose sandbox is this process. end breaks the stream between the two.
func tunnelled(t *testing.T) (tunnel *Tunnel, end func()) {
	t.Helper()
	near, far := net.Pipe()
	served := make(chan struct{})
	go func() { defer close(served); _ = Serve(far) }()
	tunnel, err := NewTunnel(near)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = tunnel.Close()
		<-served
	})
	return tunnel, func() { _ = far.Close() }
}

// application serves one function on a port of this host.
func application(t *testing.T, serve func(c *net.TCPConn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				serve(c.(*net.TCPConn))
			}()
		}
	}()
	return l.Addr().String()
}

func dialled(t *testing.T, tunnel *Tunnel, addresses ...string) net.Conn {
	t.Helper()
	c, err := tunnel.Dial(t.Context(), addresses...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func isBroken(err error) bool { return errors.As(err, new(*BrokenError)) }

func TestTunnel(t *testing.T) {
	tunnel, _ := tunnelled(t)
	greeting := application(t, func(c *net.TCPConn) { _, _ = io.WriteString(c, "hello") })
	b, err := io.ReadAll(dialled(t, tunnel, "127.0.0.1:1", greeting))
	require.NoError(t, err)
	assert.Equal(t, "hello", string(b), "the second address answers")
	_, err = tunnel.Dial(t.Context(), "127.0.0.1:1")
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
	assert.False(t, isBroken(err))
	_, err = tunnel.Dial(t.Context(), "127.0.0.1:no-port")
	assert.Error(t, err)
	assert.False(t, isBroken(err), "the sandbox said so: %v", err)
}

// What one side has said ends; the other side may still speak. Sums are asked for after the end of what is summed.
func TestTunnelHalfClose(t *testing.T) {
	tunnel, _ := tunnelled(t)
	summing := application(t, func(c *net.TCPConn) {
		h := sha256.New()
		_, _ = io.Copy(h, c)
		fmt.Fprintf(c, "%x", h.Sum(nil))
	})
	content := []byte(strings.Repeat("lifeboat", 1<<18)) // 2 MiB, more than all windows together
	want := fmt.Sprintf("%x", sha256.Sum256(content))
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			c, err := tunnel.Dial(t.Context(), summing)
			if !assert.NoError(t, err) {
				return
			}
			defer c.Close()
			_, err = c.Write(content)
			assert.NoError(t, err)
			assert.NoError(t, c.(interface{ CloseWrite() error }).CloseWrite())
			got, err := io.ReadAll(c)
			assert.NoError(t, err)
			assert.Equal(t, want, string(got))
			_, err = c.Write([]byte("x"))
			assert.ErrorIs(t, err, net.ErrClosed)
		})
	}
	wg.Wait()
	t.Run("by the application", func(t *testing.T) {
		heard := make(chan string, 1)
		c := dialled(t, tunnel, application(t, func(c *net.TCPConn) {
			_ = c.CloseWrite()
			b, _ := io.ReadAll(c)
			heard <- string(b)
		}))
		b, err := io.ReadAll(c)
		require.NoError(t, err)
		assert.Empty(t, b)
		_, err = io.WriteString(c, "still heard")
		require.NoError(t, err)
		require.NoError(t, c.Close())
		assert.Equal(t, "still heard", <-heard)
	})
}

func TestTunnelDeadlines(t *testing.T) {
	tunnel, _ := tunnelled(t)
	c := dialled(t, tunnel, application(t, func(*net.TCPConn) { time.Sleep(time.Minute) }))
	require.NoError(t, c.SetReadDeadline(time.Now().Add(20*time.Millisecond)))
	_, err := c.Read(make([]byte, 1))
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, c.SetWriteDeadline(time.Now().Add(50*time.Millisecond)))
	_, err = c.Write(make([]byte, 64<<20)) // more than the kernel takes for somebody who does not read
	assert.ErrorIs(t, err, os.ErrDeadlineExceeded)
	assert.False(t, isBroken(err))
	began := time.Now()
	require.NoError(t, c.Close())
	assert.Less(t, time.Since(began), 30*time.Second, "nobody is waited for")
	_, err = c.Read(make([]byte, 1))
	assert.ErrorIs(t, err, net.ErrClosed)
}

// An application that breaks a connection is no tunnel that broke, and neither looks like an end in order.
func TestWhoBrokeIt(t *testing.T) {
	read := func(c net.Conn) error {
		_, err := io.ReadAll(c)
		return err
	}
	t.Run("the application resets", func(t *testing.T) {
		tunnel, _ := tunnelled(t)
		c := dialled(t, tunnel, application(t, func(c *net.TCPConn) {
			_, _ = c.Read(make([]byte, 1))
			_ = c.SetLinger(0)
		}))
		_, err := io.WriteString(c, "?")
		require.NoError(t, err)
		err = read(c)
		assert.ErrorIs(t, err, syscall.ECONNRESET)
		assert.False(t, isBroken(err))
	})
	t.Run("the tunnel ends", func(t *testing.T) {
		tunnel, end := tunnelled(t)
		address := application(t, func(c *net.TCPConn) {
			_, _ = io.WriteString(c, "half an ans")
			_, _ = io.Copy(io.Discard, c)
		})
		c := dialled(t, tunnel, address)
		_, err := io.ReadFull(c, make([]byte, 11))
		require.NoError(t, err)
		time.AfterFunc(20*time.Millisecond, end)
		assert.True(t, isBroken(read(c)), "never an end in order")
		_, err = c.Write([]byte("x"))
		assert.True(t, isBroken(err), "%v", err)
		assert.True(t, tunnel.Broken())
		_, err = tunnel.Dial(t.Context(), address)
		assert.True(t, isBroken(err), "%v", err)
	})
}

// Silence before the sandbox said that it asks is the tunnel's; after that the application's.
func TestWhoIsSilent(t *testing.T) {
	limited := func(t *testing.T) context.Context {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		t.Cleanup(cancel)
		return ctx
	}
	t.Run("the tunnel", func(t *testing.T) {
		near, far := net.Pipe()
		go func() { _, _ = io.Copy(io.Discard, far) }() // takes all, says nothing
		tunnel, err := NewTunnel(near)
		require.NoError(t, err)
		defer tunnel.Close()
		_, err = tunnel.Dial(limited(t), "127.0.0.1:1")
		assert.True(t, isBroken(err), "%v", err)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
	})
	t.Run("the stream below", func(t *testing.T) {
		near, far := net.Pipe() // nobody reads it
		defer far.Close()
		tunnel, err := NewTunnel(near)
		require.NoError(t, err)
		defer tunnel.Close()
		_, err = tunnel.Dial(limited(t), "127.0.0.1:1")
		assert.True(t, isBroken(err), "%v", err)
	})
	t.Run("the application", func(t *testing.T) {
		tunnel, _ := tunnelled(t)
		address := deaf(t)
		_, err := tunnel.Dial(limited(t), address)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		assert.False(t, isBroken(err), "%v", err)
	})
}

// deaf is an address where connections wait: a full backlog drops who comes, as a hanging application does.
func deaf(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { _ = syscall.Close(fd) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	require.NoError(t, syscall.Listen(fd, 0))
	at, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	address := fmt.Sprintf("127.0.0.1:%d", at.(*syscall.SockaddrInet4).Port)
	for range 4 {
		if c, err := net.DialTimeout("tcp", address, 50*time.Millisecond); err == nil {
			t.Cleanup(func() { _ = c.Close() })
		}
	}
	return address
}

func TestTunnelListens(t *testing.T) {
	tunnel, _ := tunnelled(t)
	name := fmt.Sprintf("@lifeboat-test-%d", os.Getpid())
	c := dialled(t, tunnel, AtSocket+name)
	_, err := tunnel.Dial(t.Context(), AtSocket+name)
	assert.ErrorContains(t, err, "in use")
	require.NoError(t, c.Close())
	assert.Eventually(t, func() bool { // closing it frees the name
		_, err := net.Dial("unix", name)
		return errors.Is(err, syscall.ECONNREFUSED)
	}, time.Minute, 5*time.Millisecond)
	c = dialled(t, tunnel, AtSocket+name)
	guest := dialled(t, tunnel, OnSocket+name)
	_, err = io.ReadFull(c, make([]byte, 1))
	require.NoError(t, err, "somebody came")
	_, err = io.WriteString(guest, "hello")
	require.NoError(t, err)
	b := make([]byte, 5)
	_, err = io.ReadFull(c, b)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(b))
	_, err = io.WriteString(c, "bye")
	require.NoError(t, err)
	require.NoError(t, c.Close())
	b, err = io.ReadAll(guest)
	require.NoError(t, err)
	assert.Equal(t, "bye", string(b))
}

// Whoever closes leaves nothing running, also where the application spoke first and nobody read.
func TestTunnelLeavesNothing(t *testing.T) {
	tunnel, _ := tunnelled(t)
	flood := application(t, func(c *net.TCPConn) {
		b := make([]byte, 1<<20)
		for {
			if _, err := c.Write(b); err != nil {
				return
			}
		}
	})
	warm, err := tunnel.Dial(t.Context(), flood)
	require.NoError(t, err)
	require.NoError(t, warm.Close())
	quiet := func(want int) int { // what ends takes a moment
		least := runtime.NumGoroutine()
		for end := time.Now().Add(5 * time.Second); least > want && time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			least = min(least, runtime.NumGoroutine())
		}
		return least
	}
	require.Eventually(t, func() bool { return tunnel.session.NumStreams() == 0 }, time.Minute, 5*time.Millisecond)
	time.Sleep(50 * time.Millisecond)
	before := runtime.NumGoroutine()
	for i := range 50 {
		c, err := tunnel.Dial(t.Context(), flood)
		require.NoError(t, err)
		if i%2 == 0 {
			time.Sleep(time.Millisecond) // let it flood
		}
		require.NoError(t, c.Close())
	}
	assert.LessOrEqual(t, quiet(before), before, "goroutines left")
	assert.Zero(t, tunnel.session.NumStreams())
}

func BenchmarkTunnelDial(b *testing.B) {
	near, far := net.Pipe()
	go func() { _ = Serve(far) }()
	tunnel, err := NewTunnel(near)
	require.NoError(b, err)
	defer tunnel.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer l.Close()
	go answer(l, "x")
	for b.Loop() {
		c, err := tunnel.Dial(b.Context(), l.Addr().String())
		require.NoError(b, err)
		_ = c.Close()
	}
}
