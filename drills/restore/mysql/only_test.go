package mysql

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/mysql/mysqldump"
	"lifeboat/internal/accident"
	"lifeboat/scenarios"
)

// One database is taken out of a dump of several: nothing of the others is there, and that is said.
func TestLoadOnlyOne(t *testing.T) {
	m := mariadb(t)
	all, err := logged()
	require.NoError(t, err)
	for _, name := range []string{"shop", "crm"} {
		ask(t, m, "drop database if exists shop")
		ask(t, m, "drop database if exists crm")
		out, err := loader(t, "{password: sesame, only: "+name+"}").Load(t.Context(), source(all["all.sql"], ""), m)
		if name == "crm" { // whose tables are empty
			require.ErrorContains(t, err, "what restore.only names of it has not one row, which proves nothing")
			require.ErrorAs(t, err, new(*restore.LackError))
			continue
		}
		require.NoError(t, err)
		other := map[string]string{"shop": "crm", "crm": "shop"}[name]
		assert.Equal(t, &record.Part{Only: name, Left: other}, out.Part)
		assert.Contains(t, strings.Join(out.Notes, "\n"), "only database "+name+" of the dump was restored: nothing is known of "+other)
		assert.Equal(t, name, ask(t, m, "select group_concat(schema_name) from information_schema.schemata where schema_name in ('shop', 'crm')"))
		if name == "shop" {
			assert.Equal(t, "11|100", ask(t, m, "select (select count(*) from shop.orders), (select n from shop.stock)"))
		}
	}
	fresh := func() {
		for _, name := range []string{"shop", "crm"} {
			ask(t, m, "drop database if exists "+name)
		}
	}
	fresh()
	out, err := loader(t, "{password: sesame, only: shop}").Load(t.Context(), source(all["one.sql"], ""), m)
	require.NoError(t, err)
	assert.Nil(t, out.Part, "it is all that the dump holds")
	fresh()
	out, err = loader(t, "{password: sesame, only: shop, binlog: shop-logs}").Load(t.Context(), behind(all["all.sql"], all.Below("mixed")), m)
	require.ErrorContains(t, err, `changes database "shop", which the backup holds, and "crm"`)
	assert.Nil(t, out.Part)
	fresh()
	out, err = loader(t, "{password: sesame, only: shop, binlog: shop-logs}").Load(t.Context(), behind(all["all.sql"], all.Below("logs")), m)
	require.NoError(t, err)
	assert.NotNil(t, out.Part)
	assert.Equal(t, "last of all", ask(t, m, "select note from shop.orders order by id desc limit 1"))
	for text, dump := range map[string]string{"(did you mean shop?)": "all.sql", "it does not hold database shpo": "one.sql"} {
		l := loader(t, "{password: sesame, only: shpo}")
		_, err := l.Load(t.Context(), source(all[dump], ""), m)
		require.ErrorContains(t, err, text)
		_, err = l.Read(t.Context(), source(all[dump], "")) // without a server, too
		require.ErrorContains(t, err, text)
	}
}

func TestOnlySettings(t *testing.T) {
	for text, want := range map[string]string{"{only: a, database: b}": "both given", "{only: mysql}": "belongs to the server"} {
		s, err := scenarios.ParseSettings("mysql", text)
		require.NoError(t, err)
		_, problems := New(s)
		require.Len(t, problems, 1, text)
		assert.Contains(t, problems[0].Message, want)
	}
}

// A name that begins as another one is another one's, and what stands in a view's place is no table that was left out.
func TestPartsOfTwoNames(t *testing.T) {
	const text = "-- MariaDB dump 1\nCREATE DATABASE `tra`;\nUSE `tra`;\nCREATE TABLE `a` (id int);\nINSERT INTO `a` VALUES (1);\nCREATE DATABASE `trade`;\nUSE `trade`;\nCREATE TABLE `a` (id int);\n" +
		"INSERT INTO `a` VALUES (1);\nCREATE TABLE `v` (id tinyint);\nDROP TABLE IF EXISTS `v`;\nCREATE VIEW `v` AS select 1;\n-- Dump completed\n"
	for only, want := range map[string]string{"trade.a": "tra, view trade.v", "trade": "tra", "tra.a": "trade"} {
		job := &load{Loader: loader(t, "{only: "+only+"}"), source: source(text, ""), dump: mysqldump.New()}
		_, err := job.pass(t.Context(), job.reads)
		require.NoError(t, err, only)
		assert.Equal(t, &record.Part{Only: only, Left: want}, job.part())
	}
}

