package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/filekind"
)

// What pg_dump makes is known in every form, and whether it says when it was made.
func TestGlance(t *testing.T) {
	t.Parallel()
	const plain, dated = "--\n-- PostgreSQL database dump\n--\n\n", "-- Started on 2026-01-31 02:00:00 UTC\n"
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := w.Write([]byte(plain + dated))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	for name, tc := range map[string]struct {
		raw         []byte
		dump, dated bool
	}{
		"custom":                  {[]byte("PGDMP\x01\x0e\x00"), true, true},
		"plain":                   {[]byte(plain), true, false},
		"plain, --verbose":        {[]byte(plain + dated), true, true},
		"plain, --verbose, gzip":  {zipped.Bytes(), true, true},
		"tar":                     {packed(t, map[string][]byte{"toc.dat": []byte("PGDMP")}), true, true},
		"a folder in a tar":       {packed(t, map[string][]byte{"./3489.dat.gz": nil, "./a/toc.dat": nil}), true, true},
		"a tar of something else": {packed(t, map[string][]byte{"notes.dat": []byte("x"), "3489.txt": nil}), false, true},
	} {
		file := filepath.Join(t.TempDir(), "backup")
		require.NoError(t, os.WriteFile(file, tc.raw, 0o600))
		g, err := glanceAt(file)
		require.NoError(t, err, name)
		assert.Equal(t, tc.dump, g.dump, name)
		assert.Equal(t, tc.dated, g.dated, name)
	}
}

// A log of Redis in parts is one backup, whether its folder or the server's is kept.
func TestGlanceAtParts(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	parts := filepath.Join(data, "appendonlydir")
	require.NoError(t, os.Mkdir(parts, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(parts, "appendonly.aof.manifest"), []byte("file a.1.base.rdb seq 1 type b\n"), 0o600))
	for _, folder := range []string{data, parts} {
		assert.True(t, holdsContents(folder))
		g, err := glanceAt(folder)
		require.NoError(t, err)
		assert.Equal(t, "redis_aof", g.kind.Name)
		assert.False(t, g.dated)
	}
	assert.True(t, glanced(filekind.Named("redis"), "", []byte("REDIS0010\xfa\x05ctime")).dated)
	assert.False(t, glanced(filekind.Named("redis"), "", []byte("REDIS0006")).dated)
	assert.False(t, holdsContents(t.TempDir()))
}

// A base backup in a folder is one backup, its tablespaces and its WAL with it.
func TestGlanceAtBaseBackups(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		names []string
		base  bool
	}{
		{[]string{"base.tar.gz", "16384.tar.gz", "backup_manifest"}, true}, {[]string{"backup_label", "PG_VERSION", "base/1/1259"}, true},
		{[]string{"16384.tar", "backup_manifest"}, false}, {[]string{"PG_VERSION", "pg_wal/000000010000000000000002"}, false},
	} {
		folder := t.TempDir()
		for _, name := range tc.names {
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("x"), 0o600))
		}
		assert.Equal(t, tc.base, holdsContents(folder), tc.names)
		if tc.base {
			g, err := glanceAt(folder)
			require.NoError(t, err)
			assert.True(t, g.base && g.kind.Name == "basebackup")
		}
	}
}

// A full backup of mariadb-backup's is one backup with its increments; two full ones are two.
func TestGlanceAtPhysicalBackups(t *testing.T) {
	t.Parallel()
	const full, increment = "backup_type = full-backuped\n", "backup_type = incremental\n"
	for _, tc := range []struct {
		files map[string]string
		is    bool
	}{
		{map[string]string{"xtrabackup_checkpoints": full}, true}, {map[string]string{"mariadb_backup_checkpoints": full}, true},
		{map[string]string{"full/xtrabackup_checkpoints": full, "inc-1/xtrabackup_checkpoints": increment}, true},
		{map[string]string{"monday/xtrabackup_checkpoints": full, "tuesday/xtrabackup_checkpoints": full}, false},
	} {
		folder := t.TempDir()
		for name, text := range tc.files {
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
		}
		assert.Equal(t, tc.is, holdsContents(folder), tc.files)
		g, err := glanceAt(folder)
		if tc.is {
			require.NoError(t, err)
			assert.Equal(t, "xtrabackup", g.kind.Name)
		}
	}
}

// A folder of mydumper is one backup, and its metadata say when it was made.
func TestGlanceAtMydumper(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		names []string
		is    bool
	}{
		{[]string{"metadata", "shop-schema-create.sql", "shop.orders-schema.sql", "shop.orders.00000.sql"}, true},
		{[]string{"metadata.partial", "shop-schema-create.sql.gz"}, true}, {[]string{"metadata", "notes.sql"}, false}, {[]string{"shop-schema-create.sql"}, false},
	} {
		folder := filepath.Join(t.TempDir(), "of [shop]")
		require.NoError(t, os.Mkdir(folder, 0o700))
		for _, name := range tc.names {
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("x"), 0o600))
		}
		assert.Equal(t, tc.is, holdsContents(folder), tc.names)
		if tc.is {
			g, err := glanceAt(folder)
			require.NoError(t, err)
			assert.True(t, g.kind.Name == "mysql" && g.dated)
		}
	}
}

// A repository is one backup, of whichever program.
func TestGlanceAtRepositories(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		names []string
		of    string
	}{
		{[]string{"config", "keys/1a", "data/00/x", "snapshots/2b"}, "restic"}, {[]string{"config", "README", "data/0/1"}, "borg"},
		{[]string{"archive/shop/archive.info", "backup/shop/backup.info"}, "pgbackrest"},
		{[]string{"shop/identity.json", "shop/base/20261128T020000/backup.info"}, "barman"}, {[]string{"base/20261128T020000/backup.info"}, "barman"},
		{[]string{"config", "index"}, ""}, {[]string{"keys/1a"}, ""}, {[]string{"data/0/1"}, ""},
	} {
		folder := filepath.Join(t.TempDir(), "of [shop]")
		for _, name := range tc.names {
			require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte("x"), 0o600))
		}
		program, _ := repositoryIn(folder)
		assert.Equal(t, tc.of, program, tc.names)
		assert.Equal(t, tc.of != "", holdsContents(folder), tc.names)
	}
}
