package etcd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/store"
)

var (
	_ restore.Loader = (*Loader)(nil)
	_ restore.Looker = (*Loader)(nil)
	_ restore.Reader = (*Loader)(nil)
)

// load is one restore.
type load struct {
	*Loader
	restore.Told
	source   restore.Source
	machine  instance.Machine
	snapshot *snapshot
}

// Ready has nothing to wait for: the machine is held until lifeboat's settings are there.
func (l *Loader) Ready(context.Context, instance.Machine) error { return nil }

// Look tells by the first bytes what is there instead of a snapshot.
func (l *Loader) Look(ctx context.Context, s restore.Source) error {
	return dump.Look(ctx, s, detected)
}

func detected(in *dump.Input) error {
	_, found, err := in.Detect()
	switch {
	case err != nil:
		return err
	case found.Name == "bbolt":
		return nil
	case found.Name == "":
		return &dump.Damage{Reason: "it is no snapshot of etcd: it does not begin as a file of bbolt"}
	}
	return &restore.KindError{Found: found}
}

// Read reads a snapshot to its end, without a server.
func (l *Loader) Read(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	job := &load{Loader: l, source: s}
	kept, out, err := job.read(ctx)
	if err != nil {
		return restore.Outcome{}, dump.Classify(s.Backup, err)
	}
	_ = kept.Close() // it was only read
	return out, nil
}

// Load reads the snapshot, has it restored beside an empty server, starts the server on what came of it, and holds what it has
// against what was read.
func (l *Loader) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	job := &load{Loader: l, source: s, machine: m}
	out, err := job.run(ctx)
	if err != nil {
		out = restore.Outcome{}
	}
	out.Told = job.Told
	return out, dump.Classify(s.Backup, err)
}

func (l *load) run(ctx context.Context) (restore.Outcome, error) {
	if s, err := l.machine.State(ctx); err == nil && s.Running {
		return restore.Outcome{}, fmt.Errorf("restore into %s: it runs already, and a server reads its data when it starts", l.machine.Name())
	}
	kept, out, err := l.read(ctx)
	if err != nil {
		return out, err
	}
	defer kept.Close() //nolint:errcheck // it was only read
	l.tell()
	if err := l.restore(ctx, kept); err != nil {
		return out, err
	}
	return out, l.compare(ctx)
}

// read keeps the snapshot where it can be read at any place, and reads all of it.
func (l *load) read(ctx context.Context) (store.Random, restore.Outcome, error) {
	stream, err := l.source.Open(ctx)
	if err != nil {
		return nil, restore.Outcome{}, err
	}
	in := dump.Open(ctx, stream)
	defer in.Close()
	kept, err := l.source.Keep(func(f *os.File) error {
		if err := detected(in); err != nil {
			return err
		}
		if _, err := io.Copy(f, in); err != nil {
			return err
		}
		return in.Finish()
	})
	if err == nil {
		if l.snapshot, err = readSnapshot(kept, kept.Size()); err == nil {
			err = l.whole()
		}
		if err != nil {
			_ = kept.Close() // it was only read
		}
	}
	if err != nil {
		return nil, restore.Outcome{}, in.Explained(ctx, l.source, err)
	}
	return kept, restore.Outcome{Digest: stream.Digest(), Bytes: stream.Bytes()}, nil
}

// whole refuses what cannot be told from a snapshot that was cut off where its hash began.
func (l *load) whole() error {
	if l.snapshot.hashed || l.set.Hash == hashNone {
		return nil
	}
	return &restore.LackError{Lack: record.LackHash, What: "it has no hash at its end: it is a copy of a server's file, or a snapshot that was cut off there"}
}

func (l *load) tell() {
	s := l.snapshot
	if s.version != "" {
		l.Note("a snapshot of etcd %s at revision %d: %d keys, of a cluster of %d members", s.version, s.revision, s.keys, s.members)
	} else {
		l.Note("a snapshot of etcd at revision %d: %d keys, of a cluster of %d members", s.revision, s.keys, s.members)
	}
	if !s.hashed {
		l.Note("it has no hash of its own: values that were damaged do not show")
	}
}

// compare holds what the server has against what was read.
func (l *load) compare(ctx context.Context) error {
	keys, revision, err := l.answer(ctx)
	if err != nil {
		return err
	}
	s := l.snapshot
	least := s.keys - s.leased // a lease may end while the server comes up, and its keys with it
	what := ""
	switch {
	case keys > s.keys || keys < least:
		what = fmt.Sprintf("the server holds %d keys, and %d were read in the snapshot", keys, s.keys)
	case revision < s.revision || revision > s.revision && s.leased == 0:
		what = fmt.Sprintf("the server is at revision %d, and the snapshot at %d", revision, s.revision)
	case keys == 0:
		return errors.New("the server holds not one key: all were deleted or belonged to leases that have ended, so that nothing of them was proved")
	}
	if what != "" && !l.source.Unused {
		return fmt.Errorf("%s; others could use the server meanwhile", what)
	}
	if what != "" {
		return &dump.Damage{Reason: what}
	}
	l.Note("the server holds %d keys at revision %d", keys, revision)
	return nil
}

const pollPause = 100 * time.Millisecond
