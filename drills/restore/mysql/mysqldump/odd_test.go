package mysqldump

import (
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore/dump"
)

// The bodies of routines are what users wrote, and nothing of them runs while they are made; of a trigger it may.
func TestRoutinesThatWriteFiles(t *testing.T) {
	good := sample(t, "mysql-8.0")
	with := func(text string) string {
		return strings.Replace(good, "LOCK TABLES", "DELIMITER ;;\n"+text+" ;;\nDELIMITER ;\nLOCK TABLES", 1)
	}
	for _, text := range []string{"CREATE DEFINER=`root`@`localhost` PROCEDURE `export`() SELECT * FROM contacts INTO OUTFILE '/tmp/x'",
		"CREATE DEFINER=`root`@`localhost` FUNCTION `f`() RETURNS text RETURN LOAD_FILE('/etc/motd')",
		"/*!50106 CREATE*/ /*!50117 DEFINER=`root`@`localhost`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY DO SELECT 1 INTO OUTFILE '/tmp/x' */"} {
		_, err := read(with(text))
		assert.NoError(t, err, text)
	}
	for _, text := range []string{"CREATE TRIGGER `t` BEFORE INSERT ON `contacts` FOR EACH ROW SET @x = LOAD_FILE('/etc/motd')",
		"CREATE VIEW `v` AS SELECT LOAD_FILE('/etc/motd')"} {
		_, err := read(with(text))
		assert.ErrorAs(t, err, new(*dump.Damage), text)
	}
}

// Rows of tables that the dump nowhere makes are those of mysqldump --no-create-info; where it makes others, a table is lost.
func TestRowsWithoutTables(t *testing.T) {
	good := sample(t, "mysql-8.0")
	before, rest, _ := strings.Cut(good, "CREATE TABLE")
	_, rest, _ = strings.Cut(rest, ";\n")
	without := before + rest
	d, err := read(without)
	require.NoError(t, err)
	assert.Equal(t, "contacts", d.Homeless)
	assert.Empty(t, d.Objects())
	_, err = read(strings.Replace(without, "UNLOCK TABLES;", "UNLOCK TABLES;\nCREATE TABLE `other` (a int);\n", 1))
	assert.ErrorContains(t, err, "rows of table contacts come before any table is made")
	d, err = read(strings.Replace(without, "UNLOCK TABLES;", "UNLOCK TABLES;\nCREATE TRIGGER t BEFORE INSERT ON contacts FOR EACH ROW SET @a = 1;\n", 1))
	require.NoError(t, err)
	assert.Empty(t, d.Objects(), "a trigger of no table is not made")
	_, err = read(strings.Replace(good, "DROP TABLE", "ALTER TABLE `lost` ADD KEY (a);\nDROP TABLE", 1))
	assert.ErrorContains(t, err, "rows of table lost come before any table is made")
	d, err = read(good)
	require.NoError(t, err)
	assert.Empty(t, d.Homeless)
}

// A table that whoever loads the dump leaves out was made in it all the same.
func TestRowsOfTablesThatAreLeftOut(t *testing.T) {
	d := New()
	d.OnStatement = func(s Statement) (string, bool, error) { return "", d.Using() == "crm", nil }
	require.NoError(t, d.Read(strings.NewReader("USE `crm`;\nCREATE TABLE `people` (id int);\nINSERT INTO `people` VALUES (1);\n"+
		"USE `shop`;\nCREATE TABLE `orders` (id int);\nINSERT INTO `orders` VALUES (1),(2);\n")))
	assert.Empty(t, d.Homeless)
	assert.Len(t, d.Objects(), 1)
}

