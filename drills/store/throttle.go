package store

import (
	"context"
	"io/fs"
	"sync/atomic"

	"lifeboat/internal/ratelimit"
)

// Throttled is a stream with a limit. The limit counts bytes as stored, so compressed ones.
type Throttled struct {
	Stream
	ctx   context.Context
	limit *ratelimit.Limit
}

// Throttle limits a stream to so many bytes per second; 0 or less is no limit.
// A limit starts without credit: the first bytes are as slow as all others.
// Read returns the context's error once ctx ends.
func Throttle(ctx context.Context, s Stream, bytesPerSecond float64) *Throttled {
	return &Throttled{Stream: s, ctx: ctx, limit: ratelimit.New(bytesPerSecond)}
}

// Read reads one piece and waits until the limit has room for it.
func (t *Throttled) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := t.Stream.Read(p[:t.limit.Piece(len(p))])
	if e := t.limit.Wait(t.ctx, n); e != nil {
		return n, e
	}
	return n, err
}

// ThrottledAt is a point that is read where it lies, with a limit. The limit counts every byte that is asked for, kept
// by the store or not: what is slow is the disk that the reader sees.
type ThrottledAt struct {
	Random
	ctx    context.Context
	stop   context.CancelFunc
	closed atomic.Bool
	limit  *ratelimit.Limit
}

// ThrottleAt limits all reads of a point together to so many bytes per second;
// 0 or less is no limit. It starts without credit. ReadAt returns the context's
// error once ctx ends. Path is "": a limit cannot hold for who opens the file itself.
func ThrottleAt(ctx context.Context, r Random, bytesPerSecond float64) *ThrottledAt {
	t := &ThrottledAt{Random: r, limit: ratelimit.New(bytesPerSecond)}
	t.ctx, t.stop = context.WithCancel(ctx)
	return t
}

// Path is "", see ThrottleAt.
func (t *ThrottledAt) Path() string { return "" }

// ReadAt reads and waits until the limit has room for what was read.
func (t *ThrottledAt) ReadAt(p []byte, off int64) (int, error) {
	if err := t.ended(); err != nil {
		return 0, err
	}
	n, err := t.Random.ReadAt(p, off)
	if t.limit.Wait(t.ctx, n) != nil {
		return 0, t.ended()
	}
	return n, err
}

func (t *ThrottledAt) ended() error {
	if t.closed.Load() {
		return fs.ErrClosed
	}
	return t.ctx.Err()
}

// Close ends the reads that are waiting, too.
func (t *ThrottledAt) Close() error {
	t.closed.Store(true)
	t.stop()
	return t.Random.Close()
}
