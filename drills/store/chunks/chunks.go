// Package chunks reads a file that lies far away at any offset: what was fetched is kept in a file without a name,
// so that nothing is fetched twice, and whoever goes straight on finds the next chunks there already.
package chunks

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"

	"lifeboat/drills/store/remote"
)

// Size in bytes of a chunk, which is fetched at once. Measured with the reads of a Debian guest that boots from a
// compressed qcow2 of 139 MiB, from a server 20 ms away: chunks of 256 KiB fetch 66 MiB and wait for 4.6 s,
// of 512 KiB 80 MiB and 2.6 s, of 1 MiB 101 MiB and 1.7 s.
const Size = 512 << 10

// window in chunks is what is waited for together of one read.
const window = 16

// Source is where the file lies. Its methods may be called at the same time, and their errors are what ReadAt
// returns: remote.Passing marks those that are worth another try, Another those that mean more.
type Source interface {
	// First fills buf with the file's first bytes, as far as there are any, and tells the size of all of it.
	// It is called before everything else, again only when it failed. It returns how many bytes came, even with an error.
	First(ctx context.Context, buf []byte) (n int, size int64, err error)
	// Fetch fills all of buf, which ends within the file. It returns how many bytes came, even with an error.
	Fetch(ctx context.Context, buf []byte, off int64) (n int, err error)
}

// Options of a cache.
type Options struct {
	Scratch string // the folder of the file that keeps what was fetched
	Chunk   int64  // bytes
	AtOnce  int    // requests under way at the same time
}

// Cache is a file that is read by chunks. Safe for concurrent use; it is a store.Random.
type Cache struct {
	source Source
	opts   Options
	size   int64
	kept   *os.File

	outer   context.Context // of Open
	ctx     context.Context // ends with Close, too
	stop    context.CancelFunc
	slots   chan struct{} // one for each request under way
	buffers sync.Pool
	n       atomic.Int64

	mu      sync.Mutex
	closed  bool
	have    map[int64]uint64  // bits of the chunks that are kept, 64 a word
	under   map[int64]*flight // chunks that are being fetched
	next    int64             // chunk after the last one that was read
	run     int64             // chunks that were read one after the other up to there
	users   sync.WaitGroup    // of the file
	another error             // the first error that said so
}

// Open fetches the first chunk. The cache lives until Close or until ctx ends.
func Open(ctx context.Context, source Source, o Options) (*Cache, error) {
	kept, err := os.CreateTemp(o.Scratch, "chunks-*")
	if err != nil {
		return nil, fmt.Errorf("keep what is fetched: %w", err)
	}
	c := &Cache{source: source, opts: o, kept: kept, outer: ctx, slots: make(chan struct{}, o.AtOnce),
		have: map[int64]uint64{}, under: map[int64]*flight{}}
	c.buffers.New = func() any { b := make([]byte, o.Chunk); return &b }
	c.ctx, c.stop = context.WithCancel(ctx)
	if err = os.Remove(kept.Name()); err == nil {
		err = remote.Retry(ctx, c.first)
	}
	if err != nil {
		_ = c.Close() // nothing was kept that could be lost
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	return c, nil
}

// ReadAt implements io.ReaderAt.
func (c *Cache) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("negative offset %d", off)
	}
	if err := c.enter(); err != nil {
		return 0, err
	}
	defer c.users.Done()
	if off >= c.size {
		return 0, io.EOF
	}
	var end error
	if int64(len(p)) > c.size-off {
		p, end = p[:c.size-off], io.EOF
	}
	for n := 0; n < len(p); {
		part := p[n:min(len(p), n+window*int(c.opts.Chunk))]
		err := c.bring(off+int64(n), len(part))
		if err == nil {
			_, err = c.kept.ReadAt(part, off+int64(n))
		}
		if err != nil {
			return n, c.why(err)
		}
		n += len(part)
	}
	return len(p), end
}

// enter lets the caller use the file until it says users.Done.
func (c *Cache) enter() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return fs.ErrClosed
	}
	if err := c.outer.Err(); err != nil {
		return err
	}
	c.users.Add(1)
	return nil
}

// why says what an error really comes from.
func (c *Cache) why(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return fs.ErrClosed
	case c.outer.Err() != nil:
		return c.outer.Err()
	}
	return err
}

// Close ends what is being fetched and gives the file back; fs.ErrClosed the second time.
func (c *Cache) Close() error {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return fs.ErrClosed
	}
	c.closed = true
	c.mu.Unlock()
	c.stop()
	c.users.Wait()
	return c.kept.Close()
}

// Size of the whole file in bytes.
func (c *Cache) Size() int64 { return c.size }

// Path is "": the file lies elsewhere.
func (c *Cache) Path() string { return "" }

// Fetched bytes so far.
func (c *Cache) Fetched() int64 { return c.n.Load() }

// Same returns the first error that was marked by Another.
func (c *Cache) Same() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.another
}

// note remembers an error that says that the file is another one now.
func (c *Cache) note(err error) error {
	if errors.As(err, new(another)) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.another == nil {
			c.another = err
		}
	}
	return err
}
