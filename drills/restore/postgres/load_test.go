package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/scenarios"
)

func loader(t testing.TB, settings string) *Loader {
	t.Helper()
	s, err := scenarios.ParseSettings("postgres", settings)
	require.NoError(t, err)
	l, problems := New(s)
	require.Empty(t, problems)
	return l
}

func source(content []byte, promised string) restore.Source {
	s := restoretest.Source("shop-db", "x.dump", content, promised)
	s.Unused = false
	return s
}

// dumps are those of one good database, in every format, made once.
var dumps = struct {
	sync.Once
	files map[string][]byte
	err   error
}{}

// rows of the table orders in the dumped database.
const rows = 5000

// good gives a dump of the test's database by the name of its format.
func good(t *testing.T, name string) []byte {
	t.Helper()
	m := postgres(t)
	dumps.Do(func() { dumps.files, dumps.err = makeDumps(t.Context(), m) })
	require.NoError(t, dumps.err)
	raw, ok := dumps.files[name]
	require.True(t, ok, name)
	return raw
}

var dumpCommands = map[string]string{
	"custom":       "pg_dump -Fc shop",
	"uncompressed": "pg_dump -Fc -Z0 shop",
	"seekable":     "pg_dump -Fc -f /tmp/seek.dump shop && cat /tmp/seek.dump",
	"plain":        "pg_dump shop",
	"create":       "pg_dump --create shop",
	"inserts":      "pg_dump --inserts --rows-per-insert=500 shop",
	"tar":          "pg_dump -Ft shop",
	"directory":    "rm -rf /tmp/folder && pg_dump -Fd -f /tmp/folder shop && tar -C /tmp/folder -cf - .",
	"schema":       "pg_dump -Fc --schema-only shop",
	"authorised":   "pg_dump --use-set-session-authorization shop",
	"old quotes":   "PGOPTIONS='-c standard_conforming_strings=off' pg_dump shop",
}

func makeDumps(ctx context.Context, m *machine) (map[string][]byte, error) {
	schema, err := os.ReadFile("testdata/shop.sql")
	if err != nil {
		return nil, err
	}
	out, err := restoretest.CLI(ctx, bytes.NewReader(schema), "exec", "-i", "-u", "postgres", m.ID,
		"psql", "-q", "-v", "ON_ERROR_STOP=1", "-v", fmt.Sprintf("rows=%d", rows))
	if err != nil {
		return nil, fmt.Errorf("%w: %s", err, out)
	}
	files := map[string][]byte{}
	for name, command := range dumpCommands {
		raw, err := exec.CommandContext(ctx, "docker", "exec", "-u", "postgres", m.ID, "bash", "-c", command).Output()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", command, err)
		}
		files[name] = raw
	}
	return files, forget(ctx, m)
}

// forget makes the server as empty as a drill finds it.
func forget(ctx context.Context, m *machine) error {
	const sql = `drop database if exists shop; drop database if exists restored;
		drop database if exists shop_being_restored; drop database if exists restored_being_restored;
		drop role if exists shop_owner; drop role if exists shop_app; drop role if exists reporting;
		drop role if exists "odd Role";`
	out, err := restoretest.CLI(ctx, strings.NewReader(sql), "exec", "-i", "-u", "postgres", m.ID, "psql", "-q", "-v",
		"ON_ERROR_STOP=1")
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func compress(t *testing.T, with string, raw []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&buf)
	if tool := map[string][]string{"xz": {"xz", "-0c"}, "bzip2": {"bzip2", "-c"}, "lz4": {"lz4", "-c"},
		"zip": {"zip", "-q", "-", "-"}, "BOM": {"sh", "-c", `printf '\357\273\277'; cat`}}[with]; tool != nil {
		c := exec.Command(tool[0], tool[1:]...)
		c.Stdin, c.Stdout = bytes.NewReader(raw), &buf
		if err := c.Run(); errors.Is(err, exec.ErrNotFound) {
			t.Skip(err)
		} else {
			require.NoError(t, err)
		}
		return buf.Bytes()
	}
	if with == "zstd" {
		z, err := zstd.NewWriter(&buf)
		require.NoError(t, err)
		w = z
	}
	_, err := w.Write(raw)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buf.Bytes()
}

