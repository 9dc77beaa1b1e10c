package dump

import (
	"context"
	"errors"
	"fmt"

	"lifeboat/drills/restore"
	"lifeboat/drills/store"
)

// WithCause tells both: that the bytes are wrong, and what they did.
func WithCause(m *store.Mismatch, err error) string {
	if errors.As(err, new(*store.Mismatch)) {
		return m.Error()
	}
	if bad, ok := errors.AsType[*restore.BackupError](err); ok {
		return m.Error() + "; " + bad.Reason
	}
	if kind, ok := errors.AsType[*restore.KindError](err); ok {
		return m.Error() + "; " + kind.Reason()
	}
	return m.Error() + "; " + err.Error()
}

// Explained is what went wrong with a backup while it was read, by a promised digest that does not hold where there is one: the first
// thing that went wrong may be a consequence.
func (in *Input) Explained(ctx context.Context, s restore.Source, err error) error {
	if err == nil || ctx.Err() != nil || !s.Point.Digest.Given() {
		return err
	}
	if mismatch := in.Mismatch(); mismatch != nil {
		return &restore.BackupError{Backup: s.Backup, Reason: WithCause(mismatch, err)}
	}
	return err
}

// Classify makes one of the contract's errors of what is the backup's fault, and
// names the backup in all others. nil: err is none.
func Classify(backup string, err error) error {
	if err == nil {
		return nil
	}
	if named := restore.Named(backup, err); named != nil {
		return named
	}
	if errors.As(err, new(*Damage)) || errors.As(err, new(*store.Mismatch)) {
		return &restore.BackupError{Backup: backup, Reason: err.Error()}
	}
	return fmt.Errorf("restore %s: %w", backup, err)
}
