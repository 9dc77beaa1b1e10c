package basebackup

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
)

const askLimit = 10 * time.Second

// asks whether the server takes sessions, and so has come out of recovery. *restore.LackError: the scenario names no superuser of
// the cluster.
func (b *backup) asks(ctx context.Context, m instance.Machine, at place) (up bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	for _, database := range []string{"postgres", "template1"} {
		var conn *pgconn.PgConn
		if conn, err = b.connect(ctx, m, at.user, database); err == nil {
			defer func() { _ = conn.Close(ctx) }() // nothing hangs on a polite end
			return b.outOfRecovery(ctx, conn, at.user)
		}
		var pg *pgconn.PgError
		const noDatabase = "3D000"
		if !errors.As(err, &pg) || pg.Code != noDatabase {
			break
		}
	}
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && strings.HasPrefix(pg.Code, "28") {
		return false, superuser(at.user, pg.Message)
	}
	return false, err
}

func superuser(user, why string) error {
	return &restore.LackError{Lack: record.LackSuperuser, What: fmt.Sprintf("%s is no superuser of the cluster: %s", user, why)}
}

func (b *backup) outOfRecovery(ctx context.Context, conn *pgconn.PgConn, user string) (bool, error) {
	results, err := conn.Exec(ctx, "select pg_is_in_recovery(), (select rolsuper from pg_roles where rolname = current_user)").ReadAll()
	if err != nil || len(results) != 1 || len(results[0].Rows) != 1 {
		return false, err
	}
	row := results[0].Rows[0]
	if string(row[1]) != "t" {
		return false, superuser(user, "it is another role")
	}
	return string(row[0]) == "f", nil
}

// connect opens a session through the machine's own tunnel, where the server trusts who comes.
func (b *backup) connect(ctx context.Context, m instance.Machine, user, database string) (*pgconn.PgConn, error) {
	c, err := pgconn.ParseConfig("host=server sslmode=disable passfile='' sslcert='' sslkey='' sslrootcert='' target_session_attrs=any")
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", m.Name(), err)
	}
	c.Host, c.Port, c.User, c.Password, c.Database = m.Name(), uint16(b.set.Port), user, "", database
	c.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	c.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return m.Dial(ctx, b.set.Port) }
	c.RuntimeParams = map[string]string{"application_name": "lifeboat", "search_path": "pg_catalog", "statement_timeout": "0"}
	return pgconn.ConnectConfig(ctx, c)
}
