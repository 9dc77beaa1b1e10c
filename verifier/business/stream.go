package business

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/verifier"
)

// line is any record of the sidecar's stream, version 1 (cmd/lifeboat-k6/README.md).
// Unknown kinds and fields are ignored, as the format asks.
type line struct {
	Kind         string      `json:"kind"`
	Version      int         `json:"version"`
	Boot         int64       `json:"boot"`
	BootID       string      `json:"boot_id"`
	Start        int64       `json:"start"`
	End          int64       `json:"end"`
	At           int64       `json:"at"`
	OK           bool        `json:"ok"`
	VU           uint64      `json:"vu"`
	Iter         int64       `json:"iter"`
	Name         string      `json:"name"`
	Address      string      `json:"address"`
	ChecksPassed int         `json:"checks_passed"`
	ChecksFailed int         `json:"checks_failed"`
	HTTPFailed   int         `json:"http_failed"`
	HTTPAnswered int         `json:"http_answered"`
	Cut          bool        `json:"cut"`
	Setup        bool        `json:"setup"`
	TimedOut     int         `json:"timed_out"`
	Longest      int64       `json:"longest_request"`
	Count        int         `json:"count"`
	Level        string      `json:"level"`
	Message      string      `json:"message"`
	Source       string      `json:"source"`
	Exit         int         `json:"exit"`
	Error        string      `json:"error"`
	Thresholds   []threshold `json:"thresholds"`
	Totals       totals      `json:"totals"`
}

type threshold struct {
	Metric     string `json:"metric"`
	Expr       string `json:"expr"`
	Failed     bool   `json:"failed"`
	Unmeasured bool   `json:"unmeasured"`
}

type totals struct {
	Iterations       int `json:"iterations"`
	IterationsFailed int `json:"iterations_failed"`
	ChecksPassed     int `json:"checks_passed"`
	ChecksFailed     int `json:"checks_failed"`
	FlowsFailed      int `json:"flows_failed"`
	Exceptions       int `json:"exceptions"`
	Lost             int `json:"lost"`
}

// sample is an iteration of the pulse. A check that failed without a failed request was answered, only wrongly.
func (l line) sample(start, end time.Duration) verifier.Sample {
	s := verifier.Sample{Start: start, End: end, OK: l.OK, Checks: l.ChecksPassed, Error: plainError(l.Error), Setup: l.Setup,
		TimedOut: l.TimedOut > 0, Answered: l.HTTPAnswered > 0 || l.ChecksFailed > 0 && l.HTTPFailed == 0}
	if l.Setup && !l.OK {
		s.Error = "setup: " + s.Error
	}
	return s
}

// wireVersion of the stream that this package reads.
const wireVersion = 1

// errStream says that a stream cannot be read as one of the sidecar's.
var errStream = errors.New("not a stream of lifeboat-k6")

// maxLine of k6's stream, bytes.
const maxLine = 4 << 20

// scan reads records until the stream ends. The callback's error stops it.
func scan(r io.Reader, each func(line) error) error {
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 64<<10), maxLine)
	for first := true; sc.Scan(); {
		raw := bytes.TrimSpace(sc.Bytes())
		if len(raw) == 0 {
			continue
		}
		var l line
		if err := json.Unmarshal(raw, &l); err != nil {
			return fmt.Errorf("%w: %w", errStream, err)
		}
		if first && (l.Kind != "hello" || l.Version != wireVersion) {
			return fmt.Errorf("%w: it begins with %q version %d, this lifeboat reads version %d; build both together",
				errStream, l.Kind, l.Version, wireVersion)
		}
		first = false
		if err := each(l); err != nil {
			return err
		}
	}
	return sc.Err()
}

// result is what the stream of a business run said; the exit code only confirms it.
type result struct {
	verifier.FlowResult
	sample func(verifier.Sample) // nil: nobody asks
	clock  clock
	bootID string
}

