package record

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ticks are the clocks of an event, in seconds since the drill began; boot −1: the journal does not say.
type ticks struct{ counted, boot, wall float64 }

func TestJumps(t *testing.T) {
	t.Parallel()
	const hour = 3600
	for name, c := range map[string]struct {
		ticks []ticks
		jumps int
	}{
		"they agree":                          {[]ticks{{1, 1, 1}, {hour, hour, hour}}, 0},
		"the host slept":                      {[]ticks{{1, 1, 1}, {2, 10802, 10802}, {3, 10803, 10803}}, 1},
		"it slept for 2.1 s":                  {[]ticks{{1, 1, 1}, {2, 4.1, 4.1}}, 1},
		"the wall clock was set":              {[]ticks{{1, 1, 1}, {2, 2, 7202}}, 1},
		"it was set back":                     {[]ticks{{1, 1, 1}, {2, 2, -300}}, 1},
		"set back by as much as it had slept": {[]ticks{{1, 1, 1}, {2, 302, 2}}, 1},
		"a leap second":                       {[]ticks{{1, 1, 1}, {2, 2, 1}}, 0},
		"slewed over two hours":               {[]ticks{{1, 1, 1}, {2 * hour, 2 * hour, 2*hour + 3.5}}, 0},
		"more than slewing explains":          {[]ticks{{1, 1, 1}, {2 * hour, 2 * hour, 2*hour + 3.7}}, 1},
		"three seconds at once, late in a long drill": {[]ticks{{1, 1, 1}, {2 * hour, 2 * hour, 2 * hour},
			{2*hour + 1, 2*hour + 1, 2*hour + 4}}, 1},
		"many short sleeps":                   {[]ticks{{1, 1, 1}, {2, 3.5, 3.5}, {3, 6, 6}, {4, 8.5, 8.5}}, 1},
		"an old journal":                      {[]ticks{{1, -1, 1}, {hour, -1, hour}}, 0},
		"an old journal of a host that slept": {[]ticks{{1, -1, 1}, {2, -1, 10802}}, 1},
		"boot time is known in the middle":    {[]ticks{{1, -1, 1}, {2, 2, 2}, {3, 3, 3}}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			j := begin(t, Header{})
			start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
			j.events[0].Wall, j.events[0].BootNS = start, int64(secs(1000))
			for _, k := range c.ticks {
				j.add(k.counted, KindNote, Subject{}, Note{})
				e := &j.events[len(j.events)-1]
				if e.Wall = start.Add(secs(k.wall)); k.boot >= 0 {
					e.BootNS = int64(secs(1000 + k.boot))
				}
			}
			assert.Len(t, j.build().Jumps, c.jumps)
			for i := 1; i < len(j.events); i++ { // the reaper counts in its own way, and witnesses nothing
				j.events[i].Actor = ActorReaper
			}
			assert.Empty(t, j.build().Jumps)
		})
	}
}

// A journal writes the clocks that it is given, and the reaper goes on by those of the same boot only.
func TestTheJournalWritesItsClocks(t *testing.T) {
	t.Parallel()
	j, path := create(t)
	require.NoError(t, j.Append(KindNote, Subject{}, Note{}))
	require.NoError(t, j.Close())
	r, err := Reopen(path, ActorReaper) // its header names no boot
	require.NoError(t, err)
	require.NoError(t, r.Append(KindNote, Subject{}, Note{}))
	require.NoError(t, r.Close())
	events, err := readFile(t, path)
	require.NoError(t, err)
	assert.InDelta(t, Boottime(), events[1].BootNS, float64(time.Minute))
	assert.Zero(t, events[2].BootNS)
	rec, err := Build(events)
	require.NoError(t, err)
	assert.Empty(t, rec.Jumps)
}