// state is what the restored database must be, asked of the server itself.
const state = `select (select count(*) from orders) || ' ' || (select sum(total) from orders) || ' ' ||
	(select last_value from orders_id_seq) || ' ' || (select count(*) from totals) || ' ' ||
	(select count(*) from pg_policy) || ' ' || (select count(*) from pg_trigger where not tgisinternal) || ' ' ||
	has_table_privilege('reporting', 'orders', 'select') || ' ' || (select lo_get(70001)) || ' ' ||
	(select tableowner from pg_tables where tablename = 'orders')`

func TestLoadGoodDumps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		dump     string
		pack     string
		settings string
	}{
		"custom":                         {dump: "custom"},
		"custom, uncompressed":           {dump: "uncompressed"},
		"custom with offsets":            {dump: "seekable"},
		"custom in gzip":                 {dump: "uncompressed", pack: "gzip"},
		"custom in zstd":                 {dump: "uncompressed", pack: "zstd"},
		"custom by several jobs":         {dump: "custom", settings: "jobs: 2"},
		"custom in zstd by several jobs": {dump: "seekable", pack: "zstd", settings: "jobs: 2"},
		"plain":                          {dump: "plain"},
		"plain in gzip":                  {dump: "plain", pack: "gzip"},
		"plain in zstd":                  {dump: "plain", pack: "zstd"},
		"plain in xz":                    {dump: "plain", pack: "xz"},
		"plain in zip":                   {dump: "plain", pack: "zip"},
		"plain in bzip2":                 {dump: "plain", pack: "bzip2"},
		"custom in lz4":                  {dump: "uncompressed", pack: "lz4"},
		"plain with a byte order mark":   {dump: "plain", pack: "BOM"},
		"plain that makes its database":  {dump: "create", settings: "database: shop"},
		"plain with inserts":             {dump: "inserts"},
		"plain with old quotes":          {dump: "old quotes"},
		"plain in everybody's name":      {dump: "authorised"},
		"tar":                            {dump: "tar"},
		"tar in gzip":                    {dump: "tar", pack: "gzip"},
		"tar by several jobs":            {dump: "tar", settings: "jobs: 2"},
		"directory":                      {dump: "directory"},
		"directory in gzip":              {dump: "directory", pack: "gzip", settings: "format: directory"},
		"directory by several jobs":      {dump: "directory", settings: "jobs: 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := postgres(t)
			raw := good(t, test.dump)
			if test.pack != "" {
				raw = compress(t, test.pack, raw)
			}
			l := loader(t, settings+"\n"+test.settings+"\nroles: {shop_app: {password: 'it''s \\'}}")
			if l.set.Database == "" {
				l.set.Database = "restored"
			}
			out, err := l.Load(t.Context(), source(raw, restoretest.Digest(raw)), m)
			require.NoError(t, err)
			assert.Equal(t, restoretest.Digest(raw), out.Digest)
			assert.Equal(t, int64(len(raw)), out.Bytes)
			assert.True(t, out.ConsistentTo.IsZero(), "a header without a zone is no consistency time")
			conn, err := l.connect(t.Context(), m, l.set.Database)
			require.NoError(t, err)
			defer hangUp(t.Context(), conn)
			var got string
			_, err = conn.Exec(t.Context(), "set search_path = public, pg_catalog")
			require.NoError(t, err)
			require.NoError(t, conn.QueryRow(t.Context(), state).Scan(&got))
			assert.Equal(t, fmt.Sprintf("%d 1247500 %d 1000 1 1 true \\x6c61726765206f626a656374 shop_owner", rows, rows), got)
		})
	}
}
