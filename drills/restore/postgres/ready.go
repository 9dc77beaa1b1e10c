package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/instance"
)

const (
	readyPoll = 100 * time.Millisecond
	// readyGap lies between the two looks that must see the same server: some images start a temporary one first.
	readyGap = 150 * time.Millisecond
	// authPatience is how long a refused password may still be the server that is being made.
	authPatience = 10 * time.Second
)

// Ready waits until the server takes an authenticated session over TCP, is out
// of recovery and is still the same server at a second look.
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
			return fmt.Errorf("wait for postgres on %s: %w (the last attempt: %w)", m.Name(), ctx.Err(), last)
		}
		if s, err := m.State(ctx); err == nil && !s.Running {
			return fmt.Errorf("wait for postgres on %s: its machine ended with exit code %d: %s",
				m.Name(), s.Exit, lastLines(ctx, m))
		}
		switch {
		case !isAuth(last):
			refused = time.Time{}
		case refused.IsZero():
			refused = time.Now()
		case time.Since(refused) > authPatience:
			return fmt.Errorf("wait for postgres on %s: %w (give restore.password what the image expects)", m.Name(), last)
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
	if !again.Equal(began) {
		return errors.New("the server was started again")
	}
	return nil
}

// look gives when the server was started.
func (l *Loader) look(ctx context.Context, m instance.Machine) (time.Time, error) {
	conn, err := l.connect(ctx, m, "postgres")
	if err != nil {
		return time.Time{}, err
	}
	defer hangUp(ctx, conn)
	var began time.Time
	var recovering bool
	err = conn.QueryRow(ctx, "select pg_postmaster_start_time(), pg_is_in_recovery()").Scan(&began, &recovering)
	if err == nil && recovering {
		err = errors.New("the server is in recovery")
	}
	return began, err
}

// isAuth tells a refused login (class 28) from a server that is not there yet.
func isAuth(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && strings.HasPrefix(pg.Code, "28")
}

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
