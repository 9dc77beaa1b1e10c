package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"lifeboat/drills/restore/dump"
)

// endSessions ends what the server still does for a program that is gone.
func (l *load) endSessions(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if conn, err := l.connect(ctx, l.machine, "postgres"); err == nil {
		_, _ = texts(ctx, conn, `select pg_terminate_backend(pid) from pg_stat_activity
			where application_name = 'lifeboat' and state <> 'idle' and pid <> pg_backend_pid()`)
		hangUp(ctx, conn) // a session that stays harms nobody: the next load ends it
	}
}

const doing = `select coalesce(string_agg(pid || ' ' || query_start, ',' order by pid), ''),
	coalesce((array_agg(left(query, 300) || ' since ' || query_start || coalesce(', waiting for ' || wait_event, '')
		order by query_start))[1], '')
	from pg_stat_activity where application_name = 'lifeboat' and pid <> pg_backend_pid() and state <> 'idle'`

const indexing = `select coalesce(sum(blocks_done + tuples_done + partitions_done), 0)::text
	from pg_stat_progress_create_index`

const knowsIndexing = "11" // the last version that does not: pg_stat_progress_create_index came with 12

func (l *load) activity(ctx context.Context) (dump.Activity, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := l.connect(ctx, l.machine, "postgres")
	if err != nil {
		return dump.Activity{}, err
	}
	defer hangUp(ctx, conn)
	a, err := ask(ctx, conn, doing)
	if err == nil && newer(l.server.version, knowsIndexing) {
		var more dump.Activity
		more, err = ask(ctx, conn, indexing)
		a.Mark += " " + more.Mark
	}
	return a, err
}

func ask(ctx context.Context, conn *pgx.Conn, query string) (dump.Activity, error) {
	rows, err := texts(ctx, conn, query)
	if err != nil || len(rows) != 1 {
		return dump.Activity{}, err
	}
	a := dump.Activity{Mark: rows[0][0]}
	if len(rows[0]) > 1 {
		a.Running = rows[0][1]
	}
	return a, nil
}
