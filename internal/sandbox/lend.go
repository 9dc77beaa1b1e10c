package sandbox

import (
	"context"
	"io"
	"net"
	"sync"

	"github.com/hashicorp/yamux"
)

// lend listens on a port of the namespace's own loopback, and carries each connection out over the stream until that ends.
func lend(port string, stream io.ReadWriteCloser) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return err
	}
	defer l.Close()
	s, err := yamux.Client(stream, multiplexing(io.Discard))
	if err != nil {
		return err
	}
	go func() {
		<-s.CloseChan()
		_ = l.Close()
	}()
	for {
		c, err := l.Accept()
		if err != nil {
			return nil // the other end is gone
		}
		go func() {
			defer c.Close()
			out, err := s.OpenStream()
			if err != nil {
				return
			}
			defer out.Close()
			var both sync.WaitGroup
			both.Go(func() { _, _ = io.Copy(out, c); _ = out.Close() })
			both.Go(func() { _, _ = io.Copy(c, out); _ = c.Close() })
			both.Wait()
		}()
	}
}

// Borrow is the other end of CommandLend: a listener whose connections come from within the sandbox. It owns the stream, and returns once the
// sandbox listens.
func Borrow(ctx context.Context, stream io.ReadWriteCloser) (net.Listener, error) {
	s, err := yamux.Server(stream, multiplexing(io.Discard))
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = s.Close() })
	defer stop()
	if _, err := s.Ping(); err != nil {
		_ = s.Close()
		return nil, &BrokenError{err}
	}
	return s, nil
}
