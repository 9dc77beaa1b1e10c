package stream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"lifeboat-k6/wire"
)

// What a virtual user of the pulse is to do in an iteration.
const (
	turnRun   = "run"
	turnRest  = "rest"  // nothing: the pulse rests
	turnSetup = "setup" // make the script's session anew, and nothing else
)

// longestSetup is how long the session may take to be made anew. Its requests have their own limit.
const longestSetup = 30 * time.Second

// turns says what iterations are for. The reader may let the pulse rest, between iterations and never within one, and
// may have the script's session made anew: what setup() had of a system is gone when that went back to a backup.
type turns struct {
	mu      sync.Mutex
	resting bool
	running int // iterations that are not at rest
	users   map[uint64]turn

	want, has int           // how often the session was to be made anew, and as of which of these it was
	made      int           // how often it was
	attempt   chan struct{} // closed when the user who makes it has ended; nil: nobody does
	session   string        // JSON of what setup() returned; "" for nothing
}

type turn struct {
	rests, makes bool
	of           int // the session that it makes
}

// begin enters an iteration and tells whether it is one of rest.
func (t *turns) begin(vu uint64) (rests bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.users == nil {
		t.users = map[uint64]turn{}
	}
	t.users[vu] = turn{rests: t.resting}
	if !t.resting {
		t.running++
	}
	return t.resting
}

// end leaves it. idle: the pulse is to rest, and this was the last iteration.
func (t *turns) end(vu uint64) (was turn, idle bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	was, ok := t.users[vu]
	delete(t.users, vu)
	if was.makes && t.attempt != nil {
		close(t.attempt)
		t.attempt = nil
	}
	if !ok || was.rests {
		return was, false
	}
	t.running--
	return was, t.resting && t.running == 0
}

// errNoSession ends an iteration that waited in vain for the user who makes the session anew.
var errNoSession = errors.New("the session was not made anew in time")

// Turn says what a virtual user is to do in the iteration that it is in; renews: its script has a setup().
func (s *Stream) Turn(ctx context.Context, vu uint64, renews bool) (string, error) {
	t := &s.turns
	for {
		t.mu.Lock()
		user, attempt := t.users[vu], t.attempt
		switch {
		case user.rests:
			t.mu.Unlock()
			return turnRest, nil
		case !renews || t.has == t.want:
			t.mu.Unlock()
			return turnRun, nil
		case attempt == nil:
			t.attempt = make(chan struct{})
			user.makes, user.of = true, t.want
			t.users[vu] = user
			t.mu.Unlock()
			if s.Timeout() > 0 {
				s.deadlines.Store(vu, time.Now().Add(max(longestSetup, s.Timeout())))
			}
			return turnSetup, nil
		}
		t.mu.Unlock()
		at, ok := s.Deadline(vu)
		if !ok {
			at = time.Now().Add(longestSetup)
		}
		late := time.NewTimer(time.Until(at))
		select {
		case <-attempt:
			late.Stop()
		case <-late.C:
			return "", errNoSession
		case <-ctx.Done():
			late.Stop()
			return "", ctx.Err()
		}
	}
}

// Made takes the session that a user made.
func (s *Stream) Made(vu uint64, session string) {
	t := &s.turns
	t.mu.Lock()
	defer t.mu.Unlock()
	if u := t.users[vu]; u.makes {
		t.session, t.has = session, u.of
		t.made++
	}
}

// Session is how often it was made anew, and what setup() returned the last time, as JSON.
func (s *Stream) Session() (int, string) {
	s.turns.mu.Lock()
	defer s.turns.mu.Unlock()
	return s.turns.made, s.turns.session
}

// obey reads the reader's commands, one a line, until there are no more: rest, go on, renew.
func (s *Stream) obey(r io.Reader) {
	for sc := bufio.NewScanner(r); sc.Scan(); {
		t := &s.turns
		t.mu.Lock()
		idle := false
		switch strings.TrimSpace(sc.Text()) {
		case "rest":
			t.resting = true
			idle = t.running == 0
		case "go on":
			t.resting = false
		case "renew":
			t.want++
		}
		t.mu.Unlock()
		if idle {
			s.rest()
		}
	}
}

// rest tells the reader that no iteration runs any more.
func (s *Stream) rest() {
	s.Emit(wire.Rest{Kind: wire.KindRest, At: s.Offset(time.Now())})
}

// A pulse against a dead server logs the same warning many times a second for hours.
const (
	repeatEvery = time.Second
	maxLines    = 1000
)

type logCount struct {
	last    time.Time
	skipped int
}

// logged writes a log line unless the same one was written within the last second, and keeps exceptions for release.
func (j *joiner) logged(l logLine, out emit) {
	if l.source == exceptionSource {
		j.totals.Exceptions++
		j.thrown = append(j.thrown, l)
	}
	if len(j.lines) > maxLines {
		clear(j.lines)
	}
	key := l.level + "\x00" + l.scenario + "\x00" + l.message
	c := j.lines[key]
	if c == nil {
		c = &logCount{}
		j.lines[key] = c
	}
	if !c.last.IsZero() && l.at.Sub(c.last) < repeatEvery {
		c.skipped++
		return
	}
	out(wire.Log{
		Kind: wire.KindLog, At: j.s.Offset(l.at), Level: l.level, Message: clip(l.message),
		Scenario: l.scenario, Source: l.source, Repeated: c.skipped,
	})
	c.last, c.skipped = l.at, 0
}
