package http

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"sync"
	"sync/atomic"

	"lifeboat/drills/store"
)

const (
	// chunkSize in bytes is what is fetched at once. Measured with the reads of a Debian guest that boots from a
	// compressed qcow2 of 139 MiB, from a server 20 ms away: chunks of 256 KiB fetch 66 MiB and wait for 4.6 s,
	// of 512 KiB 80 MiB and 2.6 s, of 1 MiB 101 MiB and 1.7 s.
	chunkSize = 512 << 10
	window    = 16       // chunks of one read that are waited for together
	mostSize  = 64 << 40 // bytes of a file; what claims more is no disk image
)

// OpenAt reads a file by ranges and keeps what it fetched in a file without a name in scratch, so that nothing is
// fetched twice. The server must understand Range and say how long the file is; *store.Problem if it does not.
func (s *Store) OpenAt(ctx context.Context, p store.Point, scratch string) (store.Random, error) {
	u, err := s.locate(p.ID)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p.ID, err)
	}
	cache, err := os.CreateTemp(scratch, "http-*")
	if err != nil {
		return nil, fmt.Errorf("open %s: keep what is fetched: %w", p.ID, err)
	}
	r := &random{store: s, id: p.ID, url: u, cache: cache, outer: ctx, slots: make(chan struct{}, connections),
		have: map[int64]uint64{}, under: map[int64]*flight{}}
	r.buffers.New = func() any { b := make([]byte, s.chunk); return &b }
	r.ctx, r.stop = context.WithCancel(ctx)
	if err = os.Remove(cache.Name()); err == nil {
		err = r.first(s.expect(p))
	}
	if err != nil {
		r.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, fmt.Errorf("open %s: %w", p.ID, err)
	}
	return r, nil
}

// random is a file on a server, cut into chunks.
type random struct {
	store *Store
	id    string
	url   *url.URL
	facts facts // at the first answer; every other must tell the same
	cache *os.File

	outer   context.Context // of OpenAt
	ctx     context.Context // ends with Close, too
	stop    context.CancelFunc
	slots   chan struct{} // one for each request under way
	buffers sync.Pool
	n       atomic.Int64

	mu     sync.Mutex
	closed bool
	have   map[int64]uint64  // bits of the chunks that are in the cache, 64 a word
	under  map[int64]*flight // chunks that are being fetched
	next   int64             // chunk after the last one that was read
	run    int64             // chunks that were read one after the other up to there
	users  sync.WaitGroup    // of the cache
}

// flight is a chunk that is being fetched, once for all who wait for it.
type flight struct {
	done chan struct{}
	err  error
}

// ReadAt implements io.ReaderAt.
func (r *random) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("read %s: negative offset %d", r.id, off)
	}
	if err := r.enter(); err != nil {
		return 0, err
	}
	defer r.users.Done()
	size := r.facts.size
	if off >= size {
		return 0, io.EOF
	}
	var end error
	if int64(len(p)) > size-off {
		p, end = p[:size-off], io.EOF
	}
	for n := 0; n < len(p); {
		part := p[n:min(len(p), n+window*int(r.store.chunk))]
		err := r.bring(off+int64(n), len(part))
		if err == nil {
			_, err = r.cache.ReadAt(part, off+int64(n))
		}
		if err != nil {
			return n, r.why(err)
		}
		n += len(part)
	}
	return len(p), end
}

// enter lets the caller use the cache until it says users.Done.
func (r *random) enter() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return fs.ErrClosed
	}
	if err := r.outer.Err(); err != nil {
		return err
	}
	r.users.Add(1)
	return nil
}

// why says what an error really comes from.
func (r *random) why(err error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return fs.ErrClosed
	case r.outer.Err() != nil:
		return r.outer.Err()
	}
	var problem *store.Problem
	if errors.As(err, &problem) {
		return err
	}
	return fmt.Errorf("read %s: %w", r.id, err)
}

// bring waits until the chunks of a stretch are in the cache.
func (r *random) bring(off int64, n int) error {
	chunk := r.store.chunk
	var flights []*flight
	for i := off / chunk; i*chunk < off+int64(n); i++ {
		if f := r.need(i); f != nil {
			flights = append(flights, f)
		}
	}
	r.ahead(off/chunk, (off+int64(n)-1)/chunk)
	var first error
	for _, f := range flights {
		if <-f.done; first == nil {
			first = f.err
		}
	}
	return first
}

// need starts to fetch a chunk, unless it is there (nil) or somebody did already.
func (r *random) need(i int64) *flight {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.have[i/64]&(1<<(i%64)) != 0 {
		return nil
	}
	if f := r.under[i]; f != nil {
		return f
	}
	f := &flight{done: make(chan struct{})}
	r.under[i] = f
	r.users.Add(1) // the caller is one, so Close cannot have waited yet
	go func() {
		defer r.users.Done()
		f.err = r.load(i)
		r.mu.Lock()
		delete(r.under, i)
		if f.err == nil {
			r.keep(i)
		}
		r.mu.Unlock()
		close(f.done)
	}()
	return f
}

// keep notes that a chunk is in the cache.
func (r *random) keep(i int64) { r.have[i/64] |= 1 << (i % 64) }

// Close ends what is being fetched and gives the cache back.
func (r *random) Close() error {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return fs.ErrClosed
	}
	r.closed = true
	r.mu.Unlock()
	r.stop()
	r.users.Wait()
	return r.cache.Close()
}

func (r *random) Size() int64 { return r.facts.size }

// Path is "": the file lies on the server.
func (r *random) Path() string { return "" }

func (r *random) Fetched() int64 { return r.n.Load() }
