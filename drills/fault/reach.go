package fault

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/instance"
)

// A server that has just been started refuses connections for a moment without being broken.
const (
	settles   = 5 * time.Second
	askEvery  = 250 * time.Millisecond
	greetTime = 3 * time.Second
)

// What no fault of this catalogue does. While one is made it counts as nobody being let in; afterwards it is no answer.
var (
	errHung = errors.New("it takes connections and says nothing")
	errFull = errors.New("it has no connection left")
)

// bites takes a server that hangs, or is full, for one that lets nobody in.
func bites(err error) error {
	if errors.Is(err, errHung) || errors.Is(err, errFull) {
		return nil
	}
	return err
}

// unreachable returns nil when no session can be opened: the machine is down, nobody listens
// at the port and goes on not listening, nobody answers, or the server lets nobody in. A server that
// only asks for another password, or misses a database, can be reached. What cannot be asked is an error.
func (s server) unreachable(ctx context.Context, m instance.Machine) error {
	for end := time.Now().Add(settles); ; {
		state, err := m.State(ctx)
		if err != nil {
			return fmt.Errorf("look at %s: %w", m.Name(), err)
		}
		if !state.Running {
			return nil
		}
		refused, err := s.greet(ctx, m)
		if !refused || time.Now().After(end) {
			return err
		}
		if err := instance.Pause(ctx, askEvery); err != nil {
			return err
		}
	}
}

// SQLSTATE codes of PostgreSQL, https://www.postgresql.org/docs/15/errcodes-appendix.html.
const (
	cannotConnectNow   = "57P03"
	invalidSpec        = "28000" // pg_hba.conf, and also a role that does not exist
	tooManyConnections = "53300"
)

// greet tries to open a session with a wrong password over a new connection. refused: nobody listens, or nobody speaks.
// No error means that nobody is let in, and instance.ErrNotInForce that somebody would be.
func (s server) greet(ctx context.Context, m instance.Machine) (refused bool, err error) {
	within, cancel := context.WithTimeout(ctx, greetTime)
	defer cancel()
	cfg, err := pgconn.ParseConfig("host=server port=5432 user=x password=x dbname=postgres sslmode=disable " +
		"passfile='' target_session_attrs=any")
	if err != nil {
		return false, err
	}
	var dialled error
	cfg.User, cfg.Password, cfg.RuntimeParams = s.Superuser, "lifeboat knows no password", nil
	cfg.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := m.Dial(ctx, s.Port)
		dialled = err
		return c, err
	}
	c, err := pgconn.ConnectConfig(within, cfg)
	var pg *pgconn.PgError
	var unasked *instance.UnaskedError
	switch {
	case err == nil:
		_ = c.Close(within)
		return false, instance.NotInForce("%s still lets sessions in at port %d", m.Name(), s.Port)
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case errors.As(err, &unasked), errors.As(dialled, &unasked):
		return false, fmt.Errorf("ask %s at port %d: %w", m.Name(), s.Port, unasked)
	case errors.Is(dialled, syscall.ECONNREFUSED):
		return true, nil
	case dialled == nil && within.Err() != nil: // once may be a busy host; one that goes on is a server that hangs
		return true, fmt.Errorf("ask %s at port %d: %w", m.Name(), s.Port, errHung)
	case dialled != nil:
		return false, fmt.Errorf("ask %s at port %d: %w", m.Name(), s.Port, dialled)
	case !errors.As(err, &pg):
		return false, nil // it took the connection and did not answer as a server does
	}
	switch {
	case pg.Code == cannotConnectNow:
		return false, fmt.Errorf("%s is starting or stopping", m.Name())
	case pg.Code == invalidSpec && pg.Routine == "ClientAuthentication":
		return false, nil
	case pg.Code == tooManyConnections:
		return false, fmt.Errorf("ask %s at port %d: %w", m.Name(), s.Port, errFull)
	}
	return false, instance.NotInForce("%s still answers at port %d: %s", m.Name(), s.Port, pg.Message)
}
