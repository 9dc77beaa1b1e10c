package files

import (
	"context"
	"errors"
	"fmt"
	"io"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/store"
	"lifeboat/drills/store/checksums"
	"lifeboat/internal/filekind"
	"lifeboat/internal/tree"
)

// mostList bounds a list of digests in a tree, bytes.
const mostList = 64 << 20

// reading is a backup on its way.
type reading struct {
	restore.Told
	backup string
	stream store.Stream
	in     *dump.Input
	tar    *tree.Tar
	lists  map[string]string // of digests, at the top of the tree
	only   tree.Pick
	gate   *gate        // nil: all of it is passed on
	part   *record.Part // nil: it was all
}

// open starts reading a backup, and tells whether it can be a tar.
func (l *Loader) open(ctx context.Context, s restore.Source) (*reading, error) {
	if s.Point.Dir { // what else its files have would be lost in silence
		return nil, errors.New("it is a folder, of which a store gives the content of files alone: say trees: true of a dir store, or pack it with tar")
	}
	stream, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	r := &reading{backup: s.Backup, stream: stream, in: dump.Open(ctx, stream), lists: map[string]string{}, only: tree.Pick(l.set.Only)}
	if store.Packed(stream) {
		return r, nil
	}
	head, found, err := r.in.Detect()
	if err == nil && !filekind.IsTar(head) {
		if err = error(&restore.KindError{Found: found}); found.Name == "" || found.Class == filekind.Dump {
			err = &dump.Damage{Reason: "it is no tar archive"}
		}
	}
	if err != nil {
		_ = r.in.Close() // it was only read
		return nil, err
	}
	return r, nil
}

// whole reads the backup to its end, and passes the tar in it on to out.
func (r *reading) whole(out io.Writer) error {
	if len(r.only) > 0 {
		r.gate = &gate{to: out}
		out = r.gate
	}
	r.tar = tree.NewTar(io.TeeReader(r.in, out), true)
	for {
		e, err := r.chosen()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if e.Type == tree.File && e.Same == "" && e.Size <= mostList && checksums.IsList(e.Path) {
			text, err := io.ReadAll(r.tar)
			if err != nil {
				return err
			}
			r.lists[e.Path] = string(text)
		}
	}
	r.noteAll()
	all := r.tar.Entries()
	if why := tree.Sum(all).Empty(); why != "" {
		return &dump.Damage{Reason: why}
	}
	if err := r.partly(all); err != nil {
		return err
	}
	return r.in.Finish()
}

func (r *reading) noteAll() {
	t := r.tar
	if s := t.Absolute; s.Count > 0 {
		r.Note("%d names were absolute and lost their slash, %q first", s.Count, s.First)
	}
	if s := t.Twice; s.Count > 0 {
		r.Note("%d names are in it more than once, and the last of each counts: %q first", s.Count, s.First)
	}
	if s := t.Special; s.Count > 0 {
		r.Note("%d devices are not made: %q first", s.Count, s.First)
	}
	if s := t.Privileged; s.Count > 0 {
		r.Note("%d files run as their owner or group, and keep that: %q first", s.Count, s.First)
	}
	if s := t.Relabelled; s.Count > 0 {
		r.Note("%d paths have labels of their host, which are left out: %q first", s.Count, s.First)
	}
	if s := t.Nameless; s.Count > 0 {
		r.Note("%d paths have ACLs that name users without a number, which are left out: %q first", s.Count, s.First)
	}
}

// outcome of a backup that was read to its end.
func (r *reading) outcome() restore.Outcome {
	return restore.Outcome{Digest: r.stream.Digest(), Bytes: r.stream.Bytes(), Told: r.Told}
}

// failed says what an error means: damage of a tar is the backup's, and a broken promise explains it.
func (r *reading) failed(ctx context.Context, s restore.Source, err error) error {
	err = told(s.Backup, err)
	if ctx.Err() == nil && s.Point.Digest.Given() {
		if mismatch := r.in.Mismatch(); mismatch != nil { // the first thing that went wrong may be a consequence
			err = &restore.BackupError{Backup: s.Backup, Reason: dump.WithCause(mismatch, err)}
		}
	}
	return dump.Classify(s.Backup, err)
}

// told gives what a tar says of itself the types of a restore.
func told(backup string, err error) error {
	var damage *tree.Damage
	var odd *tree.Odd
	switch {
	case errors.As(err, &damage):
		return &dump.Damage{Reason: damage.Reason}
	case errors.As(err, &odd) && odd.Partial:
		return &restore.LackError{Backup: backup, Lack: record.LackIncrement, What: odd.Reason}
	}
	return err
}

// Look reads the first bytes of a backup.
func (l *Loader) Look(ctx context.Context, s restore.Source) error {
	r, err := l.open(ctx, s)
	if err != nil {
		return dump.Classify(s.Backup, err)
	}
	return r.in.Close()
}

// Read reads every member of a backup to its end, without an instance.
func (l *Loader) Read(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	r, err := l.open(ctx, s)
	if err != nil {
		return restore.Outcome{}, dump.Classify(s.Backup, err)
	}
	if err = r.whole(io.Discard); err != nil {
		err = r.failed(ctx, s, err)
	}
	if e := r.in.Close(); err == nil && e != nil {
		err = fmt.Errorf("read %s: %w", s.Backup, e)
	}
	if err != nil {
		return restore.Outcome{Told: r.Told}, err
	}
	return r.outcome(), nil
}
