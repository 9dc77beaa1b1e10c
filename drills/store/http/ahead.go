package http

// steady in chunks is how long a reader goes straight on before more is fetched than it asked for: most of what a
// guest reads while it boots is shorter.
const steady = 4

// ahead fetches what comes next for a reader that goes straight on, or it would wait for the server's latency at
// each chunk. It does not wait, and what fails here is asked for again by who needs it.
func (r *random) ahead(first, last int64) {
	r.mu.Lock()
	before := r.next
	if first <= before && first > before-connections { // several reads at once arrive in any order
		r.run += max(last+1-before, 0)
		r.next = max(r.next, last+1)
	} else {
		r.run, r.next = last+1-first, last+1
	}
	from, n := r.next, min(r.run-steady, connections)
	r.mu.Unlock()
	if from == before {
		return
	}
	for i := from; i < from+n && i*r.store.chunk < r.facts.size; i++ {
		r.need(i)
	}
}
