package basebackup

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker/dockertest"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgdata"
)

// boots gives machines as a drill does: prepared by a loader, in the driver's sandbox, and not started.
func boots(t *testing.T, name string) func(l *Loader) instance.Machine {
	t.Helper()
	d := dockertest.Driver(t, "bb"+name)
	generation := 0
	return func(l *Loader) instance.Machine {
		generation++
		r := instance.Request{Name: "db", Generation: generation, Image: image}
		require.NoError(t, l.Prepare(&r))
		m, err := d.Boot(t.Context(), r)
		require.NoError(t, err)
		require.NoError(t, l.Ready(t.Context(), m))
		return m
	}
}

// ask asks the restored server by its own psql.
func ask(t *testing.T, m instance.Machine, database, query string) string {
	t.Helper()
	r, err := m.Exec(t.Context(), instance.Command{Args: []string{"psql", "-qXAt", "-h", "127.0.0.1", "-U", "postgres", "-d", database, "-c", query},
		User: "postgres"})
	require.NoError(t, err)
	return strings.TrimSpace(r.Stdout + r.Stderr)
}

func load(t *testing.T, l *Loader, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	return l.Load(ctx, s, m)
}

// What comes back is the content as of the place where recovery was to end, and the time of it is measured.
func TestRestoreToEveryPlace(t *testing.T) {
	t.Parallel()
	all := sample(t)
	boot := boots(t, "places")
	wal := all.Below("wal").Tarred()
	dropped, err := time.Parse(time.RFC3339Nano, all["time"])
	require.NoError(t, err)
	const orders = "select count(*) from orders"
	for _, c := range []struct {
		name, settings, form, orders, latest string
		to                                   func(at time.Time) bool
	}{
		{"the backup alone", "{}", "tar", "5000", "f", func(at time.Time) bool { return at.Before(dropped) }},
		{"the latest", "wal: archive", "packed", "does not exist", "t", dropped.Before},
		{"a time", "{wal: archive, recover: {time: " + all["time"] + "}}", "tar", "5100", "f", dropped.Equal},
		{"a name", "{wal: archive, recover: {name: noon}}", "tar", "5100", "f", dropped.After},
		{"a transaction", "{wal: archive, recover: {before: '" + all["xid"] + "'}}", "tar", "5100", "f", dropped.Before},
		{"files of a server that was shut down", "{}", "cold", "does not exist", "t", func(at time.Time) bool {
			return !at.Before(dropped.Truncate(time.Second)) // a control file has whole seconds
		}},
	} {
		l := loader(t, c.settings)
		m := boot(l)
		out, err := load(t, l, source(true, all.Below(c.form).Tarred(), wal), m)
		require.NoError(t, err, c.name)
		assert.Contains(t, ask(t, m, "shop", orders), c.orders, c.name)
		assert.Equal(t, c.latest, ask(t, m, "shop", "select to_regclass('latest') is not null"), c.name)
		assert.Equal(t, "500", ask(t, m, "shop", "select count(*) from items"), c.name)
		assert.Equal(t, "off||0|f", ask(t, m, "shop", `select current_setting('archive_mode'), current_setting('primary_conninfo'),
			current_setting('max_logical_replication_workers'), current_setting('shared_preload_libraries') like '%cron%'`), c.name)
		assert.True(t, c.to(out.ConsistentTo), "%s: %s (%s), and the table was dropped at %s", c.name, out.ConsistentTo, out.ConsistentBy, dropped)
		t.Log(c.name, out.ConsistentTo, out.ConsistentBy, out.Notes)
	}
}

// A server that meets a record that is damaged takes it for the end of the WAL, and comes up: what lies behind it is lost in silence.
func TestWALThatCannotBeReadToItsEnd(t *testing.T) {
	t.Parallel()
	all := sample(t)
	boot := boots(t, "damaged")
	tars := all.Below("tar")
	last := ""
	for _, name := range keys(all.Below("wal")) {
		if _, ok := pgdata.ParseSegment(name, 1<<20); ok {
			last = "wal/" + name
		}
	}
	l := loader(t, "wal: archive")
	m := boot(l)
	for _, segment := range []string{"wal/" + after(t, tars, 2).Name(1<<20), last} {
		_, err := load(t, l, source(true, tars.Tarred(), all.With(tree{segment: flip(all[segment], 100)}).Below("wal").Tarred()), m)
		var bad *restore.BackupError
		require.ErrorAs(t, err, &bad, segment)
		assert.Contains(t, bad.Reason, "what follows cannot be read", segment)
	}
	// The machine runs by now: a good one takes the place of what is there.
	_, err := load(t, l, source(true, tars.Tarred(), all.Below("wal").Tarred()), m)
	require.NoError(t, err)
	assert.Equal(t, "t", ask(t, m, "shop", "select to_regclass('latest') is not null"))
	// Another one's transaction is not in its WAL, and a later time is not reached.
	for text, want := range map[string]string{
		"{wal: archive, recover: {time: 2026-01-01T00:00:00Z}}": "and recovery should go back to 2026-01-01T00:00:00Z",
		"{wal: archive, recover: {name: midnight}}":             "no restore point \"midnight\" is in its WAL",
		"{wal: archive, recover: {time: 2100-01-01T00:00:00Z}}": "nothing in its WAL was committed at 2100-01-01T00:00:00Z or later",
	} {
		l := loader(t, text)
		_, err := load(t, l, source(true, tars.Tarred(), all.Below("wal").Tarred()), boot(l))
		assert.ErrorContains(t, err, want)
	}
}
