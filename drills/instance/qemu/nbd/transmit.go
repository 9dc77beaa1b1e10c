package nbd

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// Requests and their answers (proto.md, "Transmission phase").
const (
	magicRequest     = 0x25609513
	magicSimpleReply = 0x67446698

	cmdRead        = 0
	cmdWrite       = 1
	cmdDisc        = 2
	cmdFlush       = 3
	cmdTrim        = 4
	cmdWriteZeroes = 6

	cmdFlagFUA = 1 << 0 // some clients set it on reads; it means nothing there

	headSize = 16 // bytes of a simple reply without its data
)

// Errors of the protocol, which are Linux's numbers whatever this host is.
const (
	success = 0
	eperm   = 1
	eio     = 5
	einval  = 22
)

// request of a client, as on the wire.
type request struct {
	Magic        uint32
	Flags, Type  uint16
	Cookie, From uint64
	Length       uint32
}

// client is one connection in transmission.
type client struct {
	server *Server
	conn   net.Conn
	slots  chan struct{} // one for each request under way
	memory chan struct{} // one for each MiB of their answers
	wg     sync.WaitGroup

	mu  sync.Mutex // one answer at a time
	err error      // the first that could not be written
}

// transmit answers requests until NBD_CMD_DISC or an error.
func (s *Server) transmit(ctx context.Context, r *bufio.Reader, conn net.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &client{server: s, conn: conn, slots: make(chan struct{}, mostInFlight), memory: make(chan struct{}, mostMemory)}
	err := c.read(ctx, r)
	if err != nil { // nobody waits for answers any more; after NBD_CMD_DISC somebody may
		cancel()
		_ = conn.Close()
	}
	c.wg.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return c.err // reading broke because of it
	}
	return err
}

func (c *client) read(ctx context.Context, r *bufio.Reader) error {
	for {
		var q request
		if err := binary.Read(r, binary.BigEndian, &q); err != nil {
			return err
		}
		if q.Magic != magicRequest {
			return fmt.Errorf("the client sends %#x in place of a request", q.Magic)
		}
		switch q.Type {
		case cmdDisc:
			return nil
		case cmdWrite:
			if q.Length > MaxRead {
				return fmt.Errorf("the client sends a write of %d bytes", q.Length)
			}
			if _, err := io.CopyN(io.Discard, r, int64(q.Length)); err != nil {
				return err
			}
		}
		if err := c.start(ctx, q); err != nil {
			return err
		}
	}
}

// start answers a request in the background once there is room for it; until then no more are read.
func (c *client) start(ctx context.Context, q request) error {
	length, code := c.server.judge(q)
	parts := (length + 1<<20 - 1) >> 20
	for i := range parts + 1 {
		room := c.memory
		if i == 0 {
			room = c.slots
		}
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.wg.Go(func() {
		defer func() {
			for range parts {
				<-c.memory
			}
			<-c.slots
		}()
		b := make([]byte, headSize+length)
		if length > 0 {
			code = c.server.load(ctx, b[headSize:], int64(q.From))
		}
		if code != success {
			b = b[:headSize] // an error has no data
		}
		c.answer(ctx, b, code, q.Cookie)
	})
	return nil
}

// judge gives the number of bytes that a request is to be answered with, and the error when it is refused.
func (s *Server) judge(q request) (length int, code uint32) {
	size := uint64(s.image.Size())
	switch q.Type {
	case cmdRead:
		if q.Flags&^cmdFlagFUA != 0 || q.Length > MaxRead || q.From > size || uint64(q.Length) > size-q.From {
			return 0, einval
		}
		return int(q.Length), success
	case cmdFlush:
		return 0, success // nothing is ever written
	case cmdWrite, cmdTrim, cmdWriteZeroes:
		return 0, eperm
	default:
		return 0, einval
	}
}

// answer fills in the head of b and sends it.
func (c *client) answer(ctx context.Context, b []byte, code uint32, cookie uint64) {
	if ctx.Err() != nil {
		return
	}
	binary.BigEndian.PutUint32(b, magicSimpleReply)
	binary.BigEndian.PutUint32(b[4:], code)
	binary.BigEndian.PutUint64(b[8:], cookie)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	if _, err := c.conn.Write(b); err != nil {
		c.err = err
		_ = c.conn.Close() // so that no more requests are read
	}
}

// load reads the image.
func (s *Server) load(ctx context.Context, p []byte, off int64) uint32 {
	if err := s.hold(ctx, len(p)); err != nil {
		return eio // also when ctx has ended: then nobody hears it
	}
	n, err := s.image.ReadAt(p, off)
	if n == len(p) { // with io.EOF, too
		s.reads.Add(1)
		s.bytes.Add(int64(n))
		return success
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if ctx.Err() == nil {
		s.failed(fmt.Errorf("read %d bytes at %d of the image: %w", len(p), off, err))
	}
	return eio
}
