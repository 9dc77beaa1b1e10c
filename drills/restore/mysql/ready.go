package mysql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/instance"
)

const (
	readyPoll = 100 * time.Millisecond
	// readyGap lies between the two looks that must see the same server: some images start a temporary one first.
	readyGap = 150 * time.Millisecond
	// authPatience is how long a refused password may still be the server that is being made.
	authPatience = 10 * time.Second
)

// Ready waits until the server takes an authenticated session over TCP and is still the same server at a second look. The one that public
// images start for their own needs first listens on its socket alone.
func (l *Loader) Ready(ctx context.Context, m instance.Machine) error {
	var last error
	refused := time.Time{}
	for {
		err := l.looksReady(ctx, m)
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
		case !isAuth(last):
			refused = time.Time{}
		case refused.IsZero():
			refused = time.Now()
		case time.Since(refused) > authPatience:
			return fmt.Errorf("wait for the server on %s: %w (give restore.password what the image expects)", m.Name(), last)
		}
		select {
		case <-ctx.Done():
		case <-time.After(readyPoll):
		}
	}
}

// looksReady looks twice.
func (l *Loader) looksReady(ctx context.Context, m instance.Machine) error {
	began, err := l.look(ctx, m)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(readyGap):
	}
	again, err := l.look(ctx, m)
	if err != nil {
		return err
	}
	if again.up < began.up || again.session <= began.session {
		return errors.New("the server was started again")
	}
	return nil
}

// look gives when the server was started, to the second, and how many sessions it has had since.
func (l *Loader) look(ctx context.Context, m instance.Machine) (sighting, error) {
	conn, end, err := l.connect(ctx, m)
	if err != nil {
		return sighting{}, err
	}
	defer end()
	var s sighting
	var of string
	if err := conn.QueryRowContext(ctx, "show global status like 'Uptime'").Scan(&of, &s.up); err != nil {
		return s, err
	}
	return s, conn.QueryRowContext(ctx, "select connection_id()").Scan(&s.session)
}

// sighting of a server.
type sighting struct{ up, session int64 }

// refusals are the errors of a login (ER_ACCESS_DENIED_ERROR and its like).
var refusals = []int{1045, 1130, 1251, 1275, 1524, 1698, 1862, 3118, 4151}

// isAuth tells a refused login from a server that is not there yet.
func isAuth(err error) bool { return slices.Contains(refusals, errno(err)) }

// lastLines are the end of a machine's console, for a message.
func lastLines(ctx context.Context, m instance.Machine) string {
	text, err := instance.Console(ctx, m)
	if err != nil {
		return "its console cannot be read"
	}
	lines := strings.Split(strings.TrimSpace(text), "\n")
	const most = 3
	return strings.Join(lines[max(0, len(lines)-most):], " / ")
}
