// Package nbd serves one disk image, read-only, to clients such as QEMU that
// speak the protocol of Network Block Devices. It never interprets the image.
//
// Source: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md,
// fixed newstyle handshake, simple replies. Names in capitals are the protocol's.
package nbd

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"lifeboat/internal/ratelimit"
)

// Image is what is served. ReadAt is called from several goroutines; Size never changes.
type Image interface {
	io.ReaderAt
	Size() int64 // bytes
}

// Options of a server. The zero value serves the default export, unimpaired.
type Options struct {
	Name   string // of the export; clients that name none get it, too
	Impair Impairment
}

// Bounds of one connection.
const (
	handshakeTime = 30 * time.Second // a client that is no client must not hold the place
	mostInFlight  = 16               // requests; QEMU has 16 under way at most (block/nbd.c, MAX_NBD_REQUESTS)
	mostMemory    = 32               // MiB of all their answers together
	// MaxRead is the longest read in bytes, the least that proto.md lets a server refuse.
	MaxRead = 32 << 20
)

// Server serves one image over any number of connections. Safe for concurrent use.
type Server struct {
	image Image
	name  string
	limit *ratelimit.Limit

	mu       sync.Mutex
	impaired Impairment
	changed  chan struct{} // closed by Impair
	err      error         // the image's first

	reads atomic.Int64
	bytes atomic.Int64
}

// New makes a server of an image.
func New(image Image, o Options) *Server {
	s := &Server{image: image, name: o.Name, limit: ratelimit.New(0), changed: make(chan struct{})}
	s.Impair(o.Impair)
	return s
}

// Err is the first error of the image itself: the storage failed, whatever the client makes of it. Nil as
// long as there was none; what Impair made fail on purpose is none.
func (s *Server) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// Served counts the reads that were answered with data, and their bytes, of all connections.
func (s *Server) Served() (reads, bytes int64) { return s.reads.Load(), s.bytes.Load() }

// Serve answers one client until it says that it is done (nil), until ctx ends (its error), or until the
// connection breaks or the client violates the protocol (any other error). It closes the connection. It returns
// only when it reads the image no more, so whoever wants an end at once closes the image, too.
func (s *Server) Serve(ctx context.Context, conn net.Conn) error {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	err := s.serve(ctx, conn)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (s *Server) serve(ctx context.Context, conn net.Conn) error {
	r := bufio.NewReaderSize(conn, 64<<10)
	// Not SetDeadline: a connection through a tunnel may not know it.
	timer := time.AfterFunc(handshakeTime, func() { _ = conn.Close() })
	phase, err := s.handshake(r, conn)
	inTime := timer.Stop()
	switch {
	case err != nil && !inTime:
		return fmt.Errorf("nbd handshake: no end within %v", handshakeTime)
	case err != nil:
		return fmt.Errorf("nbd handshake: %w", hungUp(err))
	case phase == aborted:
		return nil
	}
	if err := s.transmit(ctx, r, conn); err != nil {
		return fmt.Errorf("nbd: %w", hungUp(err))
	}
	return nil
}

// hungUp names what an end of file means here.
func hungUp(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.ErrClosedPipe) {
		return fmt.Errorf("the client hung up: %w", err)
	}
	return err
}

// failed keeps the image's first error.
func (s *Server) failed(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}
