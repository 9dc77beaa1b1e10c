package postgres

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/internal/filekind"
)

// tarred packs files, each by its name and its content.
func tarred(t *testing.T, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: files[i], Size: int64(len(files[i+1])), Mode: 0o600}))
		_, err := w.Write([]byte(files[i+1]))
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.String()
}

// What stands in the place of a dump is named by its first bytes; only what cannot be a backup is the backup's fault.
func TestDetectNamesWhatIsThere(t *testing.T) {
	t.Parallel()
	const dump = "--\n-- PostgreSQL database dump\n--\n"
	for name, test := range map[string]struct {
		raw, want string
		open      bool // it may be good
	}{
		"nothing":          {"", "it is empty", false},
		"zero bytes":       {string(make([]byte, 4096)), "it is nothing but zero bytes", false},
		"an HTML page":     {"\n<!DOCTYPE HTML><title>403</title>", "it is an HTML page", false},
		"a store's answer": {"<?xml version='1.0'?><Error/>", "it is XML", false},
		"pg_dump's error": {"pg_dump: error: connection failed\n",
			"it is a program's message: \"pg_dump: error: connection failed\"", false},
		"text":           {"hello", "neither a custom", false},
		"openssl":        {"Salted__12345678", "encrypted by openssl (unpack it with openssl enc -d", true},
		"gpg":            {"-----BEGIN PGP MESSAGE-----\n", "encrypted by gpg", true},
		"UTF-16":         {"\xff\xfe-\x00-\x00", "it is UTF-16 text", true},
		"MySQL":          {"-- MySQL dump 10.13\n", "it is a dump of MySQL", true},
		"a disk":         {"QFI\xfb\x00\x00\x00\x03", "it is a qcow2 disk image", true},
		"zip, none":      {"PK\x05\x06" + string(make([]byte, 18)), "compression is damaged: there is no file in it", false},
		"bzip2, cut off": {"BZh91AY&SY" + string(make([]byte, 20)), "bzip2 compression", false},
		"zstd, large window": {"\x28\xb5\x2f\xfd\x00\xa0" + string(make([]byte, 100)), "takes more than 64 MiB of memory",
			true},
		"gzip of HTML":                    {gzipped("<html></html>"), "it is an HTML page", false},
		"gzip of gzip of a dump of MySQL": {gzipped(gzipped("-- MySQL dump 10.13\n")), "a dump of MySQL", true},
		"gzip of nothing":                 {gzipped(""), "it is empty", false},
		"a dump with a BOM":               {filekind.BOM + dump, "", true},
		"tar around a dump":               {tarred(t, "shop.sql", dump), "with shop.sql in it, which is SQL of pg_dump", true},
		"gzip of tar around an archive":   {gzipped(tarred(t, "backup/shop.dump", "PGDMP\x01\x0e")), "with backup/shop.dump in it", true},
		"a folder of packed dumps":        {tarred(t, "README", "x", "a.sql.gz", gzipped(dump), "b.sql.gz", gzipped(dump)), "with a.sql.gz in it, which is gzip", true},
		"a folder dump, a log before it":  {tarred(t, "a.log.gz", gzipped("x"), "toc.dat", "PGDMP"), "", true},
		"a folder dump without contents":  {tarred(t, "3000.dat.gz", gzipped("x")), "", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := loader(t, settings).Look(t.Context(), source([]byte(test.raw), ""))
			if test.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.want)
			var damage *restore.BackupError
			var kind *restore.KindError
			bad := errors.As(err, &damage) || errors.As(err, &kind) && kind.Bad()
			assert.Equal(t, test.open, !bad)
		})
	}
}

func gzipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}
