package postgres

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/postgres/pgdump"
	"lifeboat/internal/filekind"
)

// Look reads the beginning of the backup and tells whether it can be a dump, before there is a server.
func (l *Loader) Look(ctx context.Context, s restore.Source) error {
	stream, err := s.Open(ctx)
	if err != nil {
		return classify(s.Backup, err)
	}
	in := openInput(ctx, stream)
	_, err = l.wanted(in)
	_ = in.close() // it was only read
	if err != nil {
		return classify(s.Backup, err)
	}
	return nil
}

// Made reads the time in the header of an archive, or that of a plain dump made with --verbose.
func (l *Loader) Made(ctx context.Context, s restore.Source) (string, error) {
	stream, err := s.Open(ctx)
	if err != nil {
		return "", classify(s.Backup, err)
	}
	in := openInput(ctx, stream)
	defer in.close()
	format, err := in.detect()
	switch {
	case err != nil:
		return "", classify(s.Backup, err)
	case format == formatCustom:
		archive, err := pgdump.ReadArchive(pgdump.NewReader(in))
		if err != nil {
			return "", classify(s.Backup, err)
		}
		return archive.Created, nil
	case format == formatPlain:
		head, _ := in.r.Peek(filekind.Enough) // what cannot be read says nothing
		dump := pgdump.NewPlain()
		for line := range strings.Lines(string(head)) {
			if dump.Started != "" || dump.Line([]byte(line), strings.HasSuffix(line, "\n")) != nil {
				break
			}
		}
		return dump.Started, nil
	}
	return "", nil
}

// wanted is the format of a dump, which is the one that the scenario says.
func (l *Loader) wanted(in *input) (string, error) {
	format, err := in.detect()
	if err != nil {
		return "", err
	}
	if want := l.set.Format; want != formatAuto && want != format && !(want == formatDirectory && format == formatTar) {
		return "", &pgdump.Damage{Reason: fmt.Sprintf("it is a %s dump, the scenario says %s", format, want)}
	}
	return format, nil
}
