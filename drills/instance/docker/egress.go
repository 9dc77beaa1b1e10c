package docker

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
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
		b := s.box
		s.mu.Unlock()
		if b == nil {
			continue
		}
		groups, err := d.engine.attempts(ctx, b.id)
		if err != nil {
			return nil, fmt.Errorf("read what %s tried to reach: %w", s.name, err)
		}
		for _, g := range groups {
			all = append(all, record.EgressFact{Subject: record.Subject{Instance: s.name}, Egress: record.Egress{
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

// attempts reads a sandbox's output; the last line about a target holds.
func (e *Engine) attempts(ctx context.Context, box string) (map[[2]string]sandbox.Group, error) {
	logs, err := e.client.ContainerLogs(ctx, box, client.ContainerLogsOptions{ShowStdout: true})
	if err != nil {
		return nil, err
	}
	defer logs.Close()
	r, w := io.Pipe()
	defer r.Close()
	go func() {
		_, err := stdcopy.StdCopy(w, io.Discard, logs)
		w.CloseWithError(err)
	}()
	groups := map[[2]string]sandbox.Group{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l sandbox.Line
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			return nil, err
		}
		if l.Egress != nil {
			groups[[2]string{l.Egress.Protocol, l.Egress.Target}] = *l.Egress
		}
	}
	return groups, lines.Err()
}
