package source

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/verifier/database"
)

func TestParseMySQLDump(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("HOME", folder)
	only := func(other ...string) database.Scope {
		return database.Scope{NoDatabase: true, Other: append(other, "--skip-routines", "--skip-events")}
	}
	for line, want := range map[string]MySQLDump{
		"mysqldump --no-defaults --single-transaction shop": {Databases: []string{"shop"}, Scope: only()},
		"mariadb-dump --no-defaults -x -h db -P3307 -ume -psesame shop orders lines -r f.sql": {Databases: []string{"shop"}, File: "f.sql",
			Where: MySQL{Host: "db", Port: "3307", User: "me", Password: "sesame"}, Scope: database.Scope{Tables: []string{"orders", "lines"}, NoDatabase: true, Other: only().Other}},
		"mysqldump --no-defaults --single_transaction=1 -RE -B a b --master-data=2":      {Databases: []string{"a", "b"}},
		"mysqldump --no-defaults --single-tr -REA -n --skip-triggers --ignore-table=a.t": {Scope: database.Scope{NoDatabase: true, NoTables: []string{"a.t"}, Other: []string{"--skip-triggers"}}},
		"mysqldump --no-defaults --single-transaction -RE --databases shop --ignore-table shop.log --ignore-table-data=shop.x -d": {Databases: []string{"shop"},
			Scope: database.Scope{NoTables: []string{"log"}, NoRowsOf: []string{"x"}, SchemaOnly: true}},
	} {
		got, problems := ParseMySQLDump(strings.Fields(line))
		assert.Empty(t, problems, line)
		assert.Equal(t, want, got, line)
	}
	for line, want := range map[string]string{
		"mysqldump --no-defaults shop":                                             "add --single-transaction, or --lock-all-tables",
		"mysqldump --no-defaults --single-transaction":                             "name a database",
		"mysqldump --no-defaults --single-transaction --skip-single-transaction x": "add --single-transaction",
		"mysqldump --no-defaults -x shop -p":                                       "--p: nobody can be asked twice",
		"mysqldump --no-defaults -x shop --password":                               "nobody can be asked twice",
		"mysqldump --no-defaults -x shop --where=id>1":                             "--where: a profile is of all",
		"mysqldump --no-defaults -x shop --skip-tz-utc":                            "its times would be",
		"mysqldump --no-defaults -x shop --no-such":                                "nobody here knows what mysqldump --no-such leaves out",
		"mysqldump --no-defaults -x shop -F":                                       "--flush-logs",
	} {
		_, problems := ParseMySQLDump(strings.Fields(line))
		require.NotEmpty(t, problems, line)
		assert.Contains(t, problems[0], want, line)
	}
	more := filepath.Join(folder, "more.cnf")
	require.NoError(t, os.WriteFile(more, []byte("[mysqldump]\nroutines\nevents=1\n[mysqld]\nuser=mysql\n"), 0o600))
	mine := "# mine\n[client]\nuser = dump # who\npassword='a \\\\ #b'\nhost=db\n!include " + more + "\n[mysqldump]\nsingle_transaction\n"
	require.NoError(t, os.WriteFile(filepath.Join(folder, ".my.cnf"), []byte(mine), 0o600))
	got, problems := ParseMySQLDump(strings.Fields("mysqldump --defaults-file=" + filepath.Join(folder, ".my.cnf") + " -B shop"))
	assert.Empty(t, problems)
	assert.Equal(t, MySQLDump{Databases: []string{"shop"}, Where: MySQL{Host: "db", User: "dump", Password: `a \ #b`}}, got)
	_, problems = ParseMySQLDump([]string{"mysqldump", "--defaults-file=/nothing", "-x", "shop"})
	assert.NotEmpty(t, problems)
}

func TestPlaceOfMySQL(t *testing.T) {
	t.Setenv("MYSQL_UNIX_PORT", "")
	t.Setenv("MYSQL_TCP_PORT", "")
	for want, where := range map[string]MySQL{"tcp db:3306": {Host: "db"}, "tcp 127.0.0.1:3307": {Host: "127.0.0.1", Port: "3307"}, "unix /x.sock": {Host: "localhost", Socket: "/x.sock"},
		"tcp localhost:3306": {Host: "localhost", Protocol: "tcp"}, "tcp 127.0.0.1:1": {Port: "1", Protocol: "tcp"}} {
		network, address, err := where.place()
		require.NoError(t, err)
		assert.Equal(t, want, network+" "+address)
	}
	_, _, err := MySQL{Port: "3307"}.place()
	assert.ErrorContains(t, err, "say 127.0.0.1")
}
