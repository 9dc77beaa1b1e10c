package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/term"

	"lifeboat/reports"
)

// progressEvery is how often a line of progress is written at most.
const progressEvery = 200 * time.Millisecond

// progress is a line on a terminal that says how far something is, and is gone when it has ended. Where nobody looks on nothing is written.
type progress struct {
	to   io.Writer // nil: nobody looks on
	say  func(key string, args map[string]string) string
	last time.Time
}

// progress is on the terminal of standard error: standard output belongs to results.
func (a *app) progress(lang reports.Language) *progress {
	p := &progress{say: func(key string, args map[string]string) string { return reports.Messages().Label(lang, key, args) }}
	if f, ok := a.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) && !a.json {
		p.to = f
	}
	return p
}

// of says how much of all is done; at the end the line is taken away.
func (p *progress) of(key string, done, all int64) {
	switch {
	case p.to == nil:
	case done >= all:
		_, _ = io.WriteString(p.to, "\r\x1b[K")
	case time.Since(p.last) >= progressEvery:
		p.last = time.Now()
		_, _ = fmt.Fprintf(p.to, "\r\x1b[K%s", p.say(key, map[string]string{"done": strconv.FormatInt(done, 10), "all": strconv.FormatInt(all, 10),
			"share": strconv.FormatInt(done*100/max(1, all), 10)}))
	}
}

// counted counts what is read of a file of so many bytes.
type counted struct {
	io.Reader
	p         *progress
	done, all int64
}

func (r *counted) Read(b []byte) (int, error) {
	n, err := r.Reader.Read(b)
	r.done += int64(n)
	r.p.of("audit.unpacking", min(r.done, r.all-1), r.all)
	return n, err
}
