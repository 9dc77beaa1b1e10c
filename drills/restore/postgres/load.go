package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
)

// load is one restore.
type load struct {
	*Loader
	restore.Told
	source   restore.Source
	machine  instance.Machine
	in       *dump.Input
	server   *server
	targets  []*target          // databases that the dump is loaded into
	at       *target            // that what is read now goes into; nil: none yet
	database string             // that it becomes
	loading  string             // that it is loaded into: nobody writes into a half-restored database
	archive  *pgdump.Archive    // nil: a plain dump
	encoding string             // of the dump's text; "": UTF8
	entries  []pgdump.Entry     // what must be there afterwards
	dumped   func() string      // the version of the server that was dumped, once it is known
	stop     context.CancelFunc // ends the reading of the backup
	left     leftOut
	beside   map[string]restore.Outcome
	part     *record.Part       // what of the dump is restored; nil: all of it
	globals  bool               // the dump, or one beside it, has roles
	later    []pgdump.Statement // of roles, behind the dump of a database
	dumps    int                // that went into the present database, one behind another
	made     string             // when, as the dump tells
}

// Load makes the database anew and loads the backup into it, in one pass where
// the format allows. The dump is judged as it passes and the database
// afterwards: whatever is not there is a *restore.BackupError.
func (l *Loader) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	stream, err := s.Open(reading)
	if err != nil {
		return restore.Outcome{}, dump.Classify(s.Backup, err)
	}
	job := &load{Loader: l, source: s, machine: m, in: dump.Open(reading, stream), stop: stop,
		database: cmp.Or(l.set.Database, defaultDatabase)}
	err = job.run(ctx)
	if err != nil && ctx.Err() == nil && s.Point.Digest.Given() {
		// The first thing that went wrong may be a consequence.
		if mismatch := job.in.Mismatch(); mismatch != nil {
			err = &restore.BackupError{Backup: s.Backup, Reason: dump.WithCause(mismatch, err)}
		}
	}
	if e := job.in.Close(); err == nil && e != nil {
		err = fmt.Errorf("read %s: %w", s.Backup, e)
	}
	if err != nil {
		return restore.Outcome{Told: job.Told}, job.stillThere(ctx, dump.Classify(s.Backup, err))
	}
	return restore.Outcome{Digest: stream.Digest(), Bytes: stream.Bytes(), Told: job.Told,
		Made: job.made, Beside: job.beside, Part: job.part}, nil
}

// stillThere keeps a machine that went away from looking like a bad backup, unless
// the backup's own bytes were found bad.
func (l *load) stillThere(ctx context.Context, err error) error {
	var bad *restore.BackupError
	if !errors.As(err, &bad) || l.in.Broken() {
		return err
	}
	if s, e := l.machine.State(ctx); e == nil && !s.Running {
		return fmt.Errorf("restore %s: the machine %s ended meanwhile with exit code %d (%s): %s",
			l.source.Backup, l.machine.Name(), s.Exit, s.Reason, bad.Reason)
	}
	return err
}

func (l *load) run(ctx context.Context) error {
	format, err := l.wanted(l.in)
	if err != nil {
		return err
	}
	if l.server, err = l.reach(ctx); err != nil {
		return err
	}
	defer hangUp(ctx, l.server.conn)
	if err := l.rolesFrom(ctx); err != nil {
		return err
	}
	switch format {
	case formatCustom:
		err = l.custom(ctx)
	case formatTar:
		err = l.tarball(ctx)
	default:
		err = l.plain(ctx)
	}
	if err != nil {
		return err
	}
	if err := l.in.Finish(); err != nil {
		return err
	}
	if err := l.afterwards(ctx); err != nil {
		return err
	}
	if err := l.compare(ctx); err != nil {
		return err
	}
	if l.archive != nil {
		if err := l.compareRows(ctx); err != nil {
			return err
		}
	}
	return l.release(ctx)
}

// noteOnce is for what may be met a thousand times.
func (l *load) noteOnce(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(l.Notes, text) {
		l.Note(format, args...)
	}
}
