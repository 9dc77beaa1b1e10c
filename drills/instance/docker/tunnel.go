package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"syscall"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/internal/sandbox"
)

// Dial implements instance.Machine. The connection obeys deadlines; it cannot be half closed.
func (m *Machine) Dial(ctx context.Context, port int) (net.Conn, error) {
	p := strconv.Itoa(port)
	addresses := []string{net.JoinHostPort("127.0.0.1", p), net.JoinHostPort(m.box.address.String(), p)}
	c, err := m.d.engine.tunnel(ctx, m.box.id, addresses)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: m.box.address.AsSlice(), Port: port},
			Err: err}
	}
	return c, nil
}

// tunnel starts a process in the sandbox whose standard input and output are the connection. Nobody listening is
// syscall.ECONNREFUSED; whatever kept the process from telling is *instance.UnaskedError.
func (e *Engine) tunnel(ctx context.Context, box string, addresses []string) (net.Conn, error) {
	cannot := func(err error) (net.Conn, error) {
		return nil, &instance.UnaskedError{What: "dial " + addresses[0], Err: err}
	}
	x, err := e.client.ExecCreate(ctx, box, client.ExecCreateOptions{AttachStdin: true, AttachStdout: true,
		AttachStderr: true,
		Cmd:          append([]string{selfPath, "internal", "pipe"}, addresses...)})
	if err != nil {
		return cannot(err)
	}
	// The connection outlives the dialling.
	h, err := e.client.ExecAttach(context.WithoutCancel(ctx), x.ID, client.ExecAttachOptions{})
	if err != nil {
		return cannot(err)
	}
	r, w := io.Pipe()
	go func() {
		_, err := stdcopy.StdCopy(w, io.Discard, h.Reader)
		w.CloseWithError(err) // nil: end of file
	}()
	stop := context.AfterFunc(ctx, h.Close)
	mark := []byte{0}
	_, err = io.ReadFull(r, mark)
	if !stop() {
		return cannot(ctx.Err())
	}
	if err != nil {
		h.Close()
		return cannot(fmt.Errorf("the tunnel ended before it stood: %w", err))
	}
	if mark[0] != sandbox.PipeOpen {
		why, _ := io.ReadAll(io.LimitReader(r, 1<<10))
		h.Close()
		if mark[0] == sandbox.PipeRefused {
			return nil, syscall.ECONNREFUSED
		}
		return nil, errors.New(string(why))
	}
	return newConn(h, r, addresses[0]), nil
}

// conn is the caller's end of an in-memory pipe, which brings deadlines; two
// goroutines carry between its other end and the engine.
type conn struct {
	net.Conn
	remote net.Addr
	close  func()
}

func newConn(h client.ExecAttachResult, r *io.PipeReader, address string) net.Conn {
	near, far := net.Pipe()
	var once sync.Once
	done := func() { once.Do(func() { _ = far.Close(); _ = r.Close(); h.Close() }) }
	go func() {
		_, _ = io.Copy(h.Conn, far)
		done()
	}()
	go func() {
		_, _ = io.Copy(far, r)
		done()
	}()
	c := &conn{Conn: near, close: done}
	if a, err := netip.ParseAddrPort(address); err == nil {
		c.remote = net.TCPAddrFromAddrPort(a)
	}
	return c
}

func (c *conn) Close() error {
	err := c.Conn.Close()
	c.close()
	return err
}

func (c *conn) RemoteAddr() net.Addr { return c.remote }
