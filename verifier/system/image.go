package system

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// imageKeys of the scenario.
type imageKeys struct {
	Instance string             `yaml:"on"`  // instance that boots from an image archive; needed
	For      scenarios.Duration `yaml:"for"` // how long it is watched; default 10s
}

// image asks whether what an image archive says of itself is there and stays up.
type image struct {
	verifier.Asked
	keys imageKeys
}

type watched struct {
	Says    instance.ImageFacts `json:"says"`
	Looks   int                 `json:"looks"`           // at the machine, in which it ran
	Ended   string              `json:"ended,omitempty"` // how it ended; "": it still runs
	Watched time.Duration       `json:"watched_ns"`
}

const watchFor = 10 * time.Second

func newImage(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &image{}, spec.Settings
	problems := s.Decode(&c.keys)
	if c.keys.Instance == "" {
		problems = append(problems, noInstance(s))
	}
	c.keys.For = cmp.Or(c.keys.For, scenarios.Duration(watchFor))
	c.Asked = verifier.AskedOf(spec.Name, c.keys.Instance)
	return c, problems
}

// Limit implements verifier.Bounded.
func (c *image) Limit() time.Duration { return c.keys.For.Std() }

// Observe implements verifier.Check.
func (c *image) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	says, err := verifier.Says(t, c.On())
	if err != nil {
		return nil, err
	}
	of, ok := t.(verifier.Standing)
	if !ok {
		return nil, fmt.Errorf("look at %s: nobody tells whether it runs", c.On())
	}
	seen := watched{Says: *says}
	for began := time.Now(); ; {
		state, err := of.Stands(ctx, c.On())
		seen.Watched = time.Since(began)
		switch {
		case errors.Is(err, verifier.ErrDown):
			seen.Ended = err.Error()
		case err != nil:
			return nil, fmt.Errorf("look at %s: %w", c.On(), err)
		case !state.Running:
			seen.Ended = state.Ended()
		default:
			seen.Looks++
		}
		if seen.Ended != "" || seen.Watched >= c.keys.For.Std() {
			return verifier.Encode("image", seen)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// Judge implements verifier.Check.
func (c *image) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("image", before, after, c.judge)
}

func (c *image) judge(_ *watched, now watched) verifier.Answer {
	a := c.answer(now)
	add := func(id string, args map[string]string) {
		args["instance"] = c.On()
		a.Beside = append(a.Beside, record.Observation{ID: id, Args: args})
	}
	s := now.Says
	add("unlooked.image", map[string]string{"answers": "answers", "files": "files"})
	if s.NoDir {
		add("image.no_dir", map[string]string{"dir": s.Dir})
	}
	if s.NoUsers {
		add("image.no_users", map[string]string{})
	}
	if len(s.Named) > 0 {
		add("image.named", map[string]string{"names": strings.Join(s.Named, ", ")})
	}
	if s.Unlooked {
		add("image.unlooked", map[string]string{})
	}
	return a
}

func (c *image) answer(now watched) verifier.Answer {
	s := now.Says
	command := verifier.Line(strings.Join(slices.Concat(s.Entrypoint, s.Cmd), " "), 100)
	switch {
	case now.Ended != "":
		return verifier.Failed("%s does not stay up: it %s", c.On(), now.Ended)
	case now.Looks < 1:
		return verifier.Crashed("nobody looked whether %s runs", c.On())
	case s.LostDir:
		return verifier.Failed("the working folder %s of %s is in no layer, though the image's history says that one made it", s.Dir, c.On())
	case command == "":
		return verifier.Passed("%s stayed up for %s", c.On(), scenarios.Duration(now.Watched.Round(time.Second)))
	}
	return verifier.Passed("%s runs %q and stayed up for %s", c.On(), command, scenarios.Duration(now.Watched.Round(time.Second)))
}
