package mysql

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/mysql/session"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/scenarios"
)

func loader(t testing.TB, settings string) *Loader {
	t.Helper()
	s, err := scenarios.ParseSettings("mysql", settings)
	require.NoError(t, err)
	l, problems := New(s)
	require.Empty(t, problems)
	return l
}

func source(content, promised string) restore.Source {
	s := restoretest.Source("shop-db", "x.sql", []byte(content), promised)
	s.Unused = false
	return s
}

func sample(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile("mysqldump/testdata/" + name + ".sql")
	require.NoError(t, err)
	return string(raw)
}

// ask gives the answer of the server, columns with | between.
func ask(t *testing.T, m *machine, query string) string {
	t.Helper()
	conn, end, err := loader(t, settings).connect(t.Context(), m)
	require.NoError(t, err)
	defer end()
	rows, err := session.Texts(t.Context(), conn, query)
	require.NoError(t, err)
	var all []string
	for _, r := range rows {
		all = append(all, strings.Join(r, "|"))
	}
	return strings.Join(all, "\n")
}

func TestLoad(t *testing.T) {
	m := mariadb(t)
	mysql8 := strings.NewReplacer("utf8mb4_0900_ai_ci", "utf8mb4_general_ci").Replace(sample(t, "mysql-8.0"))
	for name, test := range map[string]struct {
		text, settings, query, want string
		notes                       []string
	}{
		"plain": {sample(t, "mariadb-10.11"), "", "select count(*), max(hex(picture)), max(city) from shop.customers", "6|00010227FF5C0A0D1A|北京",
			[]string{"account app@% was made without login", "event_scheduler is off"}},
		"databases": {sample(t, "mariadb-databases"), "database: shop", "select count(*), sum(total) from shop.orders", "5|17.50", nil},
		"another":   {sample(t, "mariadb-10.11"), "database: crm", "select count(*) from crm.big union all select count(*) from crm.mine", "0\n6", nil},
		"comments":  {sample(t, "mariadb-no-comments"), "database: x_y", "select count(*) from x_y.customers where name like 'O''Neil; \\\\\\\\%'", "1", nil},
		"compact":   {sample(t, "mariadb-compact"), "{database: x, unmarked: true}", "select count(*) from x.customers", "6", []string{"is not known"}},
		"mysql 8": {mysql8, "", "select count(*), max(name), group_concat(hex(hidden)) from crm.contacts", "2|王芳|FF",
			[]string{"GTID", "binlog.000003", "dumped from MySQL 8.0.36"}},
		"account": {sample(t, "mariadb-10.11"), "users: {web: {password: wordpass}}", "select count(*) from mysql.db where user = 'web' and db = 'shop'", "1", nil},
	} {
		t.Run(name, func(t *testing.T) {
			set := settings
			if test.settings != "" {
				set = strings.Trim(test.settings, "{}")
				if !strings.HasPrefix(test.settings, "{") {
					set = test.settings
				}
				set = "{password: sesame, " + set + "}"
			}
			ask(t, m, "drop user if exists app@'%'")
			out, err := loader(t, set).Load(t.Context(), source(test.text, ""), m)
			require.NoError(t, err)
			assert.Equal(t, test.want, ask(t, m, test.query))
			all := strings.Join(out.Notes, "\n")
			for _, n := range test.notes {
				assert.Contains(t, all, n)
			}
			assert.Equal(t, int64(len(test.text)), out.Bytes)
			assert.Equal(t, "0|16777216|OFF", ask(t, m, "select @@global.read_only, @@global.max_allowed_packet, @@global.event_scheduler"))
			t.Log(all)
		})
	}
	assert.Equal(t, "0", ask(t, m, "select count(*) from information_schema.tables where table_name = 'nothing'"))
}

func TestLoadCompressed(t *testing.T) {
	m := mariadb(t)
	var gz, zst bytes.Buffer
	w := gzip.NewWriter(&gz)
	_, _ = io.WriteString(w, sample(t, "mariadb-10.11"))
	require.NoError(t, w.Close())
	z, err := zstd.NewWriter(&zst)
	require.NoError(t, err)
	_, _ = io.WriteString(z, sample(t, "mariadb-10.11"))
	require.NoError(t, z.Close())
	for _, packed := range []string{gz.String(), zst.String()} {
		out, err := loader(t, settings).Load(t.Context(), source(packed, ""), m)
		require.NoError(t, err)
		assert.True(t, strings.HasPrefix(out.Made, "2026-11-29 "))
		_, err = loader(t, settings).Load(t.Context(), source(packed[:len(packed)-20], ""), m)
		require.ErrorAs(t, err, new(*restore.BackupError))
	}
}

