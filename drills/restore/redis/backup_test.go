package redis

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/scenarios"
)

func loader(t testing.TB, settings string) *Loader {
	t.Helper()
	s, err := scenarios.ParseSettings("redis", settings)
	require.NoError(t, err)
	l, problems := New(s)
	require.Empty(t, problems)
	return l
}

func source(content []byte, promised string) restore.Source {
	return restoretest.Source("cache", "cache.rdb", content, promised)
}

func sample(t testing.TB, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("rdb/testdata", name))
	require.NoError(t, err)
	return raw
}

func gzipped(raw []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(raw) // into memory
	_ = w.Close()
	return b.Bytes()
}

// file of a tar.
type file struct {
	name string
	raw  []byte
}

func tarred(t testing.TB, files ...file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: f.name, Size: int64(len(f.raw)), Mode: 0o600}))
		_, err := w.Write(f.raw)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	b.Write(make([]byte, 4096)) // tar pads to its blocks
	return b.Bytes()
}

const (
	base     = "appendonly.aof.2.base.rdb"
	incr     = "appendonly.aof.2.incr.aof"
	manifest = "appendonly.aof.manifest"
)

// parts are those of a log in several.
func parts(t testing.TB) []file {
	var all []file
	for _, name := range []string{base, incr, manifest} {
		all = append(all, file{"appendonlydir/" + name, sample(t, "appendonlydir/"+name)})
	}
	return all
}

func without(files []file, name string) []file {
	return slices.DeleteFunc(slices.Clone(files), func(f file) bool { return filepath.Base(f.name) == name })
}

func bent(raw []byte, at int) []byte {
	raw = bytes.Clone(raw)
	raw[at] ^= 8
	return raw
}

const set = "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n"

