package main

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"lifeboat/drills"
	"lifeboat/drills/record"
)

// feed takes what a running drill tells and never blocks it: the screen fetches
// a batch when it is ready. A terminal that stands still (Ctrl-S) costs memory only:
// of progress the latest counts, of samples the last maxSamples.
type feed struct {
	mu       sync.Mutex
	base     time.Time // of the drill, known from its first event
	events   []record.Event
	progress map[string]drills.Progress
	samples  []drills.Iteration
	log      bytes.Buffer
}

const maxSamples = 20_000

// batch is everything since the last one.
type batch struct {
	now      time.Duration // since the drill's base
	events   []record.Event
	progress []drills.Progress // sorted by backup
	samples  []drills.Iteration
}

func (f *feed) event(e record.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.base.IsZero() {
		f.base = time.Now().Add(-e.Elapsed)
	}
	f.events = append(f.events, e)
}

func (f *feed) restored(p drills.Progress) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.progress == nil {
		f.progress = map[string]drills.Progress{}
	}
	f.progress[p.Backup] = p
}

func (f *feed) sample(s drills.Iteration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.samples) >= maxSamples {
		f.samples = slices.Delete(f.samples, 0, maxSamples/2)
	}
	f.samples = append(f.samples, s)
}

// Write implements io.Writer for the log.
func (f *feed) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.log.Write(p)
}

// take empties the feed. The log comes in whole lines, safe to print.
func (f *feed) take(now time.Time) (b batch, log []string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.base.IsZero() {
		b.now = now.Sub(f.base)
	}
	b.events, b.samples = f.events, f.samples
	for _, k := range slices.Sorted(maps.Keys(f.progress)) {
		b.progress = append(b.progress, f.progress[k])
	}
	f.events, f.samples, f.progress = nil, nil, nil
	for {
		end := bytes.IndexByte(f.log.Bytes(), '\n')
		if end < 0 {
			break
		}
		log = append(log, clean(string(f.log.Next(end + 1)[:end])))
	}
	return b, log
}

// redirect is a writer whose goal changes: standard error, or the live view while it runs.
type redirect struct {
	mu sync.Mutex
	to io.Writer
}

func (r *redirect) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.to.Write(p)
}

func (r *redirect) turn(to io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.to = to
}

// patient writes in the background, so that a reader that stands still (a
// pager, a stopped terminal) never makes a drill wait.
type patient struct {
	out   io.Writer
	mu    sync.Mutex
	text  bytes.Buffer
	shut  bool
	more  chan struct{}
	ended chan struct{}
}

func newPatient(out io.Writer) *patient {
	p := &patient{out: out, more: make(chan struct{}, 1), ended: make(chan struct{})}
	go p.run()
	return p
}

func (p *patient) run() {
	defer close(p.ended)
	for range p.more {
		p.mu.Lock()
		text := bytes.Clone(p.text.Bytes())
		p.text.Reset()
		p.mu.Unlock()
		if _, err := p.out.Write(text); err != nil {
			continue // nobody reads any more; the journal has it all
		}
	}
}

// Write implements io.Writer; it always takes everything.
func (p *patient) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shut {
		return len(b), nil
	}
	p.text.Write(b)
	select {
	case p.more <- struct{}{}:
	default: // the next round takes it, too
	}
	return len(b), nil
}

// Close waits for the reader, but not for long. What comes later is dropped.
func (p *patient) Close() {
	p.mu.Lock()
	if !p.shut {
		p.shut = true
		close(p.more)
	}
	p.mu.Unlock()
	select {
	case <-p.ended:
	case <-time.After(stuckAfter):
	}
}

// stuckAfter is how long a terminal may take for its last words.
const stuckAfter = 2 * time.Second
