package basebackup

import (
	"context"
	"fmt"
	"io"
	"path"
	"slices"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/drills/restore/dump"
	"lifeboat/scenarios"
)

var _ restore.Reader = (*Archive)(nil)

// Archive is the loader of an archive of WAL: it is restored with a base backup, and only read alone.
type Archive struct{}

// NewArchive makes the loader of its settings, of which there are none.
func NewArchive(s scenarios.Settings) (*Archive, []scenarios.Problem) {
	if problems := s.Decode(&struct{}{}); len(problems) > 0 {
		return nil, problems
	}
	return &Archive{}, nil
}

// Prepare changes nothing.
func (*Archive) Prepare(*instance.Request) error { return nil }

// Ready is at once.
func (*Archive) Ready(context.Context, instance.Machine) error { return nil }

// Load is refused: WAL alone is no system.
func (*Archive) Load(_ context.Context, s restore.Source, _ instance.Machine) (restore.Outcome, error) {
	return restore.Outcome{}, &restore.LackError{Backup: s.Backup, Lack: record.LackBase, What: "an archive of WAL is no system by itself"}
}

// Read verifies that the segments of each timeline lie behind each other, are of one cluster and whole at their beginnings.
func (*Archive) Read(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	all := &logs{segments: newSegments()}
	digest, n, err := through(ctx, s, all)
	if err == nil {
		err = all.consistent()
	}
	if err != nil {
		return restore.Outcome{}, dump.Classify(s.Backup, err)
	}
	return restore.Outcome{Digest: digest, Bytes: n}, nil
}

// logs takes the files of an archive of WAL; others in its folders are passed over.
type logs struct {
	*segments
	place placing
}

func (l *logs) folder(string) error { return nil }

func (l *logs) link(name, target string) error {
	if logName(path.Base(name)) {
		return damage("%s is a link to %s, and what lies there is not in the archive", name, target)
	}
	return nil
}

func (l *logs) log(name string, r io.Reader) error { return l.take(name, r, l.place) }

func (l *logs) file(name string, _ int64, r io.Reader) error {
	if logName(path.Base(name)) { // of a folder that is called pg_wal
		return l.take(path.Base(name), r, l.place)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		if dump.Harness(err) {
			return err
		}
		return damage("%s cannot be read to its end: %v", name, err)
	}
	return nil
}

// consistent judges an archive by itself.
func (l *logs) consistent() error {
	if len(l.all) == 0 {
		return damage("%v", errNone)
	}
	if l.size == 0 {
		return damage("no segment in it begins as one: %s", few(keys(l.all)))
	}
	var first *pgdata.Header
	byTimeline := map[uint32][]uint64{}
	for _, name := range keys(l.all) {
		s := l.all[name]
		seg, ok := pgdata.ParseSegment(name, l.size)
		if !ok {
			return damage("%s is no name of a segment of %d bytes", name, l.size)
		}
		if first == nil && s.whole {
			first = &s.header
		}
		if first == nil {
			return damage("WAL segment %s does not begin as one: it is damaged, or another file", name)
		}
		g := &ground{control: &pgdata.Control{System: first.System}, version: fmt.Sprint(first.Major())}
		if err := g.fits(seg, s, l.size, pgdata.History{{Timeline: s.header.Timeline}}); err != nil {
			return err
		}
		byTimeline[seg.Timeline] = append(byTimeline[seg.Timeline], seg.Number)
	}
	var newest uint64 // that a backup begins with: what lies before it is kept for older ones
	for _, b := range l.backups {
		newest = max(newest, pgdata.SegmentAt(b.Timeline, b.Start, l.size).Number)
	}
	for timeline, numbers := range byTimeline {
		slices.Sort(numbers)
		for i := 1; i < len(numbers); i++ {
			if numbers[i] != numbers[i-1]+1 && numbers[i] > newest {
				return damage("WAL segment %s is missing, and %d later ones of its timeline lie there",
					pgdata.Segment{Timeline: timeline, Number: numbers[i-1] + 1}.Name(l.size), len(numbers)-i)
			}
		}
	}
	return nil
}
