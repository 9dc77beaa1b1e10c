package basebackup

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgdata"
)

// chain is the WAL that recovery will read: segment behind segment from the backup's beginning.
type chain struct {
	timeline uint32 // that recovery ends on
	first    pgdata.Segment
	last     pgdata.Segment
	archived bool   // the last one comes from an archive, and so is complete
	gap      string // the first segment that is missing, where later ones lie there; "": none is
	beyond   int    // how many lie behind the gap
}

// origin is where the WAL of a backup comes from: the archive goes first, as the server takes it.
type origin struct {
	inside   *segments
	archives []*segments // beside the data folder, and the scenario's
	size     int64
}

// any tells whether there is any WAL at all.
func (o *origin) any() bool {
	return len(o.inside.all) > 0 || slices.ContainsFunc(o.archives, func(a *segments) bool { return len(a.all) > 0 })
}

func (o *origin) segment(name string) (s segment, archived, ok bool) {
	for _, a := range o.archives {
		if s, ok = a.all[name]; ok {
			return s, true, true
		}
	}
	s, ok = o.inside.all[name]
	return s, false, ok
}

func (o *origin) histories() map[uint32]string {
	all := map[uint32]string{}
	for _, a := range o.archives {
		maps.Copy(all, a.histories)
	}
	return all
}

// begins is where the WAL of a backup begins.
func (g *ground) begins() (timeline uint32, at pgdata.LSN) {
	if g.label != nil {
		return g.label.Timeline, g.label.Start
	}
	return g.control.Timeline, g.control.Redo
}

// follow finds the WAL that recovery will read, and names what keeps it from being read.
func (l *Loader) follow(g *ground, o *origin, end pgdata.LSN) (*chain, error) {
	timeline, start := g.begins()
	history, err := l.history(o, timeline, max(start, end))
	if err != nil {
		return nil, err
	}
	c := &chain{timeline: history[len(history)-1].Timeline, first: pgdata.SegmentAt(timeline, start, o.size)}
	needed := pgdata.SegmentAt(timeline, max(start, end), o.size).Number
	if end > start && uint64(end)%uint64(o.size) == 0 { // it ends with the one before
		needed--
	}
	number := c.first.Number
	for ; ; number++ {
		seg := pgdata.Segment{Timeline: history.During(number, o.size), Number: number}
		s, archived, ok := o.segment(seg.Name(o.size))
		if !ok || !archived && recycled(s, seg, o.size) {
			break
		}
		if err := g.fits(seg, s, o.size, history); err != nil {
			return nil, err
		}
		c.last, c.archived = seg, archived
	}
	missing := pgdata.Segment{Timeline: history.During(number, o.size), Number: number}
	if number <= needed {
		err := damage("WAL segment %s is missing: the backup needs all from %s to %s, and cannot be made consistent without it",
			missing.Name(o.size), c.first.Name(o.size), pgdata.Segment{Timeline: timeline, Number: needed}.Name(o.size))
		if l.set.WAL == "" && l.set.Repository == "" && !o.any() { // pg_basebackup -X none leaves all of it to the archive, which a repository holds
			return nil, &restore.LackError{Lack: record.LackWAL, What: err.Error()}
		}
		return nil, err
	}
	for _, a := range o.archives {
		for name := range a.all {
			if seg, ok := pgdata.ParseSegment(name, o.size); ok && seg.Number > number && seg.Timeline == history.During(seg.Number, o.size) {
				c.beyond++
			}
		}
	}
	if c.beyond > 0 {
		c.gap = missing.Name(o.size)
	}
	if c.gap != "" && l.set.Recover.latest() {
		return nil, damage("WAL segment %s is missing, and %d later ones lie there: recovery ends before it", c.gap, c.beyond)
	}
	return c, nil
}

// recycled tells a segment that a server has prepared for later under its new name: it holds what it held before.
func recycled(s segment, as pgdata.Segment, size int64) bool {
	return !s.whole || s.header.At < as.Start(size)
}

