package service

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// portsKeys of the scenario.
type portsKeys struct {
	Instance string             `yaml:"on"`      // instance that boots from an image archive; needed
	Timeout  scenarios.Duration `yaml:"timeout"` // until the first of them takes a connection; default 30s
}

// ports asks those that an image exposes.
type ports struct {
	verifier.Asked
	keys portsKeys
}

// knocked is what came of asking them.
type knocked struct {
	TCP    []int          `json:"tcp"` // that the image exposes
	UDP    []int          `json:"udp,omitempty"`
	Opened []int          `json:"opened,omitempty"` // those that took a connection and kept it
	Why    map[int]string `json:"why,omitempty"`    // of the others
}

const (
	portsWithin  = 30 * time.Second
	portsAfter   = 5 * time.Second // for the others, once one has answered
	portPatience = 2 * time.Second // with one connection
)

func newPorts(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &ports{}, spec.Settings
	problems := s.Decode(&c.keys)
	if c.keys.Instance == "" {
		problems = append(problems, s.Problem("on", "name the instance, on: app", "%s asks an instance", s.Kind))
	}
	c.keys.Timeout = cmp.Or(c.keys.Timeout, scenarios.Duration(portsWithin))
	c.Asked = verifier.AskedOf(spec.Name, c.keys.Instance)
	return c, problems
}

// Limit implements verifier.Bounded.
func (c *ports) Limit() time.Duration { return c.keys.Timeout.Std() + portsAfter }

// Observe implements verifier.Check.
func (c *ports) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	says, err := verifier.Says(t, c.On())
	if err != nil {
		return nil, err
	}
	seen := knocked{TCP: says.TCP, UDP: says.UDP, Why: map[int]string{}}
	end := time.Now().Add(c.keys.Timeout.Std())
	for {
		for _, port := range says.TCP {
			if slices.Contains(seen.Opened, port) {
				continue
			}
			if err := c.knock(ctx, t, port, &seen); err != nil {
				return nil, err
			}
			if len(seen.Opened) == 1 {
				end = slices.MinFunc([]time.Time{end, time.Now().Add(portsAfter)}, time.Time.Compare)
			}
		}
		if len(seen.Opened) == len(says.TCP) || time.Now().After(end) {
			return verifier.Encode("ports", seen)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// knock asks one port once.
func (c *ports) knock(ctx context.Context, t verifier.Target, port int, seen *knocked) error {
	to := c.On() + ":" + strconv.Itoa(port)
	one := &tcp{Asked: c.Asked, keys: tcpKeys{To: to, Timeout: scenarios.Duration(portPatience)}}
	said, err := one.talk(ctx, t, port)
	if err != nil {
		return err
	}
	if a := one.judge(nil, said); a.Status != record.CheckPassed {
		seen.Why[port] = verifier.Line(said.Error, 200)
		return nil
	}
	seen.Opened = append(seen.Opened, port)
	delete(seen.Why, port)
	return nil
}

// Judge implements verifier.Check.
func (c *ports) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("ports", before, after, c.judge)
}

// judge: many an image exposes ports that it serves only where it is told to, so one that answers is enough, and the others are
// told beside it.
func (c *ports) judge(_ *knocked, now knocked) verifier.Answer {
	shut := slices.DeleteFunc(slices.Clone(now.TCP), func(p int) bool { return slices.Contains(now.Opened, p) })
	a := c.answer(now, shut)
	add := func(id string, list []int) {
		if len(list) > 0 {
			a.Beside = append(a.Beside, record.Observation{ID: id, Args: map[string]string{"instance": c.On(), "ports": listed(list)}})
		}
	}
	if a.Status == record.CheckPassed {
		add("image.shut", shut)
	}
	add("image.udp", now.UDP)
	return a
}

func (c *ports) answer(now knocked, shut []int) verifier.Answer {
	switch {
	case len(now.TCP) == 0:
		return verifier.Crashed("the image of %s exposes no TCP port, so none was asked; ask with tcp or http, or leave this check out", c.On())
	case len(shut) < len(now.TCP):
		return verifier.Passed("%s takes connections on %s, which its image exposes", c.On(), listed(now.Opened))
	case len(now.Why) == 0:
		return verifier.Crashed("nobody tried to connect to %s", c.On())
	}
	return verifier.Silent(c.keys.Timeout.Std(), "%s takes no connection on any port that its image exposes, within %s: %s", c.On(),
		c.keys.Timeout, c.why(now))
}

func (c *ports) why(now knocked) string {
	var all []string
	for _, p := range now.TCP {
		all = append(all, fmt.Sprintf("%d: %s", p, now.Why[p]))
	}
	return strings.Join(all, "; ")
}

func listed(numbers []int) string {
	var all []string
	for _, n := range numbers {
		all = append(all, strconv.Itoa(n))
	}
	return strings.Join(all, ", ")
}
