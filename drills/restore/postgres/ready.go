package postgres

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/dump"
)

// Ready waits until the server takes an authenticated session over TCP, is out
// of recovery and is still the same server at a second look.
func (l *Loader) Ready(ctx context.Context, m instance.Machine) error {
	return dump.Readiness[time.Time]{Look: l.look, Same: time.Time.Equal, Refused: isAuth}.Wait(ctx, m)
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