// In the mode ANSI (mysqldump --compatible=ansi) names stand in double quotes, but for what has a mode of its own.
func TestNamesInDoubleQuotes(t *testing.T) {
	text := strings.ReplaceAll(sample(t, "mariadb-10.11"), "SQL_MODE='NO_AUTO_VALUE_ON_ZERO'", "SQL_MODE='NO_AUTO_VALUE_ON_ZERO,ANSI'")
	ansi := strings.ReplaceAll(text, "TABLE `customers`", `TABLE "customers"`)
	ansi = strings.ReplaceAll(ansi, "INTO `customers`", `INTO "customers"`)
	ansi = strings.ReplaceAll(ansi, "TABLE `orders`", `TABLE "orders"`)
	ansi = strings.ReplaceAll(ansi, "INTO `orders`", `INTO "orders"`)
	require.NotEqual(t, text, ansi)
	d, err := read(ansi)
	require.NoError(t, err)
	same, err := read(text)
	require.NoError(t, err)
	assert.Equal(t, same.Objects(), d.Objects())
	n, _ := d.Rows(Object{Table, "", "customers"})
	assert.Equal(t, int64(6), n)
	d, err = read(strings.ReplaceAll(ansi, "ZERO,ANSI", "ZERO,POSTGRESQL")) // --compatible=postgresql
	require.NoError(t, err)
	assert.Equal(t, same.Objects(), d.Objects())
}

// What mariadb-dump --system=all writes of the server itself is left out, whatever else it does to a role is not.
func TestWhatBelongsToTheServer(t *testing.T) {
	good := sample(t, "mysql-8.0")
	with := func(text string) string { return strings.Replace(good, "LOCK TABLES", text+";\nLOCK TABLES", 1) }
	for _, text := range []string{"SELECT COALESCE(CURRENT_ROLE(),'NONE') into @current_role", "CREATE ROLE IF NOT EXISTS mariadb_dump_import_role",
		"GRANT mariadb_dump_import_role TO CURRENT_USER()", "SET ROLE mariadb_dump_import_role", "/*M!100005 SET DEFAULT ROLE NONE FOR 'root'@'localhost' */",
		"/*M!100203 EXECUTE IMMEDIATE CONCAT('SET ROLE ', @current_role) */", "DROP ROLE mariadb_dump_import_role", "INSTALL PLUGIN p SONAME 'p.so'",
		"CREATE AGGREGATE FUNCTION f RETURNS STRING SONAME 'f.so'", "CREATE USER `a`@`%` IDENTIFIED BY PASSWORD '*AB'"} {
		d := New()
		var out strings.Builder
		d.Out = &out
		require.NoError(t, d.Read(strings.NewReader(with(text))), text)
		assert.NotContains(t, out.String(), text)
		assert.NotEmpty(t, d.Left)
	}
	for _, text := range []string{"SELECT COALESCE(CURRENT_ROLE(),'NONE') into @current_role, sleep(9)", "EXECUTE IMMEDIATE CONCAT('DROP TABLE ', @x)"} {
		_, err := read(with(text))
		assert.ErrorAs(t, err, new(*dump.Damage), text)
	}
}

// A dump that a terminal or Windows wrote is read as the client reads it.
func TestLinesOfATerminal(t *testing.T) {
	text := sample(t, "mariadb-10.11")
	crlf := strings.ReplaceAll(text, "\n", "\r\n")
	for _, pieces := range []func(io.Reader) io.Reader{func(r io.Reader) io.Reader { return r }, iotest.OneByteReader, iotest.HalfReader} {
		d := New()
		var out strings.Builder
		d.Out = &out
		require.NoError(t, d.Read(pieces(strings.NewReader(crlf))))
		assert.Equal(t, text, out.String())
		assert.Len(t, d.Left, 1)
	}
	raw, err := io.ReadAll(New().broken(strings.NewReader("a\r\nb\r\r\nc\rd\r")))
	require.NoError(t, err)
	assert.Equal(t, "a\nb\r\nc\rd\r", string(raw))
	raw, err = io.ReadAll(New().broken(strings.NewReader("a\nb\r\n")))
	require.NoError(t, err)
	assert.Equal(t, "a\nb\r\n", string(raw), "whose first line is another's keeps its bytes")
}
