package postgres

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"path"
	"strings"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
	"lifeboat/internal/filekind"
)

// Look reads the beginning of the backup and tells whether it can be a dump, and one that the server's image can restore,
// before there is a server.
func (l *Loader) Look(ctx context.Context, s restore.Source) error {
	in, format, err := l.start(ctx, s)
	if err != nil {
		return dump.Classify(s.Backup, err)
	}
	defer in.Close()
	if s.Env == nil {
		return nil
	}
	env, err := s.Env(ctx)
	here := serverOf(env)
	if err != nil || here == "" {
		return err
	}
	return l.outdated(s.Backup, aboutOf(in, format), here)
}

// start opens the backup and finds its format.
func (l *Loader) start(ctx context.Context, s restore.Source) (*dump.Input, string, error) {
	stream, err := s.Open(ctx)
	if err != nil {
		return nil, "", err
	}
	in := dump.Open(ctx, stream)
	format, err := l.wanted(in)
	if err != nil {
		_ = in.Close() // it was only read
		return nil, "", err
	}
	return in, format, nil
}

// about is what a dump says of itself near its beginning.
type about struct {
	made   string
	server string
	minor  int  // of an archive's version 1.minor
	known  bool // it was all read: what is empty is not said
}

func aboutOf(in *dump.Input, format string) about {
	var archive io.Reader = in
	switch format {
	case formatPlain:
		return aboutPlain(in)
	case formatTar:
		tr := tar.NewReader(in)
		if h, err := tr.Next(); err != nil || path.Base(h.Name) != pgdump.TOCName {
			return about{} // a folder's: it may come last
		}
		archive = tr
	}
	a, err := pgdump.ReadHeader(pgdump.NewReader(archive))
	if err != nil {
		return about{} // the restore says what is wrong with it
	}
	return about{made: a.Created, server: a.Server, minor: a.Minor, known: true}
}

func aboutPlain(in *dump.Input) about {
	head, _ := in.Peek(filekind.Enough) // what cannot be read says nothing
	dump := pgdump.NewPlain()
	for line := range strings.Lines(string(head)) {
		if dump.Line([]byte(line), strings.HasSuffix(line, "\n")) != nil || len(dump.Entries) > 0 {
			break
		}
	}
	return about{made: dump.Started, server: dump.Server, known: !dump.Cluster}
}

// Made reads the time in the header of an archive, or that of a plain dump made with --verbose.
func (l *Loader) Made(ctx context.Context, s restore.Source) (string, error) {
	in, format, err := l.start(ctx, s)
	if err != nil {
		return "", dump.Classify(s.Backup, err)
	}
	defer in.Close()
	about := aboutOf(in, format)
	if about.made == "" && !about.known {
		return "", fmt.Errorf("look for the time of %s: it does not stand near its beginning", s.Backup)
	}
	return about.made, nil
}

// wanted is the format of a dump, which is the one that the scenario says.
func (l *Loader) wanted(in *dump.Input) (string, error) {
	format, err := detect(in)
	if err != nil {
		return "", err
	}
	if want := l.set.Format; want != formatAuto && want != format && !(want == formatDirectory && format == formatTar) {
		return "", &dump.Damage{Reason: fmt.Sprintf("it is a %s dump, the scenario says %s", format, want)}
	}
	return format, nil
}
