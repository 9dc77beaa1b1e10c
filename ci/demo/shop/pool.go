package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
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

// Where the shop finds its database when the environment says nothing. The passwords are those
// that ci/demo/backup.sh gives the roles.
const (
	appDatabase   = "postgres://shop_app:demo-shop-app@db:5432/shop?sslmode=disable"
	ownerDatabase = "postgres://shop_owner:demo-shop-owner@db:5432/shop?sslmode=disable"
)

// config is what the configuration file says.
type config struct {
	Pepper  string        // mixed into passwords before they are hashed
	Shelf   string        // the shelf that is on sale
	Session time.Duration // how long a log-in lasts
}

// readConfig reads "key = value" lines. A missing file gives the defaults and found is false:
// this is how real programs behave when a backup image lacks its configuration folder, and
// what the scenario backup-without-config is about.
func readConfig(name string) (c config, found bool, err error) {
	c = config{Session: time.Hour}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return c, false, nil
	}
	if err != nil {
		return c, false, fmt.Errorf("read configuration: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := c.set(line); err != nil {
			return c, true, fmt.Errorf("read configuration: %s:%d: %w", name, n, err)
		}
	}
	return c, true, lines.Err()
}

func (c *config) set(line string) error {
	key, value, ok := strings.Cut(line, "=")
	if !ok {
		return errors.New("a line is written key = value")
	}
	value = strings.TrimSpace(value)
	switch key = strings.TrimSpace(key); key {
	case "pepper":
		c.Pepper = value
	case "shelf":
		c.Shelf = value
	case "session":
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return fmt.Errorf("session %q is not a length of time such as 12h", value)
		}
		c.Session = d
	default:
		return fmt.Errorf("there is no setting %q", key)
	}
	return nil
}

// setting is the environment's value, or the default.
func setting(name, otherwise string) string {
	if v := os.Getenv(name); v != "" {
		return v
	}
	return otherwise
}
