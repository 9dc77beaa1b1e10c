package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	maxConns       = 10
	connectTimeout = 5 * time.Second
	cancelTimeout  = 500 * time.Millisecond
)

// pool keeps up to maxConns sessions. A session outlives the request that wanted it: one that takes longer to open
// than a request may wait serves the next, and a query that ran out of time is cancelled, not its session. Else a
// database that is slow for a moment is asked for a new session by every request, and stays slow.
type pool struct{ *pgxpool.Pool }

func newPool(dsn string) (pool, error) {
	c, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return pool{}, fmt.Errorf("read database address: %w", err)
	}
	c.MaxConns = maxConns
	c.ConnConfig.ConnectTimeout = connectTimeout
	c.ConnConfig.BuildContextWatcherHandler = func(to *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: to, DeadlineDelay: cancelTimeout}
	}
	opened, err := pgxpool.NewWithConfig(context.Background(), c)
	return pool{opened}, err
}

// do lends a session to f. The first session that breaks takes all others with it:
// after the database was replaced one request notices, not ten.
func (p pool) do(ctx context.Context, f func(*pgx.Conn) error) error {
	c, err := p.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	err = f(c.Conn())
	if c.Conn().IsClosed() && ctx.Err() == nil {
		p.Reset()
	}
	return err
}

// broken tells errors of the session from answers of the database.
func broken(err error) bool {
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return answer.Severity == "FATAL" || answer.Severity == "PANIC" || answer.Code == queryCanceled
	}
	var refused refusal
	return err != nil && !errors.As(err, &refused) && !errors.Is(err, pgx.ErrNoRows)
}

// queryCanceled is the answer to a query that ran out of time, as PostgreSQL's appendix A numbers it.
const queryCanceled = "57014"
