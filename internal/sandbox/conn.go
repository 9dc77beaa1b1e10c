package sandbox

import (
	"bufio"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
)

// closeLinger is how long what was written before Close may wait for an application that does not read.
const closeLinger = 10 * time.Second

// conn is a connection of the tunnel. In-memory pipes, one for each direction, bring exact deadlines and half closing;
// a goroutine each carries between their far ends and the stream.
type conn struct {
	t       *Tunnel
	stream  *yamux.Stream
	remote  net.Addr
	in, out net.Conn // the caller reads the one and writes the other
	said    net.Conn // far end of in
	told    net.Conn // far end of out
	closed  chan struct{}
	once    sync.Once

	mu       sync.Mutex // guards the errors
	readErr  error      // how reading ends; nil: io.EOF
	writeErr error      // why writing is over
}

func newConn(t *Tunnel, s *yamux.Stream, from *bufio.Reader, address string) *conn {
	c := &conn{t: t, stream: s, remote: &net.UnixAddr{Net: "unix", Name: address}, closed: make(chan struct{})}
	if a, err := netip.ParseAddrPort(address); err == nil {
		c.remote = net.TCPAddrFromAddrPort(a)
	}
	c.in, c.said = net.Pipe()
	c.out, c.told = net.Pipe()
	go c.receive(from)
	go c.send()
	return c
}

// receive hands on what the application says, until the stream ends or the caller has closed.
func (c *conn) receive(from *bufio.Reader) {
	defer c.said.Close()
	b := make([]byte, frameLimit)
	for {
		kind, content, err := readFrame(from, b)
		switch {
		case err != nil:
			c.endRead(c.t.broke(err))
			c.endWrite(c.t.broke(err))
			return
		case kind == frameData:
			if _, err := c.said.Write(content); err != nil {
				return // the caller closed
			}
		case kind == frameEnd:
			c.endRead(io.EOF)
			_ = c.said.Close()
		case kind == frameReset:
			c.endRead(syscall.ECONNRESET)
			c.endWrite(syscall.ECONNRESET)
			return
		case kind == frameDeaf:
			c.endWrite(syscall.EPIPE)
		}
	}
}

// send hands on what the caller says, until the caller closes.
func (c *conn) send() {
	defer c.stream.Close()
	out, b := &framer{w: c.stream}, make([]byte, frameLimit)
	for {
		n, err := c.told.Read(b)
		if n > 0 {
			if err := out.write(frameData, b[:n]); err != nil {
				c.endWrite(c.t.broke(err))
			}
		}
		if err == nil {
			continue
		}
		select {
		case <-c.closed: // the stream's end without a frame says so
		default:
			if err := out.write(frameEnd, nil); err != nil {
				c.endWrite(c.t.broke(err))
			}
			select {
			case <-c.closed:
			case <-c.t.session.CloseChan():
			}
		}
		return
	}
}

// endRead and endWrite: the first reason stays.
func (c *conn) endRead(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.readErr == nil {
		c.readErr = why
	}
}

func (c *conn) endWrite(why error) {
	c.mu.Lock()
	if c.writeErr == nil {
		c.writeErr = why
	}
	c.mu.Unlock()
	_ = c.told.Close()
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.in.Read(p)
	return n, c.why("read", err, &c.readErr)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.Write(p)
	return n, c.why("write", err, &c.writeErr)
}

// why says what ended a direction; of itself a pipe only knows that it did.
func (c *conn) why(op string, err error, reason *error) error {
	if err != io.EOF && err != io.ErrClosedPipe {
		return err
	}
	select {
	case <-c.closed:
		return &net.OpError{Op: op, Net: c.remote.Network(), Addr: c.remote, Err: net.ErrClosed}
	default:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch why := (*reason).(type) {
	case nil: // half closed by the caller
		return &net.OpError{Op: op, Net: c.remote.Network(), Addr: c.remote, Err: net.ErrClosed}
	case syscall.Errno:
		return &net.OpError{Op: op, Net: c.remote.Network(), Addr: c.remote, Err: why}
	default:
		return why
	}
}

// CloseWrite tells the application that nothing more comes.
func (c *conn) CloseWrite() error { return c.out.Close() }

// Close implements net.Conn. What was written before is still delivered.
func (c *conn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		_, _ = c.in.Close(), c.out.Close()
		time.AfterFunc(closeLinger, func() { _ = c.stream.SetWriteDeadline(time.Now()) })
	})
	return nil
}

// LocalAddr implements net.Conn.
func (c *conn) LocalAddr() net.Addr { return &net.UnixAddr{Net: "unix", Name: "tunnel"} }

// RemoteAddr implements net.Conn: the address that was dialled.
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	_ = c.in.SetReadDeadline(t)
	return c.out.SetWriteDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *conn) SetReadDeadline(t time.Time) error { return c.in.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.out.SetWriteDeadline(t) }
