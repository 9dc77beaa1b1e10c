package mydumper

import (
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/mysql/mysqldump"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/accident"
)

type files = accident.Folder

// newer is a folder as mydumper 0.16 writes it, by its source.
var newer = files{
	"metadata": "# Started dump at: 2026-01-31 02:00:00\n[config]\nquote-character = BACKTICK\n\n[myloader_session_variables]\nSQL_MODE='NO_AUTO_VALUE_ON_ZERO,' /*!40101\n" +
		"\n[source]\n# Channel_Name = '' # It can be use to setup replication FOR CHANNEL\n#SOURCE_LOG_FILE = \"x.000009\"\nFile = binlog.000004\nPosition = 1234\n" +
		"Executed_Gtid_Set = 0-1-17\n\n[`shop`.`notes`]\nreal_table_name=notes\nrows = 0\n\n[`shop`.`mydumper_0`]\nreal_table_name=订 单\nrows = 3\n" +
		"triggers_checksum = AB12\n\n[`shop`]\nschema_checksum = FD\npost_checksum = 42\n[config]\nmax-statement-size = 99\n# Finished dump at: 2026-01-31 02:00:09\n",
	"shop-schema-create.sql":          head + "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 */;\n",
	"shop.mydumper_0-schema.sql":      head + "CREATE TABLE `订 单` (\n  `id` int(11) NOT NULL,\n  `doc` json,\n  PRIMARY KEY (`id`)\n) ENGINE=InnoDB;\n",
	"shop.mydumper_0.00000.sql":       head + "INSERT INTO `订 单` VALUES(1,CONVERT('{\"a;\\n\": 1}' USING UTF8MB4))\n,(2,NULL)\n;\n",
	"shop.mydumper_0.00003.00001.sql": head + "INSERT INTO `订 单` (`id`,`doc`) VALUES(7,CONVERT('[]' USING UTF8MB4))\n;\n",
	"shop.notes-schema.sql":           head + "CREATE TABLE `notes` (\n  `id` int(11)\n) ENGINE=InnoDB;\n",
	"shop.late-schema.sql":            head + "CREATE TABLE IF NOT EXISTS `late`(\n`id` int\n) ENGINE=MEMORY;\n",
	"shop.late-schema-view.sql": head + "DROP TABLE IF EXISTS `late`;\nDROP VIEW IF EXISTS `late`;\n" + before +
		"CREATE ALGORITHM=UNDEFINED DEFINER=`app`@`%` SQL SECURITY DEFINER VIEW `late` AS select `订 单`.`id` AS `id` from `订 单`;\n" + behind,
	"shop.mydumper_0-schema-triggers.sql": head + before + "DROP TRIGGER IF EXISTS `tr`;\nCREATE DEFINER=`app`@`%` TRIGGER `tr` BEFORE INSERT ON `订 单` FOR EACH ROW begin\n" +
		"set new.id = abs(new.id); set @x = ';;'; \nset @y = 1; \nend;\n" + behind,
	"shop-schema-post.sql": head + before + "DROP PROCEDURE IF EXISTS `tidy`;\nCREATE DEFINER=`app`@`%` PROCEDURE `tidy`()\nbegin delete from notes; \nend;\n" + behind,
}

const (
	head = "/*!40101 SET NAMES binary*/;\n/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\n/*!40101 SET SQL_MODE='NO_AUTO_VALUE_ON_ZERO,'*/;\n" +
		"/*!40103 SET TIME_ZONE='+00:00' */;\n"
	before = "SET @PREV_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT;\nSET @PREV_CHARACTER_SET_RESULTS=@@CHARACTER_SET_RESULTS;\n" +
		"SET @PREV_COLLATION_CONNECTION=@@COLLATION_CONNECTION;\nSET character_set_client = utf8mb4;\nSET character_set_results = utf8mb4;\n" +
		"SET collation_connection = utf8mb4_general_ci;\n"
	behind = "SET character_set_client = @PREV_CHARACTER_SET_CLIENT;\nSET character_set_results = @PREV_CHARACTER_SET_RESULTS;\n" +
		"SET collation_connection = @PREV_COLLATION_CONNECTION;\n"
)

// folder is a tree as a store streams it.
func folder(of files) restore.Source {
	s := restoretest.Source("shop-db", "2026", []byte(of.Tarred()), "")
	s.Point.Dir = true
	return s
}

