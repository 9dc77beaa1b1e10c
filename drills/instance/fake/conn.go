package fake

import (
	"io"
	"net"
	"sync"
	"time"

	"lifeboat/drills/instance"
)

// conn is one end of a connection: a pipe for each direction, so that one may end before the other.
type conn struct {
	net.Conn          // read by this end
	out      net.Conn // written by it

	mu     sync.Mutex
	broken error // why the way between the ends is gone
}

func connected() (near, far *conn) {
	a, b := net.Pipe()
	c, d := net.Pipe()
	return &conn{Conn: a, out: d}, &conn{Conn: c, out: b}
}

// snap ends a connection as a way does that breaks: nobody said a last word.
func (c *conn) snap(what string) {
	c.mu.Lock()
	c.broken = &instance.UnaskedError{What: what, Err: io.ErrUnexpectedEOF}
	c.mu.Unlock()
	_ = c.Close()
}

func (c *conn) why(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil && c.broken != nil {
		return c.broken
	}
	return err
}

// Read implements net.Conn.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.why(err)
}

// Write implements net.Conn.
func (c *conn) Write(p []byte) (int, error) {
	n, err := c.out.Write(p)
	return n, c.why(err)
}

// CloseWrite tells the other end that nothing more comes.
func (c *conn) CloseWrite() error { return c.out.Close() }

// Close implements net.Conn.
func (c *conn) Close() error {
	_ = c.out.Close()
	return c.Conn.Close()
}

// SetDeadline implements net.Conn.
func (c *conn) SetDeadline(t time.Time) error {
	_ = c.Conn.SetReadDeadline(t)
	return c.out.SetWriteDeadline(t)
}

// SetWriteDeadline implements net.Conn.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.out.SetWriteDeadline(t) }
