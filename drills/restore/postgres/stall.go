package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/jackc/pgx/v5"

	"lifeboat/drills/instance"
)

// standstill ends a load that goes on no more. What hangs and an index that takes an hour look alike from here, so it
// says nothing about the backup.
type standstill struct {
	program string
	limit   time.Duration
	running string // what the server runs; "": nothing, or it cannot be asked
}

func (e *standstill) Error() string {
	what := "the server could not be asked what it does"
	if e.running != "" {
		what = "the server ran " + e.running
	}
	return fmt.Sprintf("the load stands still: for %s %s took no byte of the backup and ended no statement, and %s "+
		"(a statement that never ends and one that takes long look alike: raise restore.stall if it takes long)",
		e.limit, e.program, what)
}

// watched runs a command in the machine, and ends it once it stands still: no byte was taken, and the server runs the
// same statements with no progress that it knows of.
func (l *load) watched(ctx context.Context, c instance.Command) (instance.Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if c.Stdin != nil {
		c.Stdin = taking{c.Stdin, l}
	}
	go l.watch(ctx, c.Args[0], cancel)
	r, err := l.machine.Exec(ctx, c)
	var still *standstill
	if errors.As(context.Cause(ctx), &still) {
		l.stop() // the backup may be what hangs
		l.endSessions(context.WithoutCancel(ctx))
		return r, still
	}
	return r, err
}

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

// taking counts what a program takes.
type taking struct {
	r io.Reader
	l *load
}

func (t taking) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.l.taken.Add(int64(n))
	return n, err
}

func (l *load) watch(ctx context.Context, program string, end context.CancelCauseFunc) {
	const most = 10 * time.Second
	limit := l.set.Stall.Std()
	tick := time.NewTicker(min(limit/10, most))
	defer tick.Stop()
	var seen int64 = -1
	var did activity
	since := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if taken := l.taken.Load(); taken != seen {
			seen, since = taken, time.Now()
			continue
		}
		now, err := l.activity(ctx)
		if err == nil && now.mark != did.mark {
			did, since = now, time.Now()
		}
		if time.Since(since) >= limit {
			end(&standstill{program: program, limit: limit, running: did.running})
			return
		}
	}
}

// activity of the load's sessions: mark changes with every statement, and with progress that the server knows of.
type activity struct{ mark, running string }

const doing = `select coalesce(string_agg(pid || ' ' || query_start, ',' order by pid), ''),
	coalesce((array_agg(left(query, 300) || ' since ' || query_start || coalesce(', waiting for ' || wait_event, '')
		order by query_start))[1], '')
	from pg_stat_activity where application_name = 'lifeboat' and pid <> pg_backend_pid() and state <> 'idle'`

const indexing = `select coalesce(sum(blocks_done + tuples_done + partitions_done), 0)::text
	from pg_stat_progress_create_index`

const knowsIndexing = "11" // the last version that does not: pg_stat_progress_create_index came with 12

func (l *load) activity(ctx context.Context) (activity, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	conn, err := l.connect(ctx, l.machine, "postgres")
	if err != nil {
		return activity{}, err
	}
	defer hangUp(ctx, conn)
	a, err := ask(ctx, conn, doing)
	if err == nil && newer(l.server.version, knowsIndexing) {
		var more activity
		more, err = ask(ctx, conn, indexing)
		a.mark += " " + more.mark
	}
	return a, err
}

func ask(ctx context.Context, conn *pgx.Conn, query string) (activity, error) {
	rows, err := texts(ctx, conn, query)
	if err != nil || len(rows) != 1 {
		return activity{}, err
	}
	a := activity{mark: rows[0][0]}
	if len(rows[0]) > 1 {
		a.running = rows[0][1]
	}
	return a, nil
}
