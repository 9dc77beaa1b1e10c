package basebackup

import (
	"context"
	"errors"
	"fmt"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
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

func damage(format string, args ...any) error {
	return &dump.Damage{Reason: fmt.Sprintf(format, args...)}
}
