package docker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
	"lifeboat/internal/sandbox"
)

// openLimit is how long the engine may take to start a tunnel's process. Nobody's question waits for it longer than
// its own limit, and a busy host is no reason to begin anew.
const openLimit = time.Minute

// Dial implements instance.Machine. The connection obeys deadlines and has CloseWrite.
func (m *Machine) Dial(ctx context.Context, port int) (net.Conn, error) {
	p := strconv.Itoa(port)
	c, err := m.sandbox.way.dial(ctx, net.JoinHostPort("127.0.0.1", p), net.JoinHostPort(m.sandbox.address.String(), p))
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: m.sandbox.address.AsSlice(), Port: port},
			Err: err}
	}
	return c, nil
}

// way leads into one sandbox: one long-lived tunnel, and another one when it breaks.
type way struct {
	engine  *Engine
	sandbox string

	mu     sync.Mutex
	latest *opening // nil: none yet
	shut   bool
}

// opening is a tunnel that is being opened, or was. t and err are set once done is closed.
type opening struct {
	done chan struct{}
	t    *sandbox.Tunnel
	err  error
}

func (o *opening) over() bool {
	select {
	case <-o.done:
		return o.err != nil || o.t.Broken()
	default:
		return false
	}
}

// open begins to open the tunnel where there is none that stands.
func (w *way) open() *opening {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.latest != nil && !w.latest.over() {
		return w.latest
	}
	o := &opening{done: make(chan struct{})}
	if w.shut {
		o.err = net.ErrClosed
		close(o.done)
		return o
	}
	w.latest = o
	go func() {
		defer close(o.done)
		ctx, cancel := context.WithTimeout(context.Background(), openLimit)
		defer cancel()
		o.t, o.err = w.engine.tunnel(ctx, w.sandbox)
	}()
	return o
}

// close ends the tunnel and what it carries.
func (w *way) close() {
	w.mu.Lock()
	w.shut = true
	o := w.latest
	w.mu.Unlock()
	if o == nil {
		return
	}
	if <-o.done; o.t != nil {
		_ = o.t.Close()
	}
}

// dial connects inside the sandbox, see sandbox.Tunnel. What the tunnel did not carry is *instance.UnaskedError.
func (w *way) dial(ctx context.Context, addresses ...string) (net.Conn, error) {
	for again := true; ; again = false {
		o := w.open()
		var c net.Conn
		var err error
		select {
		case <-o.done:
			if err = o.err; err == nil {
				c, err = o.t.Dial(ctx, addresses...)
			}
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err == nil {
			return conn{c, "what was dialled at " + addresses[0]}, nil
		}
		if o.t != nil && !errors.As(err, new(*sandbox.BrokenError)) {
			return nil, err // the application's
		}
		if !again || ctx.Err() != nil || !o.over() {
			return nil, &instance.UnaskedError{What: "dial " + addresses[0], Err: err}
		}
	}
}

// conn says of a connection that its tunnel broke, and nobody knows the answer.
type conn struct {
	net.Conn
	what string
}

// Read implements net.Conn.
func (c conn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	return n, c.unasked(err)
}

// Write implements net.Conn.
func (c conn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	return n, c.unasked(err)
}

func (c conn) unasked(err error) error {
	if err != nil && errors.As(err, new(*sandbox.BrokenError)) {
		return &instance.UnaskedError{What: c.what, Err: err}
	}
	return err
}

// CloseWrite tells the other end that nothing more comes.
func (c conn) CloseWrite() error { return c.Conn.(interface{ CloseWrite() error }).CloseWrite() }

// tunnel starts the process in the sandbox whose standard input and output carry all connections.
func (e *Engine) tunnel(ctx context.Context, sandboxID string) (*sandbox.Tunnel, error) {
	both, err := e.attach(ctx, sandboxID, sandbox.CommandTunnel)
	if err != nil {
		return nil, err
	}
	t, err := sandbox.NewTunnel(both)
	if err != nil {
		return nil, errors.Join(err, both.Close())
	}
	return t, nil
}

// attach starts the sandboxes' program in a container, and gives its standard input and output.
func (e *Engine) attach(ctx context.Context, id string, words ...string) (*attached, error) {
	x, err := e.client.ExecCreate(ctx, id, client.ExecCreateOptions{AttachStdin: true, AttachStdout: true,
		AttachStderr: true, Cmd: append([]string{programInside}, words...)})
	if err != nil {
		return nil, fmt.Errorf("open the tunnel into the sandbox: %w", err)
	}
	h, err := e.client.ExecAttach(ctx, x.ID, client.ExecAttachOptions{})
	if err != nil {
		return nil, fmt.Errorf("open the tunnel into the sandbox: %w", err)
	}
	r, w := io.Pipe()
	go func() {
		var words strings.Builder
		_, err := stdcopy.StdCopy(w, &limited{w: &words, left: 1 << 10}, h.Reader)
		if err == nil && words.Len() > 0 {
			err = errors.New("its process ended: " + strings.TrimSpace(words.String()))
		}
		w.CloseWithError(err) // nil: end of file
	}()
	return &attached{r: r, h: h}, nil
}

// attached is the input and the output of a process in a container.
type attached struct {
	r *io.PipeReader
	h client.ExecAttachResult
}

func (a *attached) Read(p []byte) (int, error)  { return a.r.Read(p) }
func (a *attached) Write(p []byte) (int, error) { return a.h.Conn.Write(p) }

// Close ends both, and so the process.
func (a *attached) Close() error {
	a.h.Close()
	return a.r.Close()
}

// limited keeps the beginning of what is written.
type limited struct {
	w    io.Writer
	left int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	n := min(l.left, len(p))
	l.left -= n
	_, err := l.w.Write(p[:n])
	return len(p), err
}
