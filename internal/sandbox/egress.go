package sandbox

import (
	"cmp"
	"encoding/json"
	"io"
	"net/netip"
	"strings"
	"sync"
	"time"
	"unicode"
)

const (
	groupLimit = 500 // more targets than this are counted together: random names must not fill the log
	flushEvery = 200 * time.Millisecond
	reachEvery = time.Second
	hostLimit  = 253 // bytes of a DNS name
	// repeatEvery so many bytes all groups are written again: the engine keeps the end of a sandbox's output, and what
	// goes on trying must not push out of it what was tried once.
	repeatEvery = 2 << 20
)

// egress groups the attempts to get out and writes them as lines. Those of our own probes are known by themselves,
// whenever they come in on a slow host: they carry a mark or a name that restored code cannot have. Until open
// is called nobody else is there: whatever is seen is not reported.
type egress struct {
	mu      sync.Mutex
	out     *json.Encoder
	written written // since all groups were written
	base    time.Time
	groups  map[[2]string]*Group
	dirty   map[[2]string]bool
	reached map[Reached]*spokenTo // services of other sandboxes
	probing bool
	caught  map[string]bool // by source address or DNS name, while probing
	asked   map[string]bool // names that our own probes ask for
}

func newEgress(out io.Writer) *egress {
	e := &egress{base: time.Now(), probing: true,
		groups: map[[2]string]*Group{}, dirty: map[[2]string]bool{}, reached: map[Reached]*spokenTo{},
		caught: map[string]bool{}, asked: map[string]bool{}}
	e.out = json.NewEncoder(io.MultiWriter(out, &e.written))
	return e
}

// written counts bytes.
type written int

func (w *written) Write(p []byte) (int, error) {
	*w += written(len(p))
	return len(p), nil
}

// open ends the time of the probes: from now on attempts are restored code's.
func (e *egress) open() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.probing, e.base = false, time.Now()
	go func() {
		for range time.Tick(flushEvery) {
			e.flush()
		}
	}()
}

// attempt is one packet or connection that wanted out.
type attempt struct {
	protocol, target, host string
	mark                   string // by which a probe finds itself: a source address or a DNS name
	ours                   bool   // a probe's
	twin                   bool   // the question for IPv6 that goes with the one for IPv4: not a second attempt
}

// saw notes an attempt, and tells whether it counts as restored code's.
func (e *egress) saw(a attempt) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.probing || a.ours || e.asked[a.mark] {
		e.caught[a.mark] = true
		return false
	}
	k := [2]string{a.protocol, a.target}
	g := e.groups[k]
	now := time.Since(e.base)
	if g == nil && len(e.groups) >= groupLimit {
		k = [2]string{a.protocol, "(further targets)"}
		g = e.groups[k]
	}
	if g == nil {
		g = &Group{Protocol: a.protocol, Target: k[1], First: now}
		e.groups[k] = g
	}
	g.Host = cmp.Or(g.Host, hostWord(a.host))
	if a.twin {
		g.twins++
	} else {
		g.singles++
	}
	g.Count = max(g.singles, g.twins)
	g.Last = now
	e.dirty[k] = true
	return true
}

// named adds the first host name seen in a connection that was counted already.
func (e *egress) named(protocol, target, host string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	k := [2]string{protocol, target}
	if g := e.groups[k]; g != nil && g.Host == "" && host != "" {
		g.Host = hostWord(host)
		e.dirty[k] = true
	}
}

// hostWord is what a connection calls its target, as far as it can be a name.
func hostWord(s string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s[:min(len(s), hostLimit)])
}

// asks announces a name that a probe will ask for. A resolver in between may repeat the question much later.
func (e *egress) asks(name string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked[name] = true
}

// caughtProbe tells whether a probe with this mark came to us.
func (e *egress) caughtProbe(mark string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.caught[mark]
}

func (e *egress) flush() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.written > repeatEvery {
		e.written = 0
		for k := range e.groups {
			e.dirty[k] = true
		}
		for _, s := range e.reached {
			s.written = -reachEvery
		}
	}
	for r, s := range e.reached {
		e.tell(r, s)
	}
	for k := range e.dirty {
		_ = e.out.Encode(Line{Event: "egress", Egress: e.groups[k]})
		delete(e.dirty, k)
	}
}

// spokenTo is when a service was reached first and last, and up to when that is written down.
type spokenTo struct{ first, last, written time.Duration }

// spoke writes down a service that is reached from here: at once, and then as it goes on.
func (e *egress) spoke(protocol string, service netip.AddrPort) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.probing {
		return
	}
	r, now := Reached{Protocol: protocol, Service: service}, time.Since(e.base)
	s := e.reached[r]
	if s == nil {
		s = &spokenTo{first: now, written: -reachEvery}
		e.reached[r] = s
	}
	s.last = now
	e.tell(r, s)
}

// tell writes down what is not yet known of a service that is reached, once in a while.
func (e *egress) tell(r Reached, s *spokenTo) {
	if s.last > s.written && time.Since(e.base)-s.written >= reachEvery {
		r.First, r.Last, s.written = s.first, s.last, s.last
		_ = e.out.Encode(Line{Event: "reach", Reach: &r})
	}
}

func (e *egress) write(l Line) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = e.out.Encode(l)
}