// textOf is what a folder gives, as it is loaded.
func textOf(t *testing.T, of files) string {
	t.Helper()
	s := folder(of)
	f, ok, err := Read(t.Context(), s, false)
	require.NoError(t, err)
	require.True(t, ok)
	in, _, err := dump.OpenOf(t.Context(), s)
	require.NoError(t, err)
	defer in.Close()
	r := f.Text(in)
	defer r.Close()
	raw, err := io.ReadAll(r)
	require.NoError(t, err)
	require.NoError(t, in.Finish())
	return string(raw)
}

func TestText(t *testing.T) {
	t.Parallel()
	all := textOf(t, newer)
	d := mysqldump.New()
	var out strings.Builder
	d.Out = &out
	require.NoError(t, d.Read(strings.NewReader(all)))
	assert.Equal(t, "2026-01-31 02:00:00", d.Ended)
	assert.Equal(t, []string{"shop"}, d.Databases())
	assert.Equal(t, []mysqldump.Object{{Kind: "procedure", Database: "shop", Name: "tidy"}, {Kind: "table", Database: "shop", Name: "notes"},
		{Kind: "table", Database: "shop", Name: "订 单"}, {Kind: "trigger", Database: "shop", Name: "tr"}, {Kind: "view", Database: "shop", Name: "late"}}, d.Objects())
	n, unsure := d.Rows(mysqldump.Object{Kind: "table", Database: "shop", Name: "订 单"})
	assert.Equal(t, int64(3), n)
	assert.False(t, unsure)
	log, at, ok := mysqldump.At([]byte(all))
	assert.True(t, ok)
	assert.Equal(t, "binlog.000004", log)
	assert.Equal(t, int64(1234), at)
	assert.Contains(t, d.Position, "gtid_slave_pos='0-1-17'")
	for _, order := range [][2]string{{"CREATE DATABASE", "CREATE TABLE `notes`"}, {"CREATE TABLE `订 单`", "INSERT INTO"}, {"INSERT INTO", "PROCEDURE `tidy`"},
		{"PROCEDURE `tidy`", "VIEW `late`"}, {"VIEW `late`", "TRIGGER `tr`"}} {
		assert.Less(t, strings.Index(all, order[0]), strings.LastIndex(all, order[1]), order)
	}
	assert.Contains(t, all, "end\n;;\n", "a trigger's own ; is no delimiter")
}

// The order of files in a tar is nobody's.
func TestAnyOrder(t *testing.T) {
	t.Parallel()
	names := slices.Sorted(maps.Keys(newer))
	slices.Reverse(names)
	tarred := ""
	for _, name := range names {
		one := files{"dump/" + name: newer[name]}.Tarred()
		tarred += one[:len(one)-1024]
	}
	s := restoretest.Source("shop-db", "x.tar", []byte(tarred+strings.Repeat("\x00", 1024)), "")
	_, ok, err := Read(t.Context(), s, false)
	require.NoError(t, err)
	assert.True(t, ok)
}

func change(of files, name, old, new string) files {
	if !strings.Contains(of[name], old) {
		panic("no " + old + " in " + name)
	}
	return of.With(files{name: strings.Replace(of[name], old, new, 1)})
}

func TestFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	const first = "shop.mydumper_0.00000.sql"
	for want, of := range map[string]files{
		"its file metadata is missing":                               newer.Less("metadata"),
		"mydumper did not end it (metadata.partial is there":         newer.Less("metadata").With(files{"metadata.partial": newer["metadata"]}),
		"does not say that mydumper finished it":                     change(newer, "metadata", "# Finished dump at: 2026-01-31 02:00:09\n", ""),
		"does not say when it was started":                           newer.With(files{"metadata": "hello\n"}),
		"its metadata say 3, and its files hold 1":                   newer.Less(first),
		"its metadata say 3, and its files hold 2":                   newer.Less("shop.mydumper_0.00003.00001.sql"),
		"its metadata say 3, and its files hold 5":                   newer.With(files{"shop.mydumper_0.00001.sql": newer[first]}),
		"the file that makes the table is missing, of which rows":    newer.Less("shop.mydumper_0-schema.sql"),
		"its metadata list shop.notes, and no file makes that":       newer.Less("shop.notes-schema.sql"),
		"shop.late-schema-view.sql is missing":                       newer.Less("shop.late-schema-view.sql"),
		"shop.mydumper_0-schema-triggers.sql is missing":             newer.Less("shop.mydumper_0-schema-triggers.sql"),
		"shop-schema-post.sql is missing":                            newer.Less("shop-schema-post.sql"),
		first + ": it is cut off: it ends inside a statement":        newer.With(files{first: newer[first][:len(newer[first])-2]}),
		first + ": it is cut off: it ends inside a text":             newer.With(files{first: newer[first][:strings.Index(newer[first], "{\"a")+2]}),
		"shop.notes-schema.sql makes no table":                       newer.With(files{"shop.notes-schema.sql": head}),
		"shop.notes-schema.sql: it is cut off: it ends inside a sta": newer.With(files{"shop.notes-schema.sql": newer["shop.notes-schema.sql"][:len(head)+30]}),
		"never restores it":                                          change(newer, "shop-schema-post.sql", behind, ""),
		"shop-schema-post.sql: it is cut off":                        change(newer, "shop-schema-post.sql", "end;\n"+behind, ""),
		"shop.notes.00000.sql holds rows of table 订 单":               newer.With(files{"shop.notes.00000.sql": newer[first]}),
		"shop.notes.00000.sql is nothing but zero bytes":             newer.With(files{"shop.notes.00000.sql": strings.Repeat("\x00", 900)}),
		"shop.notes.00000.sql is an HTML page":                       newer.With(files{"shop.notes.00000.sql": "<!doctype html><html>"}),
		"shop.notes.00000.sql: it holds what no program":             newer.With(files{"shop.notes.00000.sql": "\\! touch x\n"}),
		"crm-schema-create.sql is missing":                           newer.With(files{"crm.t-schema.sql": newer["shop.notes-schema.sql"]}),
	} {
		_, ok, err := Read(t.Context(), folder(of), false)
		assert.True(t, ok, want)
		require.ErrorContains(t, err, want)
		assert.ErrorAs(t, err, new(*dump.Damage), want)
	}
	gz, err := accident.Gzip([]byte(newer[first]))
	require.NoError(t, err)
	_, _, err = Read(t.Context(), folder(newer.Less(first).With(files{first + ".gz": string(gz)})), false)
	require.NoError(t, err)
	_, _, err = Read(t.Context(), folder(newer.Less(first).With(files{first + ".gz": string(gz[:len(gz)-9])})), false)
	assert.ErrorContains(t, err, first+".gz ends too early: it is cut off")
}

// What may be as good as any is not called bad.
func TestDoubts(t *testing.T) {
	t.Parallel()
	schemas := newer.Less("shop.mydumper_0.00000.sql", "shop.mydumper_0.00003.00001.sql")
	for want, of := range map[string]files{
		"rows of it lie in files that LOAD DATA reads":               newer.With(files{"shop.notes.00000.dat": "1\n"}),
		"and not the tables that they belong to":                     {"metadata": newer["metadata"], "shop.notes.00000.sql": head},
		"tables that had not changed for some days":                  newer.With(files{"not_updated_tables": "shop.old\n"}),
		"no file of it makes a database":                             change(newer, "metadata", "post_checksum = 42", "").Less("shop-schema-create.sql", "shop-schema-post.sql"),
		"its names stand in double quotes":                           change(newer, "metadata", "BACKTICK", "DOUBLE_QUOTE"),
		"it holds several dumps of mydumper, 0 and 1":                files{}.Under("0", newer).Under("1", newer),
		"(shop.mydumper_0.00001.sql is not there), and nothing says": change(change(newer, "metadata", "rows = 3", ""), "metadata", "rows = 0", ""),
	} {
		_, ok, err := Read(t.Context(), folder(of), false)
		assert.True(t, ok, want)
		require.ErrorContains(t, err, want)
		assert.ErrorAs(t, err, new(*restore.LackError), want)
	}
	f, _, err := Read(t.Context(), folder(change(change(newer, "metadata", "rows = 3", ""), "metadata", "rows = 0", "")), true)
	require.NoError(t, err)
	assert.Len(t, f.Notes, 1)
	_, _, err = Read(t.Context(), folder(change(schemas, "metadata", "rows = 3", "rows = 0")), false)
	require.NoError(t, err, "without rows, as --no-data writes it")
	_, ok, err := Read(t.Context(), folder(files{"a/toc.dat": "PGDMP"}), false)
	require.NoError(t, err)
	assert.False(t, ok)
}

