package drills

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
)

// read reads every backup to its end and restores none: its digest, and its structure as far as that shows without a server.
func (r *restores) read(ctx context.Context) error {
	var found []error
	for _, name := range slices.Sorted(maps.Keys(r.plan.Backups)) {
		bp := r.plan.Backups[name]
		_, err := r.restored(ctx, r.userOf(name), bp, record.PhaseRestore, func(src restore.Source) (restore.Outcome, error) {
			return readThrough(ctx, bp, src)
		})
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		found = append(found, err)
	}
	return errors.Join(found...)
}

// readThrough has a backup read by who restores it, if that one can, and else for its digest alone.
func readThrough(ctx context.Context, bp *BackupPlan, src restore.Source) (restore.Outcome, error) {
	for _, who := range []any{bp.Loader, bp.Imager} {
		if reader, ok := who.(restore.Reader); ok {
			return reader.Read(ctx, src)
		}
	}
	stream, err := src.Open(ctx)
	if err != nil {
		return restore.Outcome{}, fmt.Errorf("read %s: %w", src.Backup, err)
	}
	defer stream.Close()
	if _, err := io.Copy(io.Discard, stream); err != nil {
		if mismatch, ok := errors.AsType[*store.Mismatch](err); ok {
			return restore.Outcome{}, &restore.BackupError{Backup: src.Backup, Reason: mismatch.Error()}
		}
		return restore.Outcome{}, fmt.Errorf("read %s: %w", src.Backup, err)
	}
	return restore.Outcome{Digest: stream.Digest(), Bytes: stream.Bytes()}, nil
}
