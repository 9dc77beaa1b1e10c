package objective

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// short is a journal of few lines: what breaks it is what counts.
func short() *story {
	s := &story{h: record.Header{Version: record.Version, Drill: "d", Number: 1, Trigger: record.TriggerNone, Started: start,
		Checks: []record.CheckPlan{{Name: "rows", Layer: record.LayerData}}}}
	s.add(sec, record.KindNote, record.Subject{}, record.Note{Text: "one"})
	s.add(2*sec, record.KindNote, record.Subject{}, record.Note{Text: "two"})
	s.checksAt(3*sec, record.Once, 0)
	return s.add(4*sec, record.KindSealed, record.Subject{}, record.Sealed{Status: record.RunCompleted})
}

// damagedJournals are broken chains, torn, doubled and foreign lines.
func damagedJournals(t testing.TB) map[string][]byte {
	whole := chained(t, short().events(t))
	lines := bytes.SplitAfter(bytes.TrimSuffix(whole, []byte{'\n'}), []byte{'\n'})
	lines[len(lines)-1] = append(bytes.Clone(lines[len(lines)-1]), '\n')
	join := func(l ...[]byte) []byte { return bytes.Join(l, nil) }
	change := func(old, new string) []byte {
		require.Contains(t, string(whole), old)
		return []byte(strings.Replace(string(whole), old, new, 1))
	}
	of := func(s *story) []byte { return chained(t, s.events(t)) }
	all := map[string][]byte{
		"journal-short":                of(short()),
		"journal-a-word-changed":       change(`"one"`, `"1"`),
		"journal-the-header-changed":   change(`"number":1`, `"number":2`),
		"journal-a-space-added":        change(`"seq":2,`, `"seq":2, `),
		"journal-a-line-taken-out":     join(lines[0], lines[1], lines[3], lines[4]),
		"journal-two-lines-exchanged":  join(lines[0], lines[2], lines[1], lines[3], lines[4]),
		"journal-a-line-doubled":       join(lines[0], lines[1], lines[1], lines[2], lines[3], lines[4]),
		"journal-a-foreign-line":       join(lines[0], []byte("hello\n"), lines[1], lines[2], lines[3], lines[4]),
		"journal-an-empty-line":        join(lines[0], []byte("\n"), lines[1], lines[2], lines[3], lines[4]),
		"journal-a-line-in-front":      join([]byte("{}\n"), whole),
		"journal-the-beginning-cut":    join(lines[1:]...),
		"journal-empty":                {},
		"journal-torn-in-the-seal":     whole[:len(whole)-9],
		"journal-torn-at-its-newline":  whole[:len(whole)-1],
		"journal-torn-and-ended":       append(bytes.Clone(whole[:len(whole)-9]), '\n'),
		"journal-torn-and-closed":      closed(t, whole, lines[4][:20]),
		"journal-torn-closed-wrongly":  bytes.Replace(closed(t, whole, lines[4][:20]), lines[4][:20], lines[4][:19], 1),
		"journal-torn-header":          lines[0][:40],
		"journal-of-an-unknown-kind":   of(short().add(2*sec, "tomorrow", record.Subject{}, map[string]int{"x": 1})),
		"journal-opened-twice":         of(short().add(2*sec, record.KindOpened, record.Subject{}, short().h)),
		"journal-after-the-seal":       of(short().add(5*sec, record.KindNote, record.Subject{}, record.Note{Text: "late"})),
		"journal-of-the-wrong-version": of(func() *story { s := short(); s.h.Version = 2; return s }()),
		"journal-data-of-another-type": of(short().add(2*sec, record.KindNote, record.Subject{}, map[string]int{"text": 1})),
		"journal-reaper-after-the-seal": of(func() *story {
			s := short()
			s.lines = append(s.lines, line{time.Minute, record.ActorReaper, record.KindNote, record.Subject{}, 1},
				line{time.Minute, record.ActorReaper, record.KindCleanup, record.Subject{}, record.CleanupEvent{State: record.CleanupProved}})
			return s
		}()),
	}
	back := short().events(t)
	back[2].Elapsed = 0
	all["journal-back-in-time"] = chained(t, back)
	gap := short().events(t)
	for i := range gap[3:] {
		gap[3+i].Seq++
	}
	all["journal-a-number-missing"] = chained(t, gap)
	asleep := good("fault").events(t) // the host slept for an hour in the incident
	for i, e := range asleep {
		asleep[i].BootNS = int64(1000*sec + e.Elapsed)
		if e.Elapsed > 100*sec {
			asleep[i].Wall, asleep[i].BootNS = e.Wall.Add(time.Hour), asleep[i].BootNS+int64(time.Hour)
		}
	}
	all["clocks-the-host-slept"] = chained(t, asleep)
	slow := good("fault").events(t) // many small steps of the wall clock add up
	for i, e := range slow {
		slow[i].Wall = e.Wall.Add(time.Duration(float64(e.Elapsed) * 0.02))
	}
	all["clocks-that-drift"] = chained(t, slow)
	late := good("fault").events(t) // in the clean-up
	for i, e := range late {
		if e.Elapsed > 181*sec {
			late[i].Wall = e.Wall.Add(time.Hour)
		}
	}
	all["clocks-set-in-the-clean-up"] = chained(t, late)
	return all
}

// closed has the last line torn, and closed by the reaper.
func closed(t testing.TB, good, rest []byte) []byte {
	kept := good[:bytes.LastIndexByte(good[:len(good)-1], '\n')+1]
	last := kept[bytes.LastIndexByte(kept[:len(kept)-1], '\n')+1:]
	sum, tail := sha256.Sum256(last), sha256.Sum256(rest)
	data, err := json.Marshal(record.Torn{Bytes: len(rest), Digest: hex.EncodeToString(tail[:])})
	require.NoError(t, err)
	e := record.Event{Seq: 5, Elapsed: 5 * sec, Wall: start.Add(5 * sec), Actor: record.ActorReaper, Kind: record.KindTorn,
		Data: data, Prev: hex.EncodeToString(sum[:])}
	line, err := json.Marshal(e)
	require.NoError(t, err)
	return fmt.Appendf(nil, "%s%s\n%s\n", kept, rest, line)
}
