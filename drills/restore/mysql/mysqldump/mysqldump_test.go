package mysqldump

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore/dump"
)

func sample(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name + ".sql")
	require.NoError(t, err)
	return string(raw)
}

func read(text string) (*Dump, error) {
	d := New()
	return d, d.Read(strings.NewReader(text))
}

func TestReadDumps(t *testing.T) {
	shop := []string{"event ev", "function f", "procedure p", "sequence seqs", "table customers", "table empty_one", "table orders", "trigger tr",
		"view big", "view mine"}
	for name, want := range map[string]struct {
		objects     []string
		table       Object
		rows        int64
		tool, named string
		ended       string
		position    string
		plain       bool
		unknown     bool
	}{
		"mariadb-10.11": {objects: shop, table: Object{Table, "", "customers"}, rows: 6, tool: "MariaDB", named: "shop", ended: "2026-11-29 "},
		"mariadb-databases": {objects: shop, table: Object{Table, "shop", "customers"}, rows: 6, tool: "MariaDB", named: "shop",
			ended: "2026-11-29 "},
		"mariadb-no-comments": {objects: shop[3:9], table: Object{Table, "", "orders"}, rows: 5, plain: true},
		"mariadb-compact":     {objects: shop[3:9], table: Object{Table, "", "orders"}, rows: 5, plain: true, unknown: true},
		"mysql-8.0": {objects: []string{"table contacts"}, table: Object{Table, "", "contacts"}, rows: 2, tool: "MySQL", named: "crm",
			ended: "2026-11-28 02:00:01", position: "LOG_POS=157"},
	} {
		t.Run(name, func(t *testing.T) {
			text := sample(t, name)
			d, err := read(text)
			require.NoError(t, err)
			var all []string
			for _, o := range d.Objects() {
				assert.Equal(t, want.table.Database, o.Database)
				all = append(all, o.Kind+" "+o.Name)
			}
			assert.Equal(t, want.objects, all)
			n, unsure := d.Rows(want.table)
			assert.Equal(t, want.rows, n)
			assert.False(t, unsure)
			assert.Equal(t, want.tool, d.Tool)
			assert.Equal(t, want.named, d.Name)
			assert.True(t, strings.HasPrefix(d.Ended, want.ended), d.Ended)
			assert.Contains(t, d.Position, want.position)
			assert.Equal(t, want.plain, d.Plain)
			assert.Equal(t, want.unknown, !d.Known())

			bytewise := New() // whatever pieces it comes in
			require.NoError(t, bytewise.Read(iotest.OneByteReader(strings.NewReader(text))))
			assert.Equal(t, fmt.Sprint(*d), fmt.Sprint(*bytewise))

			var out bytes.Buffer // what is passed on is a dump of the same
			d = New()
			d.Out = &out
			require.NoError(t, d.Read(strings.NewReader(text)))
			again, err := read(out.String())
			require.NoError(t, err)
			assert.Equal(t, d.Objects(), again.Objects())
			assert.Equal(t, d.rows, again.rows)
			assert.Empty(t, again.Left)
			if len(d.Left) == 0 {
				assert.Equal(t, text, out.String())
			}
		})
	}
}

// A dump that is cut anywhere is no dump.
func TestReadCut(t *testing.T) {
	for name, step := range map[string]int{"mariadb-10.11": 41, "mysql-8.0": 3, "mariadb-no-comments": 41} {
		text := strings.TrimRight(sample(t, name), "\n")
		begins := strings.Index(text, "SET NAMES") + 20 // before it nothing tells that it is a dump
		for i := begins; i < len(text)-len(" on 2026-11-29  1:46:51"); i += step {
			_, err := read(text[:i])
			if !assert.ErrorAs(t, err, new(*dump.Damage), "%s cut at %d: …%q", name, i, text[max(0, i-30):i]) {
				return
			}
		}
	}
}