// The database that an image makes at its first start is none that the backup lost; one with something in it is somebody's.
func TestLoadBesideAnEmptyDatabase(t *testing.T) {
	m := mariadb(t)
	ask(t, m, "create database web")
	l := loader(t, settings)
	require.NoError(t, l.Prepare(&instance.Request{Name: m.Name(), Env: map[string]string{"MARIADB_DATABASE": "web"}}))
	for _, held := range []bool{true, false} {
		if held {
			ask(t, m, "create table web.mine (n int)")
		} else {
			ask(t, m, "drop table web.mine")
		}
		out, err := l.Load(t.Context(), source(sample(t, "mariadb-10.11"), ""), m)
		require.NoError(t, err)
		assert.Equal(t, !held, strings.Contains(strings.Join(out.Notes, "\n"), "was dropped: it was empty"))
		assert.Equal(t, held, ask(t, m, "show databases like 'web'") == "web")
	}
}

func TestLoadBad(t *testing.T) {
	m := mariadb(t)
	good := sample(t, "mariadb-10.11")
	swap := func(old, new string) string {
		require.Contains(t, good, old)
		return strings.Replace(good, old, new, 1)
	}
	var bad *restore.BackupError
	var image *restore.ImageError
	var lack *restore.LackError
	for name, test := range map[string]struct {
		text, promised, want string
		is                   any
	}{
		"syntax":        {swap("ENGINE=InnoDB AUTO", "ENGIN=InnoDB AUTO"), "", "1911", &bad},
		"duplicate":     {swap("(2,", "(1,"), "", "a key that stands twice", &bad},
		"columns":       {swap("(2,", "(2,2,"), "", "1136", &bad},
		"too long":      {swap("'北京'", "'"+strings.Repeat("x", 60)+"'"), "", "took a value for another one", &bad},
		"no date":       {swap("'1999-01-02'", "'1999-13-02'"), "", "took a value for another one", &bad},
		"out of range":  {swap("-12.50", "12345678901.5"), "", "took a value for another one", &bad},
		"not its text":  {swap("北京", "\xe5\x8c"), "", "took a value for another one", &bad},
		"cut":           {good[:len(good)/2], "", "cut off", &bad},
		"view":          {swap("from `orders` where", "from `order5` where"), "", "1146", &bad},
		"hostile":       {swap("LOCK TABLES", "\\! touch /tmp/x\nLOCK TABLES"), "", "a command of the client", &bad},
		"digest":        {good, "sha256:" + strings.Repeat("0", 64), "digest is", &bad},
		"engine":        {swap("ENGINE=InnoDB AUTO", "ENGINE=RocksDB AUTO"), "", "Unknown storage engine", &image},
		"collation":     {sample(t, "mysql-8.0"), "", "1273", &image},
		"character set": {swap("DEFAULT CHARSET=utf8mb4", "DEFAULT CHARSET=utf9"), "", "1115", &image},
		"no end":        {sample(t, "mariadb-compact"), "", "nobody can know", &lack},
		"two dumps":     {good + strings.Replace(good, "Database: shop", "Database: crm", 1), "", "several dumps", &lack},
		"of postgres":   {"--\n-- PostgreSQL database dump\n--\n", "", "SQL of pg_dump", new(*restore.KindError)},
		"a page":        {"<!DOCTYPE html><html>", "", "HTML page", new(*restore.KindError)},
		"sealed":        {"Salted__" + strings.Repeat("x", 100), "", "encrypted by openssl", new(*restore.KindError)},
		"nothing":       {"hello", "", "it is not a dump", &bad},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := loader(t, settings).Load(t.Context(), source(test.text, test.promised), m)
			require.ErrorAs(t, err, test.is)
			assert.ErrorContains(t, err, test.want)
			assert.NotContains(t, err.Error(), "sesame")
			t.Log(err)
		})
	}
	out, err := m.Exec(t.Context(), command("test", "-e", "/tmp/x"))
	require.NoError(t, err)
	assert.NotZero(t, out.Exit)
}
