package sandbox

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/hashicorp/yamux"
)

// Prefixes of an address that is no host and port. Abstract sockets ("@name") belong to the network
// namespace: what else runs in it can use them, and nobody else can.
const (
	OnSocket = "unix:"   // connect there
	AtSocket = "listen:" // wait there for one connection
)

const dialLimit = 30 * time.Second // of one address; the caller's own limit is shorter

// Serve is the sandbox's end of the tunnel: it carries connections until the stream ends, and they end with it.
func Serve(stream io.ReadWriteCloser) error {
	s, err := yamux.Server(stream, multiplexing(io.Discard))
	if err != nil {
		return err
	}
	for {
		c, err := s.AcceptStream()
		if err != nil {
			return nil // the other end is gone
		}
		go func() {
			defer c.Close()
			carry(c)
		}()
	}
}

// carry serves one stream: it connects as the first frame says, and passes on what comes.
func carry(stream *yamux.Stream) {
	in, out := bufio.NewReaderSize(stream, frameLimit), &framer{w: stream}
	b := make([]byte, frameLimit)
	kind, content, err := readFrame(in, b)
	if err != nil || kind != frameDial {
		return
	}
	addresses := strings.Split(string(content), "\n")
	if out.write(frameAsked, nil) != nil {
		return
	}
	staying, leave := context.WithCancel(context.Background()) // the caller may leave while we wait
	defer leave()
	peeked := make(chan struct{})
	go func() {
		defer close(peeked)
		if _, err := in.Peek(1); err != nil {
			leave()
		}
	}()
	var c net.Conn
	if name, ok := strings.CutPrefix(addresses[0], AtSocket); ok {
		c = await(staying, name, out)
	} else {
		c = connect(staying, addresses, out)
	}
	if c == nil {
		return
	}
	defer c.Close()
	var speaking sync.WaitGroup
	speaking.Go(func() { speak(c, out) })
	<-peeked
	listen(in, b, c, out)
	// The caller closed: what the application still says is for nobody.
	_ = c.Close()
	_ = stream.SetWriteDeadline(time.Now())
	speaking.Wait()
}

// connect to the first of the addresses that answers, and say what came of it.
func connect(ctx context.Context, addresses []string, out *framer) net.Conn {
	var err error
	for _, a := range addresses {
		network := "tcp"
		if name, ok := strings.CutPrefix(a, OnSocket); ok {
			network, a = "unix", name
		}
		var c net.Conn
		if c, err = (&net.Dialer{Timeout: dialLimit}).DialContext(ctx, network, a); err == nil {
			if out.write(frameOpen, nil) != nil {
				_ = c.Close()
				return nil
			}
			return c
		}
	}
	kind := byte(frameFailed)
	if errors.Is(err, syscall.ECONNREFUSED) {
		kind = frameRefused
	}
	_ = out.write(kind, []byte(err.Error()))
	return nil
}

// await says that it listens, and with a first byte that somebody came. It gives up when the caller does.
func await(ctx context.Context, name string, out *framer) net.Conn {
	l, err := net.Listen("unix", name)
	if err != nil {
		_ = out.write(frameFailed, []byte(err.Error()))
		return nil
	}
	defer l.Close()
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	if out.write(frameOpen, nil) != nil {
		return nil
	}
	c, err := l.Accept()
	if err != nil {
		return nil
	}
	if out.write(frameData, []byte{frameOpen}) != nil {
		_ = c.Close()
		return nil
	}
	return c
}

// speak passes on what the application says, to its end.
func speak(c net.Conn, out *framer) {
	b := make([]byte, frameLimit)
	for {
		n, err := c.Read(b)
		if n > 0 && out.write(frameData, b[:n]) != nil {
			return
		}
		switch {
		case err == io.EOF:
			_ = out.write(frameEnd, nil)
			return
		case err != nil:
			_ = out.write(frameReset, []byte(err.Error()))
			return
		}
	}
}

// listen passes on what the caller says, until it closes.
func listen(in *bufio.Reader, b []byte, c net.Conn, out *framer) {
	deaf := false
	for {
		kind, content, err := readFrame(in, b)
		if err != nil {
			return
		}
		switch {
		case kind == frameData && !deaf:
			if _, err := c.Write(content); err != nil {
				deaf = true
				_ = out.write(frameDeaf, []byte(err.Error()))
			}
		case kind == frameEnd:
			if h, ok := c.(interface{ CloseWrite() error }); ok {
				_ = h.CloseWrite()
			}
		}
	}
}
