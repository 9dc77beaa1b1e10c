package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/instance"
)

// connect opens an authenticated session through the machine's own tunnel.
func (l *Loader) connect(ctx context.Context, m instance.Machine, database string) (*pgx.Conn, error) {
	who, err := l.login(m.Name(), nil)
	if err != nil {
		return nil, err
	}
	// "prefer" asks for TLS first, for a server that insists; the way there is a tunnel either way.
	c, err := pgx.ParseConfig("sslmode=prefer")
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", m.Name(), err)
	}
	c.Host, c.Port = m.Name(), uint16(l.set.Port)
	c.User, c.Password, c.Database = who.user, who.password, database
	for _, f := range c.Fallbacks {
		f.Host, f.Port = c.Host, c.Port
	}
	c.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return m.Dial(ctx, l.set.Port) }
	c.ConnectTimeout = 10 * time.Second
	// What the dump set for its database must not get in the way.
	c.RuntimeParams = map[string]string{"application_name": "lifeboat", "search_path": "pg_catalog",
		"statement_timeout": "0", "lc_messages": "C", "client_encoding": "UTF8"}
	c.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	conn, err := pgx.ConnectConfig(ctx, c)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == noConversion { // from MULE_INTERNAL to UTF8: its bytes as they are
		c.RuntimeParams["client_encoding"] = "SQL_ASCII"
		return pgx.ConnectConfig(ctx, c)
	}
	return conn, err
}

const noConversion = "0A000" // feature_not_supported

// hangUp ends a session, also when ctx is over.
func hangUp(ctx context.Context, conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // nothing hangs on a polite end
}