func (r *result) add(l line) error {
	switch l.Kind {
	case "hello":
		r.clock.hello(l, r.bootID, record.Boottime)
	case "iter":
		r.clock.seen(l.End)
		switch {
		case l.Iter < 0:
			return nil
		case l.Cut:
			r.Cut++
			return nil
		}
		r.Iterations++
		if r.sample != nil {
			r.sample(l.sample(r.clock.at(l.Start), r.clock.at(l.End)))
		}
		if l.OK {
			took := time.Duration(l.End - l.Start)
			if r.Shortest == 0 || took < r.Shortest {
				r.Shortest = took
			}
			r.Longest = max(r.Longest, took)
			r.LongestRequest = max(r.LongestRequest, time.Duration(l.Longest))
		}
		switch {
		case l.OK && l.ChecksPassed > 0:
			r.Good++
		case l.OK:
			r.Unproven++
		case l.Error != "":
			r.Threw++
			r.fail(l.Error)
		}
	case "check":
		if !l.OK {
			r.fail(l.Name)
		}
	case "flow": // a failed statement is the script's to judge: it may try again
		if !l.OK {
			r.fail(strings.TrimSuffix(l.Name+": "+l.Error, ": "))
		}
	case "log":
		switch {
		case l.Source == "console": // what the script says is no word of k6's
			r.note(l.Message)
		case l.Level == "error":
			r.fail(l.Message)
		}
	case "asked":
		r.Addresses = append(r.Addresses, l.Address)
	case "end":
		r.end(l)
	}
	return nil
}

func (r *result) end(l line) {
	r.Complete = l.Totals.Lost == 0 && l.Totals.Iterations == r.Iterations
	r.ChecksPassed, r.ChecksFailed = l.Totals.ChecksPassed, l.Totals.ChecksFailed
	r.Error = l.Error
	switch {
	case l.Totals.Lost > 0:
		r.Error = fmt.Sprintf("%d records were lost", l.Totals.Lost)
	case !r.Complete:
		r.Error = fmt.Sprintf("%d iterations were seen of %d", r.Iterations, l.Totals.Iterations)
	}
	for _, t := range l.Thresholds {
		switch {
		case t.Failed:
			r.fail(t.Metric + ": " + t.Expr)
		case t.Unmeasured:
			r.Unmeasured = append(r.Unmeasured, t.Metric+": "+t.Expr)
		}
	}
	if l.Totals.Exceptions > 0 && len(r.Failed) == 0 {
		r.fail("an exception in the script")
	}
}

// mostFailed names kept of one run.
const mostFailed = 20

func (r *result) fail(name string) {
	if !slices.Contains(r.Failed, name) && len(r.Failed) < mostFailed {
		r.Failed = append(r.Failed, name)
	}
}

func (r *result) note(text string) {
	if !slices.Contains(r.Notes, text) && len(r.Notes) < mostFailed {
		r.Notes = append(r.Notes, text)
	}
}

// k6's exit codes that say that the script is at fault, and no stream contradicts.
var scriptExits = []int{100, 101, 102, 104, 107}

func (r *result) finish(exit int, stderr string) verifier.FlowResult {
	r.Exit = exit
	r.Script = slices.Contains(scriptExits, exit)
	if r.Error == "" && exit != 0 && !r.Complete {
		r.Error = stderr
	}
	if exit == 108 || exit == 110 {
		r.fail("the script's own verdict")
	}
	return r.FlowResult
}

// clock places the stream's offsets on the drill's base.
type clock struct {
	base   time.Time
	offset time.Duration // of the stream's zero, since the drill's base
	exact  bool
}

// hello places the zero exactly when the sidecar shares this host's boot clock,
// otherwise as the earliest that the arrivals allow.
func (c *clock) hello(l line, bootID string, boot func() int64) {
	if l.BootID != "" && l.BootID == bootID {
		now, since := boot(), time.Since(c.base)
		c.offset, c.exact = since-time.Duration(now-l.Boot), true
		return
	}
	c.offset = time.Since(c.base)
}

// seen tightens an estimated zero: a record cannot arrive before it was made.
func (c *clock) seen(at int64) {
	if c.exact {
		return
	}
	c.offset = min(c.offset, time.Since(c.base)-time.Duration(at))
}

func (c *clock) at(offset int64) time.Duration { return c.offset + time.Duration(offset) }

// Samples reads a kept stream of a pulse again. boottime is the header's
// BoottimeNS: the reading of the clock that the sidecar shared at the drill's base.
func Samples(r io.Reader, boottime int64, each func(verifier.Sample)) error {
	var zero time.Duration
	return scan(r, func(l line) error {
		switch {
		case l.Kind == "hello":
			zero = time.Duration(l.Boot - boottime)
		case l.Kind == "iter" && l.Iter >= 0 && !l.Cut && (!l.Setup || !l.OK): // a session that was made anew is no answer
			each(l.sample(zero+time.Duration(l.Start), zero+time.Duration(l.End)))
		}
		return nil
	})
}
