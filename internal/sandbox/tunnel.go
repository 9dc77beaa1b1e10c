package sandbox

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
)

// BrokenError says that the tunnel did not carry a question or its answer. It is no word of the application.
type BrokenError struct{ Err error }

func (e *BrokenError) Error() string { return "the way into the sandbox broke: " + e.Err.Error() }

// Unwrap returns what happened.
func (e *BrokenError) Unwrap() error { return e.Err }

// Tunnel is the caller's end: many connections over one stream into a sandbox, whose process serves them.
type Tunnel struct {
	session *yamux.Session
	words   *lastWord
}

// NewTunnel speaks over the input and output of a process that runs the sub command tunnel. It owns the stream.
func NewTunnel(stream io.ReadWriteCloser) (*Tunnel, error) {
	words := &lastWord{}
	s, err := yamux.Client(stream, multiplexing(words))
	if err != nil {
		return nil, err
	}
	return &Tunnel{session: s, words: words}, nil
}

// Broken tells whether the stream has ended: another tunnel is needed.
func (t *Tunnel) Broken() bool { return t.session.IsClosed() }

// Close ends the tunnel and all that it carries.
func (t *Tunnel) Close() error { return t.session.Close() }

// Dial connects to the first of the addresses that answers, host:port or with one of the prefixes; with AtSocket it
// returns once the sandbox listens there, and the first byte that is read says that somebody came.
// syscall.ECONNREFUSED: nobody listens. *BrokenError: the sandbox did not say that it asks, which is
// ctx's doing or the tunnel's. After that it is the application that does not answer, and ctx's error alone.
//
// The connection obeys deadlines and has CloseWrite. Where the tunnel breaks, its Read and Write return *BrokenError.
func (t *Tunnel) Dial(ctx context.Context, addresses ...string) (net.Conn, error) {
	type opened struct {
		s   *yamux.Stream
		err error
	}
	ch := make(chan opened, 1)
	go func() { // it waits for the stream below, whatever ctx says
		s, err := t.session.OpenStream()
		if err == nil {
			err = (&framer{w: s}).write(frameDial, []byte(strings.Join(addresses, "\n")))
		}
		ch <- opened{s, err}
	}()
	var o opened
	select {
	case o = <-ch:
	case <-ctx.Done():
		go func() {
			if o := <-ch; o.s != nil {
				_ = o.s.Close()
			}
		}()
		return nil, &BrokenError{ctx.Err()}
	}
	if o.err != nil {
		if o.s != nil {
			_ = o.s.Close()
		}
		return nil, t.broke(o.err)
	}
	c, err := t.answer(ctx, o.s, addresses[0])
	if err != nil {
		_ = o.s.Close()
	}
	return c, err
}

// answer reads what the sandbox says of a dial.
func (t *Tunnel) answer(ctx context.Context, s *yamux.Stream, address string) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = s.SetReadDeadline(time.Now()) })
	defer stop()
	in, b := bufio.NewReaderSize(s, frameLimit), make([]byte, frameLimit)
	for asked := false; ; {
		kind, content, err := readFrame(in, b)
		switch {
		case err != nil && ctx.Err() != nil && asked && !t.Broken():
			return nil, ctx.Err()
		case err != nil && ctx.Err() != nil:
			return nil, &BrokenError{ctx.Err()}
		case err != nil:
			return nil, t.broke(err)
		case kind == frameAsked:
			asked = true
		case kind == frameOpen:
			if !stop() { // the deadline is set, or will be
				return nil, ctx.Err()
			}
			return newConn(t, s, in, address), nil
		case kind == frameRefused:
			return nil, syscall.ECONNREFUSED
		default:
			return nil, errors.New(string(content))
		}
	}
}

// broke makes an error of a stream that ended without a word of the application.
func (t *Tunnel) broke(err error) error {
	if w := t.words.String(); w != "" {
		err = fmt.Errorf("%w (%s)", err, w)
	}
	return &BrokenError{err}
}
