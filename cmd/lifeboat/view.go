package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/term"

	"lifeboat/drills"
	"lifeboat/drills/record"
	"lifeboat/reports"
)

// view shows a running drill to a person.
type view interface {
	Watch() drills.Watch
	Close()
}

// view picks the live view for a terminal, plain lines for anything else, and
// nothing where the caller wants JSON alone.
func (a *app) view(p *drills.Plan, lang reports.Language, plain bool) view {
	out, keys, ok := a.terminals()
	if !ok || plain || a.json {
		return a.plainView(p, lang)
	}
	return a.startLive(p, lang, out, keys)
}

// plainView prints one line an event.
type plainView struct {
	out   *patient
	typed <-chan string // by the person at the terminal; nil: nobody can be asked
	words words
	quiet bool
}

func (a *app) plainView(p *drills.Plan, lang reports.Language) *plainView {
	v := a.lines(lang)
	if a.asks(p) {
		v.typed = a.typed()
	}
	return v
}

func (a *app) lines(lang reports.Language) *plainView {
	return &plainView{out: newPatient(a.stderr), words: words{cat: reports.Messages(), lang: lang}, quiet: a.json}
}

// typed gives the lines that are typed while somebody waits for one; what was
// typed before nobody asked for, and it decides nothing.
func (a *app) typed() <-chan string {
	a.typing.Do(func() {
		a.keyed = make(chan string)
		go func() {
			for s := bufio.NewScanner(a.stdin); s.Scan(); {
				select {
				case a.keyed <- s.Text():
				default:
				}
			}
		}()
	})
	return a.keyed
}

// Watch implements view.
func (v *plainView) Watch() drills.Watch {
	w := drills.Watch{}
	if !v.quiet {
		w.Event = v.event
	}
	if v.typed != nil {
		w.Ask = v.question
	}
	return w
}

// Close implements view.
func (v *plainView) Close() { v.out.Close() }

func (v *plainView) event(e record.Event) {
	data, err := record.Decode(e)
	if err != nil {
		data = record.HarnessError{Error: err.Error()}
	}
	if l := lineOf(v.words, e, data); l.text != "" {
		v.say(fmt.Sprintf("%8.1fs  %s", e.Elapsed.Seconds(), l.text))
	}
}

func (v *plainView) say(line string) { fmt.Fprintln(v.out, line) }

// question asks on the terminal for a number and takes nothing else for an answer.
func (v *plainView) question(ctx context.Context, q drills.Question) (drills.Answer, error) {
	v.say(clean(v.words.Text("live.ask", map[string]string{"rule": q.Rule, "drill": q.Drill})))
	for i, c := range q.Choices {
		v.say(fmt.Sprintf("  %d  %s", i+1, v.words.Text("decision."+c, nil)))
	}
	for {
		select {
		case line := <-v.typed:
			n, err := strconv.Atoi(strings.TrimSpace(line))
			if err == nil && n >= 1 && n <= len(q.Choices) {
				return drills.Answer{Outcome: q.Choices[n-1], By: who()}, nil
			}
			v.say(v.words.Text("live.ask_again", map[string]string{"last": strconv.Itoa(len(q.Choices))}))
		case <-ctx.Done():
			return drills.Answer{}, context.Cause(ctx)
		}
	}
}

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