// TestRead: what a server starts from is read without one, and what it does not start from is named.
func TestRead(t *testing.T) {
	t.Parallel()
	rdb, log := sample(t, "all.rdb"), sample(t, "appendonlydir/"+incr)
	whole := append(sample(t, "appendonlydir/"+base), log...)
	several := parts(t)
	part := func(name string, raw []byte) file { return file{"appendonlydir/" + name, raw} }
	with := func(files []file, more ...file) []byte { return tarred(t, append(slices.Clone(files), more...)...) }
	const older, younger = "appendonly.aof.1.incr.aof", "appendonly.aof.3.incr.aof"
	named := append(sample(t, "appendonlydir/"+manifest), "file "+younger+" seq 3 type i\n"...)
	torn := without(without(several, manifest), incr)
	for name, test := range map[string]struct {
		raw      []byte
		settings string
		promised string
		made     string
		bad      string // what is wrong with the backup
		unknown  string // what keeps it from being read, which is no word on it
	}{
		"snapshot":              {raw: rdb, made: "2026-11-29 01:47:26 UTC"},
		"snapshot of redis-cli": {raw: append(bytes.Clone(rdb), bytes.Repeat([]byte("a0f9"), endMark/4)...), made: "2026-11-29 01:47:26 UTC"},
		"snapshot, compressed":  {raw: gzipped(rdb), made: "2026-11-29 01:47:26 UTC"},
		"snapshot, as promised": {raw: rdb, promised: restoretest.Digest(rdb), made: "2026-11-29 01:47:26 UTC"},
		"snapshot in a folder": {raw: tarred(t, file{"./redis.conf", []byte("x")}, file{"./dump.rdb", rdb}, file{"./temp-12.rdb", rdb[:99]}),
			made: "2026-11-29 01:47:26 UTC"},
		"log":                         {raw: []byte(set)},
		"log behind a snapshot":       {raw: whole},
		"log in parts":                {raw: tarred(t, several...)},
		"log in parts, compressed":    {raw: gzipped(tarred(t, several...))},
		"log in parts, and beside it": {raw: with(several, file{"dump.rdb", rdb[:500]}, part(older, log), part(younger, nil))},
		"the snapshot beside it":      {raw: with(several, file{"dump.rdb", rdb}), settings: "format: rdb", made: "2026-11-29 01:47:26 UTC"},
		"cut off, as allowed":         {raw: whole[:len(whole)-3], settings: "aof_truncated: allow"},

		"snapshot, not as promised":  {raw: rdb, promised: restoretest.Digest(log), bad: "its manifest promises"},
		"snapshot, 1 %":              {raw: rdb[:128], bad: "it is cut off, or damaged before that"},
		"snapshot, 99 %":             {raw: rdb[:len(rdb)-128], bad: "it is cut off, or damaged before that"},
		"snapshot without its sum":   {raw: rdb[:len(rdb)-8], bad: "it is cut off, or damaged before that"},
		"snapshot, a bit":            {raw: bent(rdb, 5000), bad: "its checksum does not hold"},
		"snapshot, its sum":          {raw: bent(rdb, len(rdb)-1), bad: "its checksum does not hold"},
		"snapshot, and more":         {raw: append(bytes.Clone(rdb), "more"...), bad: "4 bytes follow the end of its snapshot"},
		"snapshot, and as many more": {raw: append(bytes.Clone(rdb), bytes.Repeat([]byte("x"), endMark)...), bad: "40 bytes follow the end of its snapshot"},
		"snapshot, packing cut":      {raw: gzipped(rdb)[:2000], bad: "its gzip compression ends too early"},
		"a server that held nothing": {raw: sample(t, "none.rdb"), bad: "it holds not one key"},
		"log, cut in a command":      {raw: whole[:len(whole)-3], bad: "inside a command (SET) that begins at byte 12955"},
		"log, cut in its snapshot":   {raw: whole[:5000], bad: "its snapshot ends at byte 5000"},
		"log, zeros behind it":       {raw: append([]byte(set), make([]byte, 99)...), bad: "at byte 27 its log holds what is no command"},
		"parts without the base":     {raw: tarred(t, without(several, base)...), bad: "its manifest names " + base + ", which is not there"},
		"parts without an increment": {raw: tarred(t, without(several, incr)...), bad: "its manifest names " + incr + ", which is not there"},
		"parts without the manifest": {raw: tarred(t, without(several, manifest)...), bad: "not the manifest that names them"},
		"parts, the base bent":       {raw: with(without(several, base), part(base, bent(rdb, 5000))), bad: base + ": its checksum does not hold"},
		"parts, a younger one":       {raw: with(several, part(younger, log)), bad: "which is younger than its manifest"},
		"parts, cut in the last":     {raw: with(without(several, incr), part(incr, log[:100])), bad: incr + ": it ends at byte 100 inside a command"},
		"parts, cut, as allowed":     {raw: with(without(several, incr), part(incr, log[:100])), settings: "aof_truncated: allow"},
		"parts, cut in another": {raw: with(torn, part(incr, log[:100]), part(younger, log), file{manifest, named}), settings: "aof_truncated: allow",
			bad: "another part follows it"},
		"packed in a folder": {raw: tarred(t, file{"./redis.conf", []byte("x")}, file{"./dump.rdb.gz", gzipped(rdb)}),
			unknown: "with ./dump.rdb.gz in it, which is gzip"},
		"another's in a folder":      {raw: tarred(t, file{"shop.sql", []byte("-- MySQL dump 10.13\n")}), unknown: "which is a dump of MySQL"},
		"nothing in a folder":        {raw: tarred(t, file{"README", []byte("x")}), bad: "neither a snapshot (RDB) nor a log"},
		"the archive cut off":        {raw: tarred(t, several...)[:9000], bad: "its tar archive is cut off"},
		"no log where one is wanted": {raw: rdb, settings: "format: aof", bad: "there is none of the format that the scenario says (aof) in it"},
		"a folder of something else": {raw: tarred(t, file{"notes.txt", []byte("hello")}), bad: "there is neither a snapshot (RDB) nor a log (AOF) of Redis in it"},
		"nothing":                    {raw: nil, bad: "it is empty"},
		"zeros":                      {raw: make([]byte, 9000), bad: "it is nothing but zero bytes"},
		"a page":                     {raw: []byte("<!doctype html><html>404</html>"), bad: "it is an HTML page"},
		"a text":                     {raw: []byte("a text of somebody's"), bad: "it is neither a snapshot (RDB) nor a log (AOF) of Redis"},
		"encrypted":                  {raw: []byte("Salted__12345678abcdefgh"), unknown: "it is encrypted by openssl"},
		"another system's":           {raw: []byte("PGDMP\x01\x0e\x00"), unknown: "it is an archive of pg_dump"},
		"two servers' snapshots":     {raw: tarred(t, file{"a/dump.rdb", rdb}, file{"b/dump.rdb", rdb}), unknown: "it holds several snapshots (dump.rdb, dump.rdb)"},
		"two servers' logs":          {raw: tarred(t, append(parts(t), parts(t)...)...), unknown: "it holds " + base + " twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := loader(t, or(test.settings, "{}")).Read(t.Context(), source(test.raw, test.promised))
			var bad *restore.BackupError
			var kind *restore.KindError
			switch {
			case test.bad != "":
				require.Error(t, err)
				assert.True(t, errors.As(err, &bad) || errors.As(err, &kind) && kind.Bad(), "%v", err)
				assert.ErrorContains(t, err, test.bad)
			case test.unknown != "":
				require.ErrorContains(t, err, test.unknown)
				assert.False(t, errors.As(err, &bad) || errors.As(err, &kind) && kind.Bad(), "%v", err)
			default:
				require.NoError(t, err)
				assert.Equal(t, restoretest.Digest(test.raw), out.Digest)
				assert.Equal(t, int64(len(test.raw)), out.Bytes)
				assert.Equal(t, test.made, out.Made)
			}
		})
	}
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// TestLook: what no server of the image reads is told before it boots, and when a snapshot was made.
func TestLook(t *testing.T) {
	t.Parallel()
	rdb := sample(t, "all.rdb")
	newer := bytes.Replace(rdb, []byte("REDIS0010"), []byte("REDIS0012"), 1)
	for name, test := range map[string]struct {
		raw    []byte
		env    map[string]string
		misfit string
	}{
		"the same":            {raw: rdb, env: map[string]string{"REDIS_VERSION": "7.0.15"}},
		"for an older server": {raw: rdb, env: map[string]string{"REDIS_VERSION": "6.2.14"}, misfit: "Redis 7.0.15 (RDB 10), and the instance's image has Redis 6.2.14"},
		"of Redis 8":          {raw: newer, env: map[string]string{"VALKEY_VERSION": "8.0.1"}, misfit: "the instance's image has Valkey 8.0.1"},
		"for a later one":     {raw: newer, env: map[string]string{"REDIS_VERSION": "9.1"}},
		"nobody knows":        {raw: newer, env: map[string]string{}},
		"a log":               {raw: []byte(set), env: map[string]string{"REDIS_VERSION": "2.8"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := source(test.raw, "")
			s.Env = func(context.Context) (map[string]string, error) { return test.env, nil }
			err := loader(t, "{}").Look(t.Context(), s)
			if test.misfit == "" {
				assert.NoError(t, err)
				return
			}
			var misfit *restore.MisfitError
			require.ErrorAs(t, err, &misfit)
			assert.Contains(t, misfit.Reason(), test.misfit)
		})
	}
	made, err := loader(t, "{}").Made(t.Context(), source(gzipped(rdb), ""))
	require.NoError(t, err)
	assert.Equal(t, "2026-11-29 01:47:26 UTC", made)
	_, err = loader(t, "{}").Made(t.Context(), source(sample(t, "appendonlydir/"+base), ""))
	assert.Error(t, err, "what a log begins with says nothing of its end")
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	s, err := scenarios.ParseSettings("redis", "{format: x, aof_truncated: maybe, folder: data, port: 0, stall: 0s}")
	require.NoError(t, err)
	_, problems := New(s)
	assert.Len(t, problems, 5)
}
