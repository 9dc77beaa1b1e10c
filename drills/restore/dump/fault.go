package dump

import (
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

// Classify makes one of the contract's errors of what is the backup's fault, and
// names the backup in all others.
func Classify(backup string, err error) error {
	if named := restore.Named(backup, err); named != nil {
		return named
	}
	if errors.As(err, new(*Damage)) || errors.As(err, new(*store.Mismatch)) {
		return &restore.BackupError{Backup: backup, Reason: err.Error()}
	}
	return fmt.Errorf("restore %s: %w", backup, err)
}