func TestReadBad(t *testing.T) {
	good := sample(t, "mysql-8.0")
	before := func(text string) string { return strings.Replace(good, "LOCK TABLES", text+"\nLOCK TABLES", 1) }
	row := func(value string) string { return strings.Replace(good, "(1,'王芳'", "("+value+",'王芳'", 1) }
	for name, test := range map[string]struct{ text, want string }{
		"shell":           {before(`\! touch /tmp/x`), "a command of the client"},
		"system":          {before("system touch /tmp/x;"), "a command of the client"},
		"source":          {before("source /etc/passwd;"), "a command of the client"},
		"source short":    {before(`\. /etc/passwd`), "a command of the client"},
		"tee":             {before("tee /tmp/x;"), "a command of the client"},
		"pager":           {before("pager cat;"), "a command of the client"},
		"load data":       {before("LOAD DATA INFILE '/etc/passwd' INTO TABLE contacts;"), "no program that dumps writes"},
		"local infile":    {before("/*!40000 LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE contacts*/;"), "no program that dumps writes"},
		"outfile":         {before("SELECT 1 INTO OUTFILE '/tmp/x';"), "files of the server"},
		"dumpfile":        {before("SELECT 1 INTO/**/DUMPFILE '/tmp/x';"), "files of the server"},
		"library":         {before("INSTALL SONAME 'x.so';"), "libraries of the server"},
		"no plugin":       {before("UNINSTALL PLUGIN x;"), "libraries of the server"},
		"global":          {before("SET GLOBAL general_log_file='/tmp/x';"), "settings of the server"},
		"global beside":   {before("SET GLOBAL INNODB_STATS_AUTO_RECALC=OFF, GLOBAL general_log_file='/tmp/x';"), "settings of the server"},
		"global spelt":    {before("/*!50000 SET @@global.event_scheduler=1*/;"), "settings of the server"},
		"prepared":        {before("PREPARE t FROM 'drop table contacts';"), "no program that dumps writes"},
		"accounts":        {before("/*!40000 DROP TABLE `mysql`.`user`*/;"), "tables of the server's own"},
		"call":            {before("CALL p();"), "no program that dumps writes"},
		"shutdown":        {before("SHUTDOWN;"), "no program that dumps writes"},
		"from elsewhere":  {before("INSERT INTO contacts SELECT * FROM mysql.user;"), "come from elsewhere"},
		"reads a file":    {row("LOAD_FILE('/etc/passwd')"), "what is no value"},
		"asks a function": {row("SLEEP(10)"), "what is no value"},
		"a query":         {row("(SELECT 1)"), "what is no value"},
		"a name":          {row("`id`"), "what is no value"},
		"no value":        {row(""), "a value of a row is missing"},
		"a message":       {"mysqldump: [Warning] Using a password on the command line interface can be insecure.\n" + good, "a message of the program"},
		"zeros":           {strings.Replace(good, "LOCK TABLES", strings.Repeat("\x00", 100)+"LOCK TABLES", 1), "zero bytes"},
		"zeros in a text": {strings.Replace(good, "王芳", strings.Repeat("\x00", 100), 1), "zero bytes"},
		"more behind":     {good + "DROP TABLE contacts;\n", "statements follow its closing line"},
		"no rights":       {before("-- insufficient privileges to SHOW CREATE FUNCTION `f`"), "might not read all of it"},
		"no closing line": {good[:strings.Index(good, "-- Dump completed")], "closing line"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(test.text)
			require.ErrorContains(t, err, test.want)
			require.ErrorAs(t, err, new(*dump.Damage))
		})
	}
}

// What stands in texts and comments is neither a statement nor an end.
func TestReadTexts(t *testing.T) {
	text := strings.Replace(sample(t, "mysql-8.0"), "'王芳'", `'\'; SHUTDOWN; -- \\'' /* \Z \! \0'`, 1)
	d, err := read(text)
	require.NoError(t, err)
	n, _ := d.Rows(Object{Table, "", "contacts"})
	assert.Equal(t, int64(2), n)

	gbk := strings.Replace(text, "SET NAMES utf8mb4", "SET NAMES gbk", 1)
	gbk = strings.Replace(gbk, "(1,", "(7,'\x81\\',NULL,3),(1,", 1) // the second byte looks like a backslash
	d, err = read(gbk)
	require.NoError(t, err)
	n, _ = d.Rows(Object{Table, "", "contacts"})
	assert.Equal(t, int64(3), n)
}

