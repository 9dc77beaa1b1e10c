package postgres

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/postgres/pgdump"
)

// What a server said, in whatever language, and what the program's exit code makes of it.
func TestResultTellsWhoseFault(t *testing.T) {
	const at = "psql:<stdin>:12: "
	for name, test := range map[string]struct {
		program string
		exit    int
		stderr  string
		from    string // version of the dumped server
		want    string // good, backup, image, unclear
	}{
		"nothing":                  {"psql", 0, "", "", "good"},
		"a notice":                 {"psql", 0, at + "NOTICE:  00000: schema exists, skipping\n", "", "good"},
		"a notice with an error's": {"psql", 0, at + "WARNING:  22012: raised by a function\n", "", "good"},
		"a notice, translated":     {"psql", 0, at + "警告:  01000: 没有权限\n", "", "good"},
		"an error that psql hid":   {"psql", 0, at + "ERROR:  42P01: relation \"x\" does not exist\n", "", "backup"},
		"the same, in Chinese":     {"psql", 0, at + "错误:  42P01: 关系 \"x\" 不存在\n", "", "backup"},
		"the same, in German":      {"psql", 3, at + "FEHLER:  23505: doppelter Schlüsselwert\n", "", "backup"},
		"behind notices": {"psql", 0, strings.Repeat(at+"NOTICE:  00000: x\n", 5) +
			at + "ОШИБКА:  22P02: x\n", "", "backup"},
		"without a proper SQLSTATE": {"psql", 0, at + "ERROR:  00000: raised\n", "", "unclear"},
		"a library":                 {"psql", 3, at + "ERROR:  58P01: could not access file \"$libdir/x\"", "", "image"},
		"a setting of a newer server": {"psql", 3,
			at + "ERROR:  42704: unrecognized configuration parameter \"x\"", "", "image"},
		"a newer syntax":     {"psql", 3, at + "ERROR:  42601: syntax error at or near \"JSON\"", "16.3", "image"},
		"the same from here": {"psql", 3, at + "ERROR:  42601: syntax error at or near \"JSON\"", "15.3", "backup"},
		"no feature":         {"psql", 3, at + "ERROR:  0A000: unlinked", "", "image"},
		"no room":            {"psql", 3, at + "ERROR:  53100: could not extend file", "", "unclear"},
		"shut down":          {"psql", 3, at + "FATAL:  57P01: terminating connection", "", "unclear"},
		"internal":           {"psql", 3, at + "ERROR:  XX000: cache lookup failed", "", "unclear"},
		"rights":             {"psql", 3, at + "ERROR:  42501: permission denied to change owner", "", "unclear"},
		"a role":             {"psql", 3, at + "ERROR:  42704: role \"x\" does not exist", "", "unclear"},
		"a type":             {"psql", 3, at + "ERROR:  42704: type \"x\" does not exist", "", "backup"},
		"raised by the dump": {"psql", 3, at + "ERROR:  P0001: no", "", "backup"},
		"the connection is gone": {"psql", 2, "psql: error: server closed the connection unexpectedly", "",
			"unclear"},
		"words that nobody knows": {"psql", 1, "psql: error: the moon is full", "", "unclear"},
		"a shell's words":         {"psql", 127, "sh: psql: not found", "", "image"},
		"killed":                  {"pg_restore", 137, "", "", "unclear"},
		"an older pg_restore": {"pg_restore", 1, "pg_restore: error: unsupported version (1.16) in file header", "",
			"image"},
		"lz4":               {"pg_restore", 1, "pg_restore: error: could not decompress data: ERROR", "", "backup"},
		"pg_restore itself": {"pg_restore", 1, "pg_restore: error: could not read from input file", "", "unclear"},
		"another program":   {"dd", 1, "dd: error writing", "", "unclear"},
	} {
		t.Run(name, func(t *testing.T) {
			l := &load{source: restore.Source{Backup: "shop-db"}, machine: &machine{Instance: "db"},
				server: &server{version: "15.4"}, dumped: func() string { return test.from }}
			r := instance.Result{Exit: test.exit, Stderr: test.stderr}
			err := l.result(instance.Command{Args: []string{test.program}}, r)
			var bad *restore.BackupError
			var image *restore.ImageError
			got := "unclear"
			switch {
			case err == nil:
				got = "good"
			case errors.As(err, &bad):
				got = "backup"
			case errors.As(err, &image):
				got = "image"
			}
			assert.Equal(t, test.want, got, "%v", err)
			if err != nil && test.stderr != "" {
				assert.Contains(t, err.Error(), strings.TrimPrefix(strings.TrimSpace(lastOf(test.stderr)), at))
			}
		})
	}
}

func lastOf(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

func TestOfEntry(t *testing.T) {
	for name, test := range map[string]struct {
		stderr string
		want   *entryError
	}{
		"a statement": {"pg_restore: error: could not execute query: ERROR:  x\nLINE 1: y\n" +
			"Command was: CREATE VIEW v AS\n SELECT 1;\n\n\n", &entryError{statement: "CREATE VIEW v AS\n SELECT 1;"}},
		"of a worker": {"pg_restore: error: could not execute query: ERROR:  x\nCommand was: CREATE VIEW v;\n\n" +
			"pg_restore: error: a worker process died unexpectedly\n", &entryError{statement: "CREATE VIEW v;"}},
		"of an older one": {"pg_restore: [archiver (db)] could not execute query: ERROR:  x\n" +
			"    Command was: CREATE VIEW v;\n", &entryError{statement: "CREATE VIEW v;"}},
		"data":    {"pg_restore: error: COPY failed for table \"a b\": ERROR:  x\n", &entryError{table: "a b"}},
		"neither": {"pg_restore: error: could not read from input file: end of file\n", nil},
	} {
		assert.Equal(t, test.want, ofEntry(test.stderr, ""), name)
	}
}

// At the end psql itself says what the last error was, and that it read everything.
func TestAnswersAtEnd(t *testing.T) {
	for name, test := range map[string]struct{ out, want string }{
		"no error":          {"COPY 3\nmark 00000\n", ""},
		"an old psql":       {"mark :LAST_ERROR_SQLSTATE\n", ""},
		"an error":          {"COPY 3\nmark 22P02\n", "restore shop-db: a statement failed with SQLSTATE 22P02"},
		"it did not finish": {"COPY 3\n", "did not read the dump to its end"},
	} {
		t.Run(name, func(t *testing.T) {
			l := &load{source: restore.Source{Backup: "shop-db"}, machine: &machine{Instance: "db"}, server: &server{}}
			told := &answers{mark: "mark"}
			_, err := told.Write([]byte(test.out))
			require.NoError(t, err)
			err = l.atEnd(told)
			if test.want == "" {
				assert.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.want)
		})
	}
}

// What an archive's table of contents does not name was left out by whoever dumped; of what it names a loss is the backup's.
func TestUnheld(t *testing.T) {
	l := &load{archive: &pgdump.Archive{Entries: []pgdump.Entry{{Desc: "TABLE", Namespace: "app", Tag: "orders"}, {Desc: "SCHEMA", Tag: "fn"}}}}
	for what, want := range map[string]bool{`relation "fin.acc" does not exist`: true, `schema "fin" does not exist`: true, `relation "app.orders" does not exist`: false,
		`relation "orders" does not exist`: false, `schema "fn" does not exist`: false, `schema "app" does not exist`: false, `column "x" does not exist`: false} {
		assert.Equal(t, want, l.without("pg_restore: error: ERROR:  "+what) != nil, what)
	}
	l.archive = nil
	assert.NoError(t, l.without(`relation "fin.acc" does not exist`), "of a script statements may be lost")
}