// When it was begun is known without reading all of it.
func TestBegun(t *testing.T) {
	t.Parallel()
	at, err := Begun(t.Context(), folder(newer))
	require.NoError(t, err)
	assert.Equal(t, "2026-01-31 02:00:00", at)
	at, err = Begun(t.Context(), folder(newer.Less("metadata")))
	require.NoError(t, err)
	assert.Empty(t, at)
	cut := restoretest.Source("shop-db", "2026", []byte(newer.Tarred()[:len(newer.Tarred())/2]), "")
	at, err = Begun(t.Context(), cut)
	require.NoError(t, err)
	assert.NotEmpty(t, at, "what follows the metadata is not read")
}

func TestNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]file{
		"shop.orders.sql":                  {is: rowsOf, database: "shop", table: "orders"},
		"a/shop.orders.00012.sql.gz":       {is: rowsOf, database: "shop", table: "orders", chunk: "00012"},
		"shop.orders.00012.00001.sql.zst":  {is: rowsOf, database: "shop", table: "orders", chunk: "00012.00001"},
		"shop.orders.00000.sql.00002.sql":  {is: rowsOf, database: "shop", table: "orders", chunk: "00000.00002"},
		"shop.00001.sql":                   {is: rowsOf, database: "shop", table: "00001"},
		"shop.a.b.00001.sql":               {is: rowsOf, database: "shop", table: "a.b", chunk: "00001"},
		"shop-schema-create.sql":           {is: createsOne, database: "shop"},
		"my-shop-schema-post.sql.gz":       {is: createsPost, database: "my-shop"},
		"shop-schema-triggers.sql":         {is: createsTriggers, database: "shop"},
		"shop.orders-schema-triggers.sql":  {is: createsTriggers, database: "shop", table: "orders"},
		"shop.orders-schema-view.sql":      {is: createsView, database: "shop", table: "orders"},
		"shop.orders-metadata":             {is: rowCount, database: "shop", table: "orders"},
		"all-schema-create-tablespace.sql": {is: tablespaces, database: "all"},
		"shop.orders-checksum":             {},
		"readme.sql":                       {},
		"shop.orders-schema.sql.bak":       {},
		"metadata.partial":                 {is: partial},
	} {
		want.path = name
		assert.Equal(t, want, fileOf(name))
	}
}

func TestMetadataOfOldVersions(t *testing.T) {
	t.Parallel()
	s := understood("Started dump at: 2026-01-31 02:00:00\nSHOW MASTER STATUS:\n\tLog: binlog.000002\n\tPos: 600\n\tGTID:0-1-8\n\nSHOW SLAVE STATUS:\n\tHost: db1\n" +
		"\tLog: other.000001\n\tPos: 5\n\tGTID:0-2-9\n\nFinished dump at: 2026-01-31 02:00:01\n")
	assert.Equal(t, []any{"2026-01-31 02:00:00", "2026-01-31 02:00:01", "binlog.000002", int64(600), "0-1-8"}, []any{s.Started, s.Ended, s.Log, s.Offset, s.GTID})
	s = understood("Started dump at: 2026-01-31 02:00:00\nSHOW SLAVE STATUS:\n\tHost: db1\n\tLog: other.000001\n\tPos: 5\n\tGTID:(null)\n\n")
	assert.Equal(t, []any{"", "other.000001", int64(5), ""}, []any{s.Ended, s.Log, s.Offset, s.GTID})
	s = understood("# Started dump at: 2026-01-31 02:00:00\n# Finished dump at: 2026-01-31 02:00:01\n# Started dump at: 2026-02-01 02:00:00\n")
	assert.Equal(t, []string{"2026-01-31 02:00:00", ""}, []string{s.Started, s.Ended}, "a second run into it was not ended")
	s = understood("[source]\nSOURCE_LOG_FILE = \"`?,e?U\"\nSOURCE_LOG_POS =  v\n")
	assert.Empty(t, s.Log, "what 0.17 wrote")
}
