package postgres

import (
	"context"
	"fmt"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/postgres/pgdump"
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