// What makes this server another's is left out, and remembered.
func TestReadLeavesOut(t *testing.T) {
	good := sample(t, "mysql-8.0")
	good = strings.Replace(good, "LOCK TABLES", "CHANGE MASTER TO MASTER_LOG_FILE='b.7', MASTER_LOG_POS=9;\nSTART SLAVE;\nLOCK TABLES", 1)
	good = strings.Replace(good, "UNLOCK TABLES;", "UNLOCK TABLES;\nUSE `mysql`;\nDROP TABLE IF EXISTS `user`;\nINSERT INTO `user` VALUES ('root');\n"+
		"USE `other`;\nCREATE TABLE `t` (a int) ENGINE=FEDERATED CONNECTION='mysql://u:p@host/db/t';\n", 1)
	// mysqldump --all-databases of MySQL, around its tables of statistics
	good = strings.Replace(good, "LOCK TABLES", "/*!50606 SET @OLD_INNODB_STATS_AUTO_RECALC=@@INNODB_STATS_AUTO_RECALC */;\n"+
		"/*!50606 SET GLOBAL INNODB_STATS_AUTO_RECALC=OFF */;\n/*!50606 SET GLOBAL INNODB_STATS_AUTO_RECALC=@OLD_INNODB_STATS_AUTO_RECALC */;\nLOCK TABLES", 1)
	d := New()
	var out bytes.Buffer
	d.Out = &out
	require.NoError(t, d.Read(strings.NewReader(good)))
	for _, gone := range []string{"SET GLOBAL", "CHANGE MASTER TO MASTER_LOG_FILE='b.7'", "START SLAVE", "GTID_PURGED", "SQL_LOG_BIN", "root", "USE `mysql`"} {
		assert.NotContains(t, strings.ReplaceAll(out.String(), "-- CHANGE", ""), gone)
	}
	assert.Contains(t, out.String(), "USE `other`")
	assert.Contains(t, d.Position, "MASTER_LOG_FILE='b.7', MASTER_LOG_POS=9")
	assert.Equal(t, []string{"other"}, d.Databases())
	assert.Equal(t, []string{"ENGINE=FEDERATED"}, d.Pointing)
	assert.Len(t, d.Left, 3)
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"mysql-8.0", "mariadb-10.11"} {
		raw, err := os.ReadFile("testdata/" + name + ".sql")
		require.NoError(f, err)
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, pieces := New(), New()
		err, other := d.Read(bytes.NewReader(raw)), pieces.Read(iotest.OneByteReader(bytes.NewReader(raw)))
		if err != nil {
			require.ErrorAs(t, err, new(*dump.Damage))
		}
		require.Equal(t, err == nil, other == nil, "%v %v", err, other)
	})
}

// An error of the source is not the dump's.
func TestReadSource(t *testing.T) {
	err := New().Read(iotest.ErrReader(errors.New("gone")))
	require.EqualError(t, err, "gone")
}

// What a statement is about, and what a view or a trigger speaks of.
func TestSubject(t *testing.T) {
	for text, want := range map[string]struct {
		o  Object
		of string
	}{
		"DROP TABLE IF EXISTS `a`":      {Object{Table, "", "a"}, ""},
		"CREATE TABLE `s`.`a` (id int)": {Object{Table, "s", "a"}, ""},
		"INSERT INTO `a` VALUES (1)":    {Object{Table, "", "a"}, ""},
		"LOCK TABLES `a` WRITE":         {Object{Table, "", "a"}, ""},
		"ALTER TABLE `a` DISABLE KEYS":  {Object{Table, "", "a"}, ""},
		"DO SETVAL(`q`, 5, 0)":          {Object{Sequence, "", "q"}, ""},
		"CREATE DEFINER=`x`@`%` trigger tr before update on a for each row x": {Object{Trigger, "", "tr"}, "a"},
		"CREATE ALGORITHM=UNDEFINED VIEW `v` AS select 1":                     {Object{View, "", "v"}, ""},
		"CREATE DATABASE `s`": {}, "DROP DATABASE `s`": {}, "USE `s`": {}, "UNLOCK TABLES": {}, "SET NAMES utf8mb4": {}, "COMMIT": {},
	} {
		o, of := Parse(text).Subject()
		assert.Equal(t, want.o, o, text)
		assert.Equal(t, want.of, of, text)
	}
	var names []string
	for _, o := range Parse("CREATE VIEW `v` AS select `a`.`id`, `f`(1) from ((`a` join `s`.`b` on (`a`.`x` = 1)) left join `c` `d` on (1))").Names() {
		names = append(names, o.Database+"."+o.Name)
	}
	assert.Equal(t, []string{".f", ".a", "s.b", ".c"}, slices.DeleteFunc(names, func(n string) bool { return n == ".on" || n == ".from" }))
}
