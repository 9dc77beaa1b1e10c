package drills

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

func TestShortOfSpace(t *testing.T) {
	for name, tc := range map[string]struct {
		space Space
		keep  scenarios.Size
		want  string
	}{
		"half full":           {space: Space{Free: 50 << 30, Size: 100 << 30}},
		"under a GiB":         {space: Space{Free: 1<<30 - 1, Size: 100 << 30}, want: "1023 MiB left, less than the 1024 MiB"},
		"small, with room":    {space: Space{Free: 10 << 20, Size: 100 << 20}},
		"small, without":      {space: Space{Free: 4 << 20, Size: 100 << 20}, want: "4 MiB left, less than the 5 MiB"},
		"as the scenario has": {space: Space{Free: 50 << 30, Size: 100 << 30}, keep: 60 << 30, want: "less than the 61440 MiB"},
		"no more files":       {space: Space{Free: 50 << 30, Size: 100 << 30, Files: 10, Most: 1 << 20}, want: "10 more files"},
		"few files at all":    {space: Space{Free: 50 << 30, Size: 100 << 30, Files: 90, Most: 100}},
	} {
		tc.space.Path = "/var/lib/docker"
		if got := tc.space.short(tc.keep); tc.want == "" {
			assert.Empty(t, got, name)
		} else {
			assert.Contains(t, got, tc.want, name)
		}
	}
}

// A restored system that fills the host ends its drill: in words, cleaned up, and neither passed nor failed.
func TestDrillEndsBeforeTheHostIsFull(t *testing.T) {
	for name, from := range map[string]time.Duration{"while it restores": time.Second, "while it is observed": 20 * time.Second} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			asked := 0
			w.change = func(k *Kit) {
				k.Space = func(context.Context) ([]Space, error) {
					if asked++; asked == 2 { // the first is the plan's
						return nil, errors.New("the engine does not answer")
					}
					full := Space{Path: "/var/lib/docker", Free: 2 << 30, Size: 100 << 30}
					if asked > int(from/spaceEvery) {
						full.Free = 1 << 20
					}
					return []Space{{Path: "/home", Free: 1 << 40, Size: 1 << 40}, full}, nil
				}
			}
			res := w.run(simple)
			assert.Equal(t, record.StatusInconclusive, res.Verdict.Status)
			assert.Nil(t, res.Record.Abort, "nobody wanted it")
			require.NotEmpty(t, res.Record.Harness)
			assert.Contains(t, res.Record.Harness[0].Error, "the disk of /var/lib/docker has 1 MiB left")
			assert.NotNil(t, res.Record.Cleanup.T8, "it is cleaned up")
			assert.Empty(t, w.driver.Left())
			assert.Contains(t, reasons(res.Verdict), "harness.broke")
		})
	}
}

// A host that has too little from the start is refused: nothing is begun.
func TestNoSpaceFromTheStart(t *testing.T) {
	w := newWorld(t)
	k := w.kit()
	k.Space = func(context.Context) ([]Space, error) {
		return []Space{{Path: "/var/lib/docker", Free: 1 << 20, Size: 1 << 40}}, nil
	}
	s := &scenarios.Scenario{}
	p := &Plan{Scenario: s}
	p.lookForSpace(t.Context(), k)
	require.Len(t, p.Refusals, 1)
	assert.True(t, strings.HasPrefix(p.Refusals[0], "the disk of /var/lib/docker has 1 MiB left"), p.Refusals[0])
}
