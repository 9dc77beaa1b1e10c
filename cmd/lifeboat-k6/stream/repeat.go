package stream

import (
	"time"

	"lifeboat-k6/wire"
)

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
