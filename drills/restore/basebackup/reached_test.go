package basebackup

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore/basebackup/pgdata"
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
	assert.ErrorContains(t, ended("LOG:  last completed transaction was at log time 2026-01-31 02:00:00.5+00\n"+
		"FATAL:  recovery ended before configured recovery target was reached\n"),
		"its WAL ends before 2100-01-01T00:00:00Z, to which recovery should go: the last transaction in it was at 2026-01-31T02:00:00Z")
	assert.ErrorContains(t, ended("FATAL:  database files are incompatible with server\nDETAIL:  The data directory was initialized by "+
		"PostgreSQL version 15, which is not compatible with this version 16.1.\n"), "has PostgreSQL 16")
	assert.ErrorContains(t, ended("FATAL:  something new\n"), "may be the fault of the backup, the image or the host: something new")
}
