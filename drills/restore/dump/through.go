package dump

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"lifeboat/drills/restore"
	"lifeboat/drills/store"
)

// ReadError is one of reading a backup from its store, whatever reads through it.
type ReadError struct{ Err error }

func (e *ReadError) Error() string { return e.Err.Error() }
func (e *ReadError) Unwrap() error { return e.Err }

// PutError is one of putting files into the machine.
type PutError struct{ Err error }

func (e *PutError) Error() string { return e.Err.Error() }
func (e *PutError) Unwrap() error { return e.Err }

// Harness tells which errors are no word on a backup, or have words already.
func Harness(err error) bool {
	return errors.As(err, new(*ReadError)) || errors.As(err, new(*PutError)) || errors.As(err, new(*Damage)) ||
		errors.As(err, new(*restore.KindError)) || errors.As(err, new(*restore.BackupError)) || errors.As(err, new(*restore.LackError)) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// reading is the stream of a backup, whose own errors stay known whatever reads through it.
type reading struct{ store.Stream }

func (r reading) Read(p []byte) (int, error) {
	n, err := r.Stream.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = &ReadError{err}
	}
	return n, err
}

// OpenOf begins to read a backup.
func OpenOf(ctx context.Context, s restore.Source) (*Input, store.Stream, error) {
	stream, err := s.Open(ctx)
	if err != nil {
		return nil, nil, &ReadError{err}
	}
	return Open(ctx, reading{stream}), stream, nil
}

// Look has the beginning of a backup judged.
func Look(ctx context.Context, s restore.Source, judge func(in *Input) error) error {
	in, _, err := OpenOf(ctx, s)
	if err != nil {
		return Classify(s.Backup, err)
	}
	defer in.Close() //nolint:errcheck // it was only read
	return Classify(s.Backup, judge(in))
}

// Through has a backup read to its end. A digest that does not hold explains what went wrong before.
func Through(ctx context.Context, s restore.Source, read func(in *Input) error) (digest string, n int64, err error) {
	in, stream, err := OpenOf(ctx, s)
	if err != nil {
		return "", 0, err
	}
	defer in.Close() //nolint:errcheck // it was only read
	if err = read(in); err == nil {
		err = in.Finish()
	}
	if err != nil && ctx.Err() == nil && s.Point.Digest.Given() { // the first thing that went wrong may be a consequence
		if mismatch := in.Mismatch(); mismatch != nil {
			if why, ok := errors.AsType[*Damage](err); ok {
				return "", 0, &Damage{Reason: fmt.Sprintf("%v; %s", mismatch, why.Reason)}
			}
			return "", 0, &ReadError{mismatch}
		}
	}
	return stream.Digest(), stream.Bytes(), err
}

// Drained reads what a tar has behind its end: blocks of zeros.
func Drained(in io.Reader) error {
	buf := make([]byte, PieceSize)
	for {
		n, err := in.Read(buf)
		if strings.Trim(string(buf[:n]), "\x00") != "" {
			return &Damage{Reason: "something else follows the end of its tar"}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
