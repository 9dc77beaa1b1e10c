package nbd

import (
	"context"
	"errors"
	"time"
)

// Impairment is what makes a disk bad on purpose. The zero value is a healthy one.
type Impairment struct {
	Delay          time.Duration // between a read's arrival and its answer, at the least; reads under way at once share it
	BytesPerSecond float64       // of all reads of all connections together; 0 or less: no limit. It starts without credit
	Stall          bool          // no read is answered until it is taken back
	Fail           bool          // every read is answered EIO, after its delay
}

// errImpaired is answered as EIO and kept nowhere: it was meant to be.
var errImpaired = errors.New("fails on purpose")

// Impair changes the impairment from now on, for reads that are waiting as well.
func (s *Server) Impair(i Impairment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if i.BytesPerSecond != s.impaired.BytesPerSecond {
		s.limit.Set(i.BytesPerSecond)
	}
	s.impaired = i
	close(s.changed)
	s.changed = make(chan struct{})
}

func (s *Server) impairment() (Impairment, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.impaired, s.changed
}

// hold keeps a read of n bytes back for as long as the impairment says.
func (s *Server) hold(ctx context.Context, n int) error {
	came, paid := time.Now(), false
	for {
		now, changed := s.impairment()
		wait := now.Delay - time.Since(came)
		switch {
		case now.Stall || wait > 0:
			if err := sleep(ctx, now.Stall, wait, changed); err != nil {
				return err
			}
		case now.Fail:
			return errImpaired
		case !paid:
			if err := s.limit.Wait(ctx, n); err != nil {
				return err
			}
			paid = true // and look again: it may have taken long
		default:
			return nil
		}
	}
}

// sleep until the time is over, unless there is no end to it, or something changed.
func sleep(ctx context.Context, endless bool, d time.Duration, changed <-chan struct{}) error {
	var over <-chan time.Time
	if !endless {
		timer := time.NewTimer(d)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case <-over:
	case <-changed:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
