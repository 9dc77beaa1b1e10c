package postgres

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
)

var _ restore.Reader = (*Loader)(nil)

// Read reads a dump to its end, without a server: its table of contents, every block of its data, every statement and line.
func (l *Loader) Read(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	stream, err := s.Open(ctx)
	if err != nil {
		return restore.Outcome{}, dump.Classify(s.Backup, err)
	}
	job := &load{Loader: l, source: s, in: dump.Open(ctx, stream)}
	err = job.read()
	if err == nil {
		err = job.in.Finish()
	}
	if err != nil && ctx.Err() == nil && s.Point.Digest.Given() {
		if mismatch := job.in.Mismatch(); mismatch != nil { // the first thing that went wrong may be a consequence
			err = &restore.BackupError{Backup: s.Backup, Reason: dump.WithCause(mismatch, err)}
		}
	}
	if e := job.in.Close(); err == nil && e != nil {
		err = fmt.Errorf("read %s: %w", s.Backup, e)
	}
	if err != nil {
		return restore.Outcome{}, dump.Classify(s.Backup, err)
	}
	return restore.Outcome{Digest: stream.Digest(), Bytes: stream.Bytes(), Made: job.made}, nil
}

func (l *load) read() error {
	format, err := l.wanted(l.in)
	if err != nil {
		return err
	}
	switch format {
	case formatCustom:
		r := pgdump.NewReader(l.in)
		archive, err := pgdump.ReadArchive(r)
		if err != nil {
			return err
		}
		if archive.Format != pgdump.Custom {
			return &dump.Damage{Reason: "it is only the table of contents of a folder dump: the data are missing"}
		}
		if _, err := l.chosen(archive); err != nil {
			return err
		}
		l.made = archive.Created
		return archive.ReadBlocks(r)
	case formatTar, formatDirectory:
		return l.readTar()
	}
	text := pgdump.NewPlain()
	if err := readLines(l.in, text); err != nil {
		return err
	}
	l.made = text.Started
	return l.partOf(text)
}

func (l *load) readTar() error {
	fwd := &dump.Forward{}
	tr := tar.NewReader(io.TeeReader(l.in, fwd))
	h, err := tr.Next()
	if err != nil {
		return tarError(err)
	}
	if h.Name == pgdump.TOCName && l.set.Format != formatDirectory {
		toc, err := readTOC(tr, h)
		if err != nil {
			return err
		}
		if !toc.Compressed { // pg_dump -Ft never is
			l.made = toc.Created
			if err := fwd.Open(io.Discard); err != nil {
				return err
			}
			return l.members(tr, toc)
		}
	}
	toc, err := l.copyFolder(tar.NewReader(io.MultiReader(bytes.NewReader(fwd.Head()), l.in)), io.Discard)
	if err != nil {
		return err
	}
	l.made = toc.Created
	return nil
}
