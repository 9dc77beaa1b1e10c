package chunks

import (
	"fmt"

	"lifeboat/drills/store/remote"
)

// another is an error that says that the file became another one.
type another struct{ error }

func (a another) Unwrap() error { return a.error }

// Another marks an error that says that the file became another one: Same tells it from then on.
func Another(err error) error { return another{err} }

// flight is a chunk that is being fetched, once for all who wait for it.
type flight struct {
	done chan struct{}
	err  error
}

// bring waits until the chunks of a stretch are kept.
func (c *Cache) bring(off int64, n int) error {
	chunk := c.opts.Chunk
	var flights []*flight
	for i := off / chunk; i*chunk < off+int64(n); i++ {
		if f := c.need(i); f != nil {
			flights = append(flights, f)
		}
	}
	c.ahead(off/chunk, (off+int64(n)-1)/chunk)
	var first error
	for _, f := range flights {
		if <-f.done; first == nil {
			first = f.err
		}
	}
	return first
}

// need starts to fetch a chunk, unless it is there (nil) or somebody did already.
func (c *Cache) need(i int64) *flight {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.have[i/64]&(1<<(i%64)) != 0 {
		return nil
	}
	if f := c.under[i]; f != nil {
		return f
	}
	f := &flight{done: make(chan struct{})}
	c.under[i] = f
	c.users.Go(func() {
		f.err = c.load(i)
		c.mu.Lock()
		delete(c.under, i)
		if f.err == nil {
			c.keep(i)
		}
		c.mu.Unlock()
		close(f.done)
	})
	return f
}

// keep notes that a chunk is there.
func (c *Cache) keep(i int64) { c.have[i/64] |= 1 << (i % 64) }

// load fetches a chunk when there is a place among those under way.
func (c *Cache) load(i int64) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
	return c.note(remote.Retry(c.ctx, func() error { return c.get(i * c.opts.Chunk) }))
}

// first fetches the first chunk and learns the file's size.
func (c *Cache) first() error {
	buffer := c.buffers.Get().(*[]byte)
	defer c.buffers.Put(buffer)
	n, size, err := c.source.First(c.ctx, *buffer)
	c.n.Add(int64(n))
	if err != nil {
		return err
	}
	c.size = size
	if size == 0 {
		return nil
	}
	c.keep(0)
	return c.save((*buffer)[:min(size, c.opts.Chunk)], 0)
}

// get fetches the chunk at off.
func (c *Cache) get(off int64) error {
	buffer := c.buffers.Get().(*[]byte)
	defer c.buffers.Put(buffer)
	part := (*buffer)[:min(c.opts.Chunk, c.size-off)]
	n, err := c.source.Fetch(c.ctx, part, off)
	c.n.Add(int64(n))
	if err != nil {
		return err
	}
	return c.save(part, off)
}

func (c *Cache) save(part []byte, off int64) error {
	if _, err := c.kept.WriteAt(part, off); err != nil {
		return fmt.Errorf("keep what is fetched: %w", err)
	}
	return nil
}

// steady in chunks is how long a reader goes straight on before more is fetched than it asked for: most of what a
// guest reads while it boots is shorter.
const steady = 4

// ahead fetches what comes next for a reader that goes straight on, or it would wait for the server's latency at
// each chunk. It does not wait, and what fails here is asked for again by who needs it.
func (c *Cache) ahead(first, last int64) {
	most := int64(c.opts.AtOnce)
	c.mu.Lock()
	before := c.next
	if first <= before && first > before-most { // several reads at once arrive in any order
		c.run += max(last+1-before, 0)
		c.next = max(c.next, last+1)
	} else {
		c.run, c.next = last+1-first, last+1
	}
	from, n := c.next, min(c.run-steady, most)
	c.mu.Unlock()
	if from == before {
		return
	}
	for i := from; i < from+n && i*c.opts.Chunk < c.size; i++ {
		c.need(i)
	}
}