// fits tells what is wrong with a segment that recovery will read.
func (g *ground) fits(seg pgdata.Segment, s segment, size int64, history pgdata.History) error {
	name, h := seg.Name(size), s.header
	switch {
	case s.size < size:
		return damage("WAL segment %s is cut off: it has %d bytes of %d", name, s.size, size)
	case s.size > size:
		return damage("WAL segment %s has %d bytes, and not %d", name, s.size, size)
	case !s.whole:
		return damage("WAL segment %s does not begin as one: it is damaged, or another file", name)
	case h.System != g.control.System:
		return damage("WAL segment %s is of another cluster: its system identifier is %d, and the backup's is %d", name, h.System,
			g.control.System)
	case h.At != seg.Start(size):
		return damage("WAL segment %s holds what belongs at %s, and not at %s: it lies under the name of another", name, h.At,
			seg.Start(size))
	case h.Size != size:
		return damage("WAL segment %s is of a cluster with segments of %d bytes, and the backup's has %d", name, h.Size, size)
	case h.Major() != 0 && strconv.Itoa(h.Major()) != g.version:
		return damage("WAL segment %s was written by PostgreSQL %d, and the backup is of %s", name, h.Major(), g.version)
	case h.Timeline != seg.Timeline && !(h.Timeline < seg.Timeline && history.Holds(h.Timeline, seg.Start(size))):
		return damage("WAL segment %s was written on timeline %d, and not on %d: it lies under the name of another", name, h.Timeline,
			seg.Timeline)
	}
	return nil
}

// history of the timeline that recovery ends on.
func (l *Loader) history(o *origin, timeline uint32, at pgdata.LSN) (pgdata.History, error) {
	own := pgdata.History{{Timeline: timeline}}
	texts := o.histories()
	if text, ok := texts[timeline]; ok {
		h, err := pgdata.ReadHistory(timeline, text)
		if err != nil {
			return nil, damage("%08X.history cannot be used: %v", timeline, err)
		}
		own = h
	}
	if want := l.set.Recover.Timeline; want != latest {
		n, err := strconv.ParseUint(want, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("read timeline %s: %w", want, err)
		}
		if uint32(n) == timeline {
			return own, nil
		}
		h, err := stems(texts, uint32(n), timeline, at)
		if err == nil && h == nil {
			err = &restore.LackError{Lack: record.LackTimeline, What: fmt.Sprintf("timeline %d does not stem from the backup, which is on "+
				"timeline %d and ends at %s", n, timeline, at)}
		}
		return h, err
	}
	for _, of := range slices.Backward(slices.Sorted(maps.Keys(texts))) {
		if of <= timeline {
			break
		}
		h, err := stems(texts, of, timeline, at)
		if err != nil || h != nil {
			return h, err
		}
	}
	return own, o.orphans(timeline, texts)
}

// stems gives the history of a timeline that stems from a backup; nil: it does not.
func stems(texts map[uint32]string, of, from uint32, at pgdata.LSN) (pgdata.History, error) {
	text, ok := texts[of]
	if !ok {
		return nil, damage("%08X.history is missing, without which nobody can follow timeline %d", of, of)
	}
	h, err := pgdata.ReadHistory(of, text)
	if err != nil {
		return nil, damage("%08X.history cannot be used: %v", of, err)
	}
	if !h.Holds(from, at) {
		return nil, nil
	}
	return h, nil
}

// orphans finds a later timeline of which segments lie in an archive, and no history.
func (o *origin) orphans(timeline uint32, texts map[uint32]string) error {
	for _, a := range o.archives {
		for name := range a.all {
			seg, ok := pgdata.ParseSegment(name, o.size)
			if _, has := texts[seg.Timeline]; ok && seg.Timeline > timeline && !has {
				return damage("%08X.history is missing, though segments of timeline %d lie there (%s): recovery would not follow it",
					seg.Timeline, seg.Timeline, name)
			}
		}
	}
	return nil
}
