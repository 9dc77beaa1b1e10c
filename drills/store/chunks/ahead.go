package chunks

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