// What the server misses may be the dump's own database where nobody says its name; what its LOCK TABLES leave out the dump could have been taken without.
func TestBlames(t *testing.T) {
	job := func(settings, head string) *load {
		l := &load{Loader: loader(t, settings), source: source("", ""), dump: mysqldump.New()}
		l.begins([]byte(head))
		require.NoError(t, l.dump.Read(strings.NewReader(head+"-- Dump completed\n")))
		return l
	}
	const named = "-- Host: localhost    Database: shop\n"
	assert.ErrorAs(t, job("{}", "").blame(1146, "Table 'shop.s' doesn't exist"), new(*restore.LackError))
	assert.ErrorAs(t, job("{}", named).blame(1146, "Table 'shop.s' doesn't exist"), new(*restore.BackupError))
	assert.ErrorAs(t, job("{database: shop}", "").blame(1146, "Table 'shop.s' doesn't exist"), new(*restore.BackupError))
	for number, text := range map[int]string{1146: "Table 'crm.c' doesn't exist", 1049: "Unknown database 'crm'", 1305: "FUNCTION crm.f does not exist"} {
		assert.ErrorContains(t, job("{}", named+"-- Server version\t10.11.6-MariaDB\n").with("10.11.6-MariaDB").blame(number, text), "it leads to database crm, which it does not hold")
	}
	bare := job("{}", named)
	bare.dump = mysqldump.New()
	assert.ErrorContains(t, bare.blame(1005, "Can't create table `a`.`b` (errno: 150)"), "mysqldump --compact")
	assert.ErrorAs(t, job("{}", named).blame(1005, "Can't create table `a`.`b` (errno: 150)"), new(*restore.BackupError))
	assert.ErrorContains(t, job("{}", named).blame(1100, "Table 's' was not locked"), "dump with --skip-add-locks")
}

// A trigger may name a table of a database that was left out; a table that is called as that one is another thing.
func TestStandsOnAnotherDatabase(t *testing.T) {
	l := &load{choice: choice{left: []string{"crm"}}}
	on := func(database, name string) standing {
		return standing{Object: mysqldump.Object{Kind: mysqldump.Trigger, Database: "shop"}, names: []mysqldump.Object{{Database: database, Name: name}}}
	}
	assert.Equal(t, "crm.c", l.without(on("crm", "c")))
	assert.Empty(t, l.without(on("", "crm")))
}

// A warning of the server says what it took for what, and not the value.
func TestWarningsAreUnsaid(t *testing.T) {
	a := &answers{}
	a.take("Warning (Code 1366): Incorrect integer value: 'a@example.com' for column `shop`.`t`.`i` at row 1")
	assert.Equal(t, "Incorrect integer value: '***' for column `shop`.`t`.`i` at row 1", a.bad)
}

func (l *load) with(version string) *load {
	l.version = version
	return l
}

// A folder of dumps that is none of mydumper's is told by what lies in it.
func TestFolderOfDumps(t *testing.T) {
	_, err := loader(t, "{}").Read(t.Context(), asFolder(accident.Folder{"t.sql": "-- MariaDB dump 10.19\nCREATE TABLE `t` (a int);\n-- Dump completed\n", "t.txt": "1\n"}))
	lack, ok := errors.AsType[*restore.LackError](err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, record.LackInside, lack.Lack)
	assert.Contains(t, lack.What, "with t.sql in it, which is a dump of MySQL or MariaDB")
}
