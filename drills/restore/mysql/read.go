package mysql

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/mydumper"
	"lifeboat/drills/restore/mysql/mysqldump"
	"lifeboat/internal/filekind"
)

var (
	_ restore.Reader = (*Loader)(nil)
	_ restore.Looker = (*Loader)(nil)
	_ restore.Dater  = (*Loader)(nil)
)

// begin takes compression off and looks whether what is in it can be a dump.
func begin(in *dump.Input) error {
	head, found, err := in.Detect()
	switch {
	case err != nil:
		return err
	case found.Name == "mysql":
		if len(head) >= len(filekind.BOM) && string(head[:len(filekind.BOM)]) == filekind.BOM {
			return in.Discard(len(filekind.BOM))
		}
		return nil
	case found.Class == filekind.Unknown && mysqldump.Looks(head): // made without comments
		return nil
	case found.Name == "tar":
		if err := dump.Bundled(head, func(string) bool { return false }); err != nil {
			return err
		}
	case found.Class == filekind.Unknown:
		return &dump.Damage{Reason: "it is not a dump of MySQL or MariaDB: its beginning is no SQL of mysqldump or mariadb-dump"}
	}
	return &restore.KindError{Found: found}
}

// Look reads the beginning of the backup and tells whether it can be a dump.
func (l *Loader) Look(ctx context.Context, s restore.Source) error {
	stream, err := s.Open(ctx)
	if err != nil {
		return dump.Classify(s.Backup, err)
	}
	in := dump.Open(ctx, stream)
	defer in.Close() //nolint:errcheck // it was only read
	job := &load{Loader: l, source: s}
	text, end, err := job.text(ctx, in)
	defer end()
	if err == nil {
		_, _, err = l.judge(ctx, s, text)
	}
	if err != nil {
		return dump.Classify(s.Backup, err)
	}
	return nil
}

// text is a dump as it is read. end is called when nobody reads it any more.
func (l *load) text(ctx context.Context, in *dump.Input) (text *bufio.Reader, end func(), err error) {
	end = func() {}
	several := l.source.Point.Dir
	if !several {
		head, _, err := in.Detect()
		if err != nil {
			return nil, end, err
		}
		several = filekind.IsTar(head)
	}
	if several {
		f, ok, err := mydumper.Read(ctx, l.source, l.set.Unmarked)
		if err != nil {
			return nil, end, err
		}
		if ok {
			l.folder = f
			all := f.Text(in)
			return bufio.NewReaderSize(all, dump.PieceSize), func() { _ = all.Close() }, nil
		}
	}
	if err := begin(in); err != nil {
		return nil, end, err
	}
	return bufio.NewReaderSize(in, dump.PieceSize), end, nil
}

// Made is only known at the end of a dump. Of a folder the metadata say it.
func (l *Loader) Made(ctx context.Context, s restore.Source) (string, error) {
	if s.Point.Dir {
		return mydumper.Begun(ctx, s)
	}
	return "", fmt.Errorf("look for the time of %s: it does not stand near its beginning", s.Backup)
}

// Read reads a dump to its end, without a server: every statement, text and row.
func (l *Loader) Read(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	job := &load{Loader: l, source: s, dump: mysqldump.New()}
	return job.pass(ctx, job.reads)
}

func (l *load) reads(text *bufio.Reader) error {
	b, err := head(text)
	if err != nil {
		return err
	}
	l.begins(b)
	l.dump.OnStatement = func(s mysqldump.Statement) (string, bool, error) { return "", l.leaves(s), nil }
	if err := l.dump.Read(text); err != nil {
		return err
	}
	if err := l.whole(); err != nil {
		return err
	}
	return l.partly()
}

// pass opens the backup, has it read, and tells what came of it. A digest that does not hold explains what went wrong first.
func (l *load) pass(ctx context.Context, read func(text *bufio.Reader) error) (restore.Outcome, error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	stream, err := l.source.Open(reading)
	if err != nil {
		return restore.Outcome{}, dump.Classify(l.source.Backup, err)
	}
	in := dump.Open(reading, stream)
	l.stop, l.in = stop, in
	text, end, err := l.text(reading, in)
	if err == nil {
		err = read(text)
	}
	end() // nobody else reads it from here on
	if err == nil {
		err = in.Finish()
	}
	if err != nil && ctx.Err() == nil && l.source.Point.Digest.Given() {
		if mismatch := in.Mismatch(); mismatch != nil {
			err = &restore.BackupError{Backup: l.source.Backup, Reason: dump.WithCause(mismatch, err)}
		}
	}
	if e := in.Close(); err == nil && e != nil {
		err = fmt.Errorf("read %s: %w", l.source.Backup, e)
	}
	if err != nil {
		return restore.Outcome{Told: l.Told}, dump.Classify(l.source.Backup, err)
	}
	return restore.Outcome{Digest: stream.Digest(), Bytes: stream.Bytes(), Told: l.Told, Made: l.dump.Ended}, nil
}

// whole says of a dump that was read to its end whether that is the end that it had.
func (l *load) whole() error {
	d := l.dump
	if !d.Known() && !l.set.Unmarked {
		return l.lacks(record.LackEnd, "it has neither a header nor a closing line (mysqldump --compact): nobody can know whether its end is missing "+
			"(dump without --compact, or take it all the same with restore.unmarked)")
	}
	if d.Homeless != "" {
		return l.lacks(record.LackTables, "it holds rows of table %s and makes no table (mysqldump --no-create-info)", d.Homeless)
	}
	if mixed := d.Mixed(); mixed != "" {
		return l.lacks(record.LackSeveral, "it holds several dumps, one behind another, and that of %s would be loaded over the one before it", mixed)
	}
	return nil
}

func (l *load) lacks(kind, format string, args ...any) error {
	return &restore.LackError{Backup: l.source.Backup, Lack: kind, What: fmt.Sprintf(format, args...)}
}

// head is what comes first in a dump.
func head(text *bufio.Reader) ([]byte, error) {
	const enough = 32 << 10
	b, err := text.Peek(enough)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return nil, err
	}
	return b, nil
}
