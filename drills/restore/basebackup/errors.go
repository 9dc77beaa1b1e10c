package basebackup

import (
	"context"
	"errors"
	"fmt"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/store"
)

// readError is one of reading a backup from its store, whatever reads through it.
type readError struct{ err error }

func (e *readError) Error() string { return e.err.Error() }
func (e *readError) Unwrap() error { return e.err }

// putError is one of putting files into the machine.
type putError struct{ err error }

func (e *putError) Error() string { return e.err.Error() }
func (e *putError) Unwrap() error { return e.err }

// harness tells which errors are no word on a backup, or have words already.
func harness(err error) bool {
	return errors.As(err, new(*readError)) || errors.As(err, new(*putError)) || errors.As(err, new(*dump.Damage)) ||
		errors.As(err, new(*restore.KindError)) || errors.As(err, new(*restore.BackupError)) || errors.As(err, new(*restore.LackError)) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// classify makes one of the contract's errors of what is the backup's fault, and names the backup in all others.
func classify(backup string, err error) error {
	if errors.As(err, new(*restore.BackupError)) || errors.As(err, new(*restore.ImageError)) {
		return err
	}
	if kind, ok := errors.AsType[*restore.KindError](err); ok {
		named := *kind
		named.Backup = backup
		return &named
	}
	if lack, ok := errors.AsType[*restore.LackError](err); ok {
		if lack.Backup != "" {
			return err
		}
		named := *lack
		named.Backup = backup
		return &named
	}
	if misfit, ok := errors.AsType[*restore.MisfitError](err); ok {
		named := *misfit
		named.Backup = backup
		return &named
	}
	if mismatch, ok := errors.AsType[*store.Mismatch](err); ok {
		return &restore.BackupError{Backup: backup, Reason: mismatch.Error()}
	}
	if damage, ok := errors.AsType[*dump.Damage](err); ok {
		return &restore.BackupError{Backup: backup, Reason: damage.Reason}
	}
	return fmt.Errorf("restore %s: %w", backup, err)
}

func damage(format string, args ...any) error {
	return &dump.Damage{Reason: fmt.Sprintf(format, args...)}
}
