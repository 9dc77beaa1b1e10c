package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/moby/moby/api/pkg/stdcopy"
	"github.com/moby/moby/client"

	"lifeboat/drills/record"
	"lifeboat/internal/sandbox"
)

// Egress implements instance.EgressReporter: every attempt to get out so far,
// grouped by instance, protocol and target, in the order of first attempts.
func (d *Driver) Egress(ctx context.Context) ([]record.EgressFact, error) {
	d.mu.Lock()
	slots := slices.Collect(maps.Values(d.slots))
	d.mu.Unlock()
	var all []record.EgressFact
	for _, s := range slots {
		s.mu.Lock()
		b, wanted := s.sandbox, s.wanted
		s.mu.Unlock()
		if b == nil || !wanted { // nothing of what was restored ran in it
			continue
		}
		said, err := d.engine.said(ctx, b.id)
		if err != nil {
			return nil, fmt.Errorf("read what %s tried to reach: %w", s.name, err)
		}
		for _, g := range said.groups {
			all = append(all, record.EgressFact{Subject: record.Subject{Instance: s.title()}, Egress: record.Egress{
				Protocol: g.Protocol, Target: g.Target, Host: g.Host, Count: g.Count,
				First: b.ready + g.First, Last: b.ready + g.Last}})
		}
	}
	slices.SortFunc(all, func(a, b record.EgressFact) int {
		if c := int64(a.First - b.First); c != 0 {
			return int(max(-1, min(1, c)))
		}
		return strings.Compare(a.Target, b.Target)
	})
	return all, nil
}

// output is what a sandbox said since it was sealed.
type output struct {
	groups     map[[2]string]sandbox.Group // attempts to get out; the last line about a target holds
	reached    map[sandbox.Reached]sandbox.Reached
	unmeasured string // why it does not say whom it reached; "" when it does
}

// said reads a sandbox's output.
func (e *Engine) said(ctx context.Context, sandboxID string) (*output, error) {
	said := &output{groups: map[[2]string]sandbox.Group{}, reached: map[sandbox.Reached]sandbox.Reached{}}
	for l, err := range e.lines(ctx, sandboxID, false) {
		switch {
		case err != nil:
			return nil, err
		case l.Egress != nil:
			said.groups[[2]string{l.Egress.Protocol, l.Egress.Target}] = *l.Egress
		case l.Reach != nil:
			said.reached[sandbox.Reached{Protocol: l.Reach.Protocol, Service: l.Reach.Service}] = *l.Reach
		case l.Event == "unmeasured":
			said.unmeasured = l.Error
		}
	}
	return said, nil
}

// lines that a sandbox said so far, and follow: those that it says until it ends.
func (e *Engine) lines(ctx context.Context, sandboxID string, follow bool) iter.Seq2[sandbox.Line, error] {
	return func(yield func(sandbox.Line, error) bool) {
		logs, err := e.client.ContainerLogs(ctx, sandboxID, client.ContainerLogsOptions{ShowStdout: true, Follow: follow})
		if err != nil {
			yield(sandbox.Line{}, err)
			return
		}
		defer logs.Close()
		r, w := io.Pipe()
		defer r.Close()
		go func() {
			_, err := stdcopy.StdCopy(w, io.Discard, logs)
			w.CloseWithError(err)
		}()
		in := bufio.NewScanner(r)
		in.Buffer(nil, 1<<20)
		for in.Scan() {
			var l sandbox.Line
			err := json.Unmarshal(in.Bytes(), &l)
			if err != nil {
				err = fmt.Errorf("read the sandbox's output: %w", err)
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
		if in.Err() != nil {
			yield(sandbox.Line{}, in.Err())
		}
	}
}
