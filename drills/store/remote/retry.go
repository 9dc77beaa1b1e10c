package remote

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	tries = 3                      // for each request
	pause = 200 * time.Millisecond // before the second; twice as long before the third
)

// passing is an error that may be gone at the next try.
type passing struct{ error }

func (p passing) Unwrap() error { return p.error }

// Passing marks an error that may be gone at the next try: of the network, or of a server that is busy.
func Passing(err error) error { return passing{err} }

// Retry makes a request up to three times, as long as its error is one that may pass and ctx has not ended.
func Retry(ctx context.Context, request func() error) error {
	for try := 1; ; try++ {
		err := request()
		var p passing
		if !errors.As(err, &p) || ctx.Err() != nil {
			return err
		}
		if try == tries {
			return fmt.Errorf("%w (tried %d times)", err, tries)
		}
		select {
		case <-time.After(pause << (try - 1)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
