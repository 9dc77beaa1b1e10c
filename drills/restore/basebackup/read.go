package basebackup

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/drills/restore/dump"
)

var (
	_ restore.Reader = (*Loader)(nil)
	_ restore.Looker = (*Loader)(nil)
)

// through reads a backup to its end, and has the taker see what is in it.
func through(ctx context.Context, s restore.Source, to taker) (digest string, n int64, err error) {
	return dump.Through(ctx, s, func(in *dump.Input) error { return walked(s, in, to) })
}

func walked(s restore.Source, in *dump.Input, to taker) error {
	if !s.Point.Dir {
		if err := detected(in); err != nil {
			return err
		}
	}
	w := &walker{to: to}
	if err := w.outer(in); err != nil {
		return err
	}
	return dump.Drained(in)
}

// detected takes compression off and says what is there in the place of a base backup.
func detected(in *dump.Input) error {
	_, found, err := in.Detect()
	switch {
	case err != nil:
		return err
	case found.In("tar", "basebackup"):
		return nil
	case found.Kind.Name == "":
		return damage("it is no base backup: neither a tar of a data folder nor of what pg_basebackup writes")
	}
	return &restore.KindError{Found: found}
}

// Look tells by the first bytes what is there instead of a base backup.
func (l *Loader) Look(ctx context.Context, s restore.Source) error {
	if s.Point.Dir {
		return nil
	}
	return dump.Look(ctx, s, detected)
}

// Read verifies what shows without a server: every file and page, and the WAL that lies in the backup itself.
func (l *Loader) Read(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	b := &backup{Loader: l, source: s}
	out, err := b.read(ctx, nil)
	if err != nil {
		return restore.Outcome{Made: out.Made}, dump.Classify(s.Backup, err)
	}
	return out, nil
}

// backup is one base backup as it is read, and perhaps restored.
type backup struct {
	*Loader
	restore.Told
	source   restore.Source
	contents *contents
	ground   *ground
	chain    *chain
	chosen   *chosen // of a repository
}

// read goes through the backup and its archive, and judges both. What is put is put on the way.
func (b *backup) read(ctx context.Context, put *putting) (restore.Outcome, error) {
	c := newContents(put)
	b.contents = c
	digest, n, err := b.through(ctx, c)
	out := restore.Outcome{Digest: digest, Bytes: n, Made: b.madeAt()}
	if err != nil {
		return out, err
	}
	if b.ground, err = b.judge(c); err != nil {
		return out, err
	}
	if err := b.early(); err != nil {
		return out, err
	}
	if err := b.rarer(ctx); err != nil {
		return out, err
	}
	o := &origin{inside: c.wal, archives: []*segments{c.archived}, size: b.ground.control.Segment}
	if b.source.Beside != nil && b.set.WAL != "" {
		beside, archive, err := b.archive(ctx, put, o.size)
		if err != nil {
			return out, err
		}
		out.Beside = map[string]restore.Outcome{b.set.WAL: beside}
		o.archives = append(o.archives, archive)
		c.archived.backups = append(c.archived.backups, archive.backups...)
	}
	if b.replays() && (b.set.WAL == "" || b.source.Beside != nil) {
		b.chain, err = b.follow(b.ground, o, c.end(b.label()))
	}
	b.tell()
	out.Told = b.Told
	return out, err
}

// replays tells whether WAL is replayed: the files of a server that was shut down need none.
func (b *backup) replays() bool { return !b.ground.clean || b.set.WAL != "" }

func (b *backup) label() *pgdata.Label {
	if b.ground.label == nil {
		return &pgdata.Label{}
	}
	return b.ground.label
}

// madeAt is when the backup was begun, as it says itself: nothing that was committed before is missing in it.
func (b *backup) madeAt() string {
	label, err := pgdata.ReadLabel(b.contents.texts[pgdata.LabelName])
	if err != nil {
		return ""
	}
	return label.Started
}

// early refuses a time before the backup's own beginning: what was committed between them lies in its files already.
func (b *backup) early() error {
	t, began := b.set.Recover.Time, utc(b.label().Started)
	if b.ground.clean {
		began = b.ground.control.Written
	}
	if t == nil || !t.Before(began) {
		return nil
	}
	return &restore.LackError{Lack: record.LackEarly, What: fmt.Sprintf("it was begun at %s, and recovery should go back to %s",
		began.Format(time.RFC3339), t.UTC().Format(time.RFC3339))}
}

// rarer reads once more those files whose checksums are by an algorithm that was not known when they were read.
func (b *backup) rarer(ctx context.Context) error {
	c := b.contents
	if c.manifest == nil {
		return nil
	}
	again := false
	for name, want := range c.manifest.Files {
		if want.Algorithm != "" && !pgdata.Unlisted(name) && c.files[name].sums[want.Algorithm] == "" {
			again = true
		}
	}
	if !again {
		return nil
	}
	second := newContents(nil)
	second.manifest = c.manifest
	if _, _, err := b.through(ctx, second); err != nil {
		return err
	}
	return second.held()
}

// archive reads the archive of WAL that the scenario names.
func (b *backup) archive(ctx context.Context, put *putting, size int64) (restore.Outcome, *segments, error) {
	name := b.set.WAL
	s, err := b.source.Beside(name)
	if err != nil {
		return restore.Outcome{}, nil, fmt.Errorf("read %s for its WAL: %w", name, err)
	}
	timeline, start := b.ground.begins()
	if put != nil { // nothing from before the backup is replayed
		first := pgdata.SegmentAt(timeline, start, size).Number
		put.want = func(name string) bool {
			seg, ok := pgdata.ParseSegment(name, size)
			return !ok || seg.Number >= first
		}
	}
	all := &logs{segments: newSegments(), place: put.wal()}
	digest, n, err := through(ctx, s, all)
	if err != nil {
		return restore.Outcome{}, nil, dump.Classify(name, err)
	}
	return restore.Outcome{Digest: digest, Bytes: n}, all.segments, nil
}

// tell says what the backup does not let anybody see.
func (b *backup) tell() {
	c, control := b.contents, b.ground.control
	if c.manifest == nil {
		b.Note("it has no backup_manifest: a file that is missing, or changed where no page has a checksum, may not show")
	} else if !slices.ContainsFunc(keys(c.manifest.Files), func(n string) bool { return c.manifest.Files[n].Algorithm != "" }) {
		b.Note("its backup_manifest holds no checksums: a file of the right size that was changed may not show")
	}
	switch {
	case !control.Checksums:
		b.Note("its cluster has no checksums: a page that was damaged before the backup was made may not show")
	case control.BlockSize != pgdata.PageSize:
		b.Note("its pages have %s bytes: their checksums were not verified before the server started", fmt.Sprint(control.BlockSize))
	}
	if b.ground.label == nil {
		b.Note("it is a copy of files, and no backup that PostgreSQL knows of")
	}
}
