package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	maxConns       = 10
	connectTimeout = time.Second
)

// pool keeps up to maxConns sessions. The first session that breaks takes all idle ones with it:
// after the database was replaced one request notices, not ten.
type pool struct {
	config *pgx.ConnConfig
	slots  chan struct{}

	mu   sync.Mutex
	idle []*pgx.Conn
}

func newPool(dsn string) (*pool, error) {
	c, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("read database address: %w", err)
	}
	c.ConnectTimeout = connectTimeout
	return &pool{config: c, slots: make(chan struct{}, maxConns)}, nil
}

// do lends a session to f. A session is kept only if it is still usable afterwards.
func (p *pool) do(ctx context.Context, f func(*pgx.Conn) error) error {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return fmt.Errorf("wait for a database session: %w", ctx.Err())
	}
	conn, kept := p.take()
	if conn == nil {
		var err error
		if conn, err = pgx.ConnectConfig(ctx, p.config); err != nil {
			return err
		}
	}
	err := f(conn)
	if kept && conn.IsClosed() && pgconn.SafeToRetry(err) && ctx.Err() == nil {
		p.dropIdle(ctx)
		if conn, err = pgx.ConnectConfig(ctx, p.config); err != nil {
			return err
		}
		err = f(conn)
	}
	if conn.IsClosed() || broken(err) {
		conn.Close(context.WithoutCancel(ctx))
		p.dropIdle(ctx)
		return err
	}
	p.mu.Lock()
	p.idle = append(p.idle, conn)
	p.mu.Unlock()
	return err
}

func (p *pool) take() (conn *pgx.Conn, kept bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil, false
	}
	conn, p.idle = p.idle[n-1], p.idle[:n-1]
	return conn, true
}

func (p *pool) dropIdle(ctx context.Context) {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	if len(idle) == 0 {
		return
	}
	go func() { // a dead server may not answer the good-bye
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
		defer cancel()
		for _, c := range idle {
			c.Close(ctx)
		}
	}()
}

// broken tells errors of the session from answers of the database.
func broken(err error) bool {
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		return answer.Severity == "FATAL" || answer.Severity == "PANIC"
	}
	var refused refusal
	return err != nil && !errors.As(err, &refused) && !errors.Is(err, pgx.ErrNoRows)
}
