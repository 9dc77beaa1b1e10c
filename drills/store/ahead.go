package store

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
)

// Ahead reads a stream while what came before is used: its digest is taken beside the work of whoever reads it. Who only looks at the beginning
// reads once, and then nothing is read ahead.
func Ahead(ctx context.Context, s Stream) Stream {
	return &ahead{Stream: s, ctx: ctx, quit: make(chan struct{})}
}

const (
	aheadPieces = 2
	aheadSize   = 256 << 10 // bytes of a piece
)

type ahead struct {
	Stream
	ctx    context.Context
	begun  bool // it was read once
	now    piece
	pieces chan piece // nil: nothing is read ahead yet
	free   chan []byte
	n      atomic.Int64
	whole  atomic.Bool
	mu     sync.Mutex // whether it is closed decides whether anything is read ahead
	closed bool
	quit   chan struct{}
	reads  sync.WaitGroup
}

// piece is what one read gave: rest was not taken yet.
type piece struct {
	all, rest []byte
	err       error
}

func (a *ahead) Read(p []byte) (n int, err error) {
	switch {
	case !a.begun:
		a.begun = true
		n, err = a.Stream.Read(p)
	default:
		n, err = a.next(p)
	}
	a.n.Add(int64(n))
	a.whole.Store(errors.Is(err, io.EOF)) // who broke it off has not read what was read here
	return n, err
}

func (a *ahead) next(p []byte) (int, error) {
	select {
	case <-a.quit:
		return 0, fs.ErrClosed
	case <-a.ctx.Done():
		return 0, a.ctx.Err()
	default:
	}
	if a.pieces == nil {
		a.start()
	}
	if len(a.now.rest) == 0 && a.now.err == nil {
		if a.now.all != nil {
			a.free <- a.now.all
			a.now = piece{}
		}
		select {
		case a.now = <-a.pieces:
		case <-a.ctx.Done():
			return 0, a.ctx.Err()
		case <-a.quit: // nobody reads on
			return 0, fs.ErrClosed
		}
	}
	n := copy(p, a.now.rest)
	if a.now.rest = a.now.rest[n:]; len(a.now.rest) > 0 {
		return n, nil
	}
	return n, a.now.err
}

func (a *ahead) start() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.pieces, a.free = make(chan piece, aheadPieces), make(chan []byte, aheadPieces)
	for range aheadPieces {
		a.free <- make([]byte, aheadSize)
	}
	a.reads.Go(func() {
		for {
			select {
			case <-a.quit:
				return
			case b := <-a.free:
				n, err := a.Stream.Read(b)
				a.pieces <- piece{b, b[:n], err} // there is room for as many as there are
				if err != nil {
					return
				}
			}
		}
	})
}

// Close waits until nothing is read any more.
func (a *ahead) Close() error {
	a.mu.Lock()
	if !a.closed {
		a.closed = true
		close(a.quit)
	}
	a.mu.Unlock()
	err := a.Stream.Close()
	a.reads.Wait()
	return err
}

func (a *ahead) Bytes() int64 { return a.n.Load() }

// Digest is told once the end was given, and not when it was seen here.
func (a *ahead) Digest() string {
	if !a.whole.Load() {
		return ""
	}
	return a.Stream.Digest()
}
