package dump

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lifeboat/drills/instance"
)

const (
	// Looks lie a fortieth of what was waited for so far apart, within these: who is there within a second is seen at once.
	leastPoll, mostPoll = 20 * time.Millisecond, 100 * time.Millisecond
	waitShare           = 40
	// ReadyGap lies between the two looks that must see the same server: some images start a temporary one first.
	ReadyGap = 150 * time.Millisecond
	// authPatience is how long a refused password may still be the server that is being made.
	authPatience = 10 * time.Second
)

// Readiness is how a server is asked whether it can take a load. A sighting S is what tells one start of it from another.
type Readiness[S any] struct {
	Look    func(ctx context.Context, m instance.Machine) (S, error) // over TCP, with a login
	Same    func(before, after S) bool
	Refused func(error) bool // tells a refused login from a server that is not there yet
}

// Wait waits until a server is seen, and is still the same one at a second look.
func (r Readiness[S]) Wait(ctx context.Context, m instance.Machine) error {
	var last error
	began, refused := time.Now(), time.Time{}
	for {
		err := r.twice(ctx, m)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil { // what the server said tells more than that time was up
			last = err
		}
		if ctx.Err() != nil {
			return fmt.Errorf("wait for the server on %s: %w (the last attempt: %w)", m.Name(), ctx.Err(), last)
		}
		if s, err := m.State(ctx); err == nil && !s.Running {
			return fmt.Errorf("wait for the server on %s: its machine ended with exit code %d: %s",
				m.Name(), s.Exit, lastLines(ctx, m))
		}
		switch {
		case !r.Refused(last):
			refused = time.Time{}
		case refused.IsZero():
			refused = time.Now()
		case time.Since(refused) > authPatience:
			return fmt.Errorf("wait for the server on %s: %w (give restore.password what the image expects)", m.Name(), last)
		}
		_ = Rest(ctx, began) // the end of ctx is seen above
	}
}

// Rest lies between two looks at a server that is waited for since a moment.
func Rest(ctx context.Context, since time.Time) error {
	return instance.Pause(ctx, max(leastPoll, min(mostPoll, time.Since(since)/waitShare)))
}

func (r Readiness[S]) twice(ctx context.Context, m instance.Machine) error {
	before, err := r.Look(ctx, m)
	if err != nil {
		return err
	}
	if err := instance.Pause(ctx, ReadyGap); err != nil {
		return err
	}
	after, err := r.Look(ctx, m)
	if err != nil {
		return err
	}
	if !r.Same(before, after) {
		return errors.New("the server was started again")
	}
	return nil
}

// lastLines are the end of a machine's console, for a message.
func lastLines(ctx context.Context, m instance.Machine) string {
	text, err := instance.Console(ctx, m)
	if err != nil {
		return "its console cannot be read"
	}
	return strings.ReplaceAll(instance.LastLines(strings.TrimSpace(text), 3), "\n", " / ")
}
