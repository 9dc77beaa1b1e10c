package basebackup

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/drills/restore/dump"
)

type silent struct{ instance.Machine }

func (silent) Name() string { return "db" }

// Sessions that the server refused while it recovered are not why it ended.
func TestWhyAServerEnded(t *testing.T) {
	t.Parallel()
	const refused = "FATAL:  the database system is not accepting connections\nDETAIL:  Hot standby mode is disabled.\n"
	b := &backup{Loader: loader(t, "recover: {time: 2100-01-01T00:00:00Z}"), ground: &ground{control: &pgdata.Control{}, version: "15"}}
	ended := func(said string) error {
		return b.died(silent{}, instance.State{Exit: 1}, refused+refused+refused+said+refused)
	}
	quiet := ended("LOG:  last completed transaction was at log time 2026-01-31 02:00:00.5+00\nFATAL:  recovery ended before configured recovery target was reached\n")
	assert.ErrorContains(t, quiet, "nothing in its WAL was committed at 2100-01-01T00:00:00Z or later, so that nobody knows whether it leads there: "+
		"the last transaction in it was at 2026-01-31T02:00:00Z")
	assert.ErrorAs(t, quiet, new(*restore.LackError), "its server may have been quiet")
	assert.ErrorContains(t, ended("FATAL:  database files are incompatible with server\nDETAIL:  The data directory was initialized by "+
		"PostgreSQL version 15, which is not compatible with this version 16.1.\n"), "has PostgreSQL 16")
	early := ended("FATAL:  requested recovery stop point is before consistent recovery point\n")
	assert.ErrorAs(t, early, new(*restore.LackError))
	unknown := ended(`2026-11-29 06:43:38.5 GMT [1] LOG:  unrecognized configuration parameter "autovacuum_worker_slots" in file "/data/postgresql.conf" line 702` +
		"\n2026-11-29 06:43:38.5 GMT [1] FATAL:  configuration file \"/data/postgresql.conf\" contains errors\n")
	assert.ErrorAs(t, unknown, new(*restore.ImageError))
	assert.ErrorContains(t, unknown, `parameter "autovacuum_worker_slots" in file`)
	assert.ErrorContains(t, unknown, "take an image of PostgreSQL 15")
	assert.ErrorContains(t, ended("FATAL:  something new\n"), "may be the fault of the backup, the image or the host: something new")
}

// Servers write times in the zone of their configuration, which need not be whole hours off.
func TestTimesOfAnyZone(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"2026-01-31 02:00:00.5+00", "2026-01-31 07:30:00.5+05:30", "2026-01-30 22:30:00.5-03:30", "2026-01-31 10:00:00.5+08",
		"2026-01-31 02:19:32.5+00:19:32"} {
		r := heard("LOG:  last completed transaction was at log time " + at + "\nLOG:  recovery stopping before commit of transaction 740, time " + at + "\n")
		assert.Equal(t, "2026-01-31T02:00:00.5Z", r.last.Format(time.RFC3339Nano), at)
		assert.Equal(t, "2026-01-31T02:00:00.5Z", r.stoppedAt.Format(time.RFC3339Nano), at)
	}
	assert.Zero(t, utc("2026-01-31 02:00:00 CST"), "of several zones")
}

// A server that is there and takes no session is told by what it says: a catalogue that is gone is the backup's, the rest is nobody's yet.
func TestRefusals(t *testing.T) {
	t.Parallel()
	b := &backup{}
	for code, damaged := range map[string]bool{"XX001": true, "XX000": true, "58P01": true, "53300": false, "58030": false} {
		pg := refusalOf(fmt.Errorf("connect: %w", &pgconn.PgError{Code: code, Message: "could not"}))
		require.NotNil(t, pg)
		err := b.refuses(silent{}, pg)
		assert.ErrorContains(t, err, code)
		assert.Equal(t, damaged, errors.As(err, new(*dump.Damage)), code)
	}
	assert.Nil(t, refusalOf(&pgconn.PgError{Code: "57P03"}), "it is recovering")
	assert.Nil(t, refusalOf(errors.New("no route")))
}

// What a server prints for our own questions is no sign that recovery gets on.
func TestQuestionsAreNoProgress(t *testing.T) {
	t.Parallel()
	const asked = "2026-11-29 03:00:00 UTC [7] FATAL:  the database system is starting up\n"
	const standby = "FATAL:  the database system is not accepting connections\nDETAIL:  Hot standby mode is disabled.\n"
	const own = "LOG:  redo starts at 0/2000028\nDETAIL:  of its own\n"
	assert.Equal(t, own, askedAside().ReplaceAllString(asked+standby+own+asked+asked, ""))
}

// A label that names two places is of no backup.
func TestLabelsThatContradictThemselves(t *testing.T) {
	t.Parallel()
	_, err := pgdata.ReadLabel("START WAL LOCATION: 0/3000028 (file 000000010000000000000003)\nCHECKPOINT LOCATION: 0/2000060\n")
	assert.ErrorContains(t, err, "its checkpoint 0/2000060 lies before 0/3000028")
	l, err := pgdata.ReadLabel("START WAL LOCATION: 0/2000028 (file 000000010000000000000002)\nCHECKPOINT LOCATION: 0/2000060\n")
	require.NoError(t, err)
	assert.Equal(t, "000000010000000000000002", l.File)
}

// A server that meets the same damage after each start of its processes never comes up.
func TestServersThatLoop(t *testing.T) {
	t.Parallel()
	b := &backup{ground: &ground{control: &pgdata.Control{}}}
	assert.ErrorContains(t, b.looping(silent{}, "FATAL:  could not open file \"global/pg_filenode.map\": No such file\nLOG:  all server processes terminated\n"),
		"its server ends while it recovers: could not open file")
	assert.ErrorContains(t, b.looping(silent{}, "LOG:  server process was terminated by signal 9\n"), "or the host")
}
