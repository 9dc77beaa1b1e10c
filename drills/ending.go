package drills

import (
	"context"
	"errors"
	"fmt"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

// AbortError is the cause of a context that ends a drill because somebody wants it to end.
type AbortError struct{ Why string }

func (e *AbortError) Error() string { return fmt.Sprintf("aborted: %s", e.Why) }

// stopError ends the run of phases without being an error of the harness: what
// stopped it is already in the journal as a fact.
type stopError struct{ why string }

func (e *stopError) Error() string { return e.why }

// factError is an error that the journal holds already, as a fact about a backup or its image.
type factError struct{ error }

func (e *factError) Unwrap() error { return e.error }

// asFact marks err, unless writing it down failed: that is an error of the harness.
func asFact(err error, written ...error) error {
	if w := errors.Join(written...); w != nil || err == nil {
		return w
	}
	return &factError{err}
}

// isFact tells an error that is in the journal already. Probes that got out of a sandbox are.
func isFact(err error) bool {
	return errors.As(err, new(*factError)) || errors.As(err, new(*instance.LeakError))
}

// explain writes down what ended the phases: an abort, a fact that is already in the journal, or the harness.
func (d *drill) explain(ctx context.Context, err error) {
	var abort *AbortError
	var full *fullError
	cause := context.Cause(ctx)
	switch {
	case errors.As(cause, &full):
		d.harnessBroke(full)
	case errors.As(cause, &abort):
		d.note(record.KindAborted, record.Aborted{Why: abort.Why})
	case cause != nil:
		d.note(record.KindAborted, record.Aborted{Why: cause.Error()})
	case errors.As(err, new(*stopError)), isFact(err), d.disks.told(err):
	default:
		d.harnessBroke(err)
	}
}

// BrokenError says that a drill ran and could not be sealed, so that its result is not known; a full
// disk does that. What its journal holds can still be judged.
type BrokenError struct {
	Drill string
	Left  int // things that could not be cleaned up
	Err   error
}

func (e *BrokenError) Error() string {
	return fmt.Sprintf("%v; lifeboat history judges what the journal of %s holds", e.Err, e.Drill)
}

func (e *BrokenError) Unwrap() error { return e.Err }
