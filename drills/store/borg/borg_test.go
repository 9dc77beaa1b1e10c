package borg

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance/docker/dockertest"
	"lifeboat/drills/store"
	"lifeboat/internal/needs"
	"lifeboat/internal/tree"
	"lifeboat/scenarios"
)

// made is a repository of the real borg with an archive of a folder, one of a dump, and one that was not finished; made once for all tests.
var made = sync.OnceValues(func() (string, error) {
	return dockertest.Repository("BORG_PASSPHRASE", `truncate -s 1M sub/holes
export BORG_BASE_DIR=/tmp/base
borg init -e repokey /made/repository 2>/dev/null
borg create --timestamp 2026-01-01T02:00:00 /made/repository::files-1 /srv/files
printf 'select 1;\n' | borg create --timestamp 2026-01-02T02:00:00 --stdin-name shop.sql /made/repository::shop-1 -
borg create --timestamp 2026-01-03T02:00:00 /made/repository::files-2.checkpoint /srv/files/sub`)
})

func TestMain(m *testing.M) { dockertest.Main(m) }

func open(t *testing.T, p *store.Programs, at, extra string) store.Store {
	t.Helper()
	t.Setenv("LIFEBOAT_TEST_BORG", dockertest.Password)
	settings, err := scenarios.ParseSettings("borg", "path: "+at+"\nimage: "+dockertest.RepositoryImage+"\npassword: {env: LIFEBOAT_TEST_BORG}\n"+extra)
	require.NoError(t, err)
	s, problems := New(store.Site{Programs: p}, settings)
	require.Empty(t, problems)
	return s
}

func TestArchives(t *testing.T) {
	p := dockertest.Programs(t)
	at, err := made()
	require.NoError(t, err)
	before := dockertest.Digest(t, at)
	all, err := open(t, p, at, "").List(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 3)
	got := ""
	for _, x := range all {
		got += fmt.Sprintln(x.ID, x.Taken.Format("2006-01-02T15:04:05Z07:00"), x.Unusable)
	}
	assert.Equal(t, "files-1 2026-01-01T02:00:00Z \nshop-1 2026-01-02T02:00:00Z \nfiles-2.checkpoint 2026-01-03T02:00:00Z partial\n", got)
	chosen, err := store.Pick(all, "")
	require.NoError(t, err)
	assert.Equal(t, "shop-1", chosen.ID, "what was not finished is left out, and named")
	require.Len(t, chosen.Skipped, 1)
	text, _, err := dockertest.Fetched(t.Context(), open(t, p, at, ""), all[1])
	require.NoError(t, err)
	assert.Equal(t, "select 1;\n", text)
	text, _, err = dockertest.Fetched(t.Context(), open(t, p, at, "take: /srv/files/sub/zhong [w]*"), all[0])
	require.NoError(t, err)
	assert.Equal(t, "中", text)
	text, _, err = dockertest.Fetched(t.Context(), open(t, p, at, "take: /srv/files"), all[0])
	require.NoError(t, err)
	r := tree.NewTar(strings.NewReader(text), true)
	for err = nil; err == nil; {
		_, err = r.Next()
	}
	require.ErrorIs(t, err, io.EOF)
	is := map[string]tree.Entry{}
	for _, e := range r.Entries() {
		is[e.Path] = e
	}
	assert.Equal(t, uint32(0o2750), is["sub"].Mode)
	assert.Equal(t, 33, is["sub"].UID)
	assert.Equal(t, 44, is["sub"].GID)
	assert.Equal(t, "a", is["sub/hard"].Same)
	assert.Equal(t, "../../x", is["link"].Target)
	assert.Equal(t, tree.Pipe, is["pipe"].Type)
	assert.Equal(t, uint32(0o640), is["a"].Mode)
	assert.True(t, is["sub/holes"].Sparse)
	_, _, err = dockertest.Fetched(t.Context(), open(t, p, at, "take: /srv/gone"), all[0])
	require.ErrorAs(t, err, new(*store.Problem))
	assert.ErrorContains(t, err, "holds no /srv/gone")
	_, _, err = dockertest.Fetched(t.Context(), open(t, p, at, ""), store.Point{ID: "gone"})
	require.ErrorIs(t, err, store.ErrNoPoint)
	for _, how := range []string{"structure", "data"} {
		c, err := open(t, p, at, "check: "+how).(*Store).Check(t.Context())
		require.NoError(t, err)
		assert.Regexp(t, `^borg 1\.\d+`, c.Tool)
		assert.Empty(t, c.Wrong)
	}
	assert.Equal(t, before, dockertest.Digest(t, at), "nothing in it was touched")
}

// segments of a repository, the largest first: it holds the content.
func segments(t *testing.T, at string, do func(name string)) {
	t.Helper()
	all, err := filepath.Glob(at + "/data/0/*")
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, name := range all {
		do(name)
	}
}

// What borg makes again where it is missing or damaged is made beside the repository: nothing in that is touched.
func TestMadeAgain(t *testing.T) {
	p := dockertest.Programs(t)
	from, err := made()
	require.NoError(t, err)
	at := filepath.Join(t.TempDir(), "repository")
	require.NoError(t, os.CopyFS(at, os.DirFS(from)))
	for _, pattern := range []string{"/index.*", "/hints.*"} {
		all, err := filepath.Glob(at + pattern)
		require.NoError(t, err)
		require.NotEmpty(t, all)
		require.NoError(t, os.Remove(all[0]))
	}
	before := dockertest.Digest(t, at)
	all, err := open(t, p, at, "").List(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 3)
	var held [2][]string
	for i, of := range []string{from, at} {
		text, _, err := dockertest.Fetched(t.Context(), open(t, p, of, ""), all[0])
		require.NoError(t, err)
		r := tree.NewTar(strings.NewReader(text), true)
		for err = nil; err == nil; {
			_, err = r.Next()
		}
		require.ErrorIs(t, err, io.EOF)
		for _, e := range r.Entries() {
			held[i] = append(held[i], e.Path+" "+e.Digest)
		}
	}
	assert.Equal(t, held[0], held[1], "nothing of what borg was given is in it")
	assert.Equal(t, before, dockertest.Digest(t, at))
}

func TestBroken(t *testing.T) {
	p := dockertest.Programs(t)
	for name, c := range map[string]struct {
		do   func(at string)
		says string
	}{
		"segments missing": {func(at string) { segments(t, at, func(n string) { require.NoError(t, os.Remove(n)) }) }, "Inconsistency detected"},
		"a segment missing": {func(at string) {
			largest := ""
			var size int64
			segments(t, at, func(n string) {
				if info, err := os.Stat(n); err == nil && info.Size() > size {
					largest, size = n, info.Size()
				}
			})
			require.NoError(t, os.Remove(largest))
		}, ""},
		"segments damaged": {func(at string) {
			segments(t, at, func(n string) {
				raw, err := os.ReadFile(n)
				require.NoError(t, err)
				for i := 60; i < len(raw); i += 40 {
					raw[i] ^= 4
				}
				require.NoError(t, os.WriteFile(n, raw, 0o600))
			})
		}, "borg cannot read it"},
		"config empty": {func(at string) { require.NoError(t, os.Truncate(at+"/config", 0)) }, "does not have a valid configuration"},
		"key missing": {func(at string) {
			raw, err := os.ReadFile(at + "/config")
			require.NoError(t, err)
			config, _, _ := strings.Cut(string(raw), "key =")
			require.NoError(t, os.WriteFile(at+"/config", []byte(config), 0o600))
		}, "No key entry found in the config"},
		"config missing": {func(at string) { require.NoError(t, os.Remove(at+"/config")) }, "is not a valid repository"},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "a segment missing" {
				needs.Long(t)
			}
			from, err := made()
			require.NoError(t, err)
			at := filepath.Join(t.TempDir(), "repository")
			require.NoError(t, os.CopyFS(at, os.DirFS(from)))
			c.do(at)
			s := open(t, p, at, "")
			points, err := s.List(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, points)
			_, _, err = dockertest.Fetched(t.Context(), s, points[0])
			t.Log(err)
			require.ErrorAs(t, err, new(*store.Mismatch))
			assert.ErrorContains(t, err, c.says)
		})
	}
	from, err := made()
	require.NoError(t, err)
	bad := filepath.Join(t.TempDir(), "repository")
	require.NoError(t, os.CopyFS(bad, os.DirFS(from)))
	segments(t, bad, func(n string) {
		raw, err := os.ReadFile(n)
		require.NoError(t, err)
		raw[len(raw)/2] ^= 4
		require.NoError(t, os.WriteFile(n, raw, 0o600))
	})
	c, err := open(t, p, bad, "check: structure").(*Store).Check(t.Context())
	require.NoError(t, err)
	assert.Contains(t, c.Wrong, "Data integrity error")
	s := open(t, p, from, "")
	t.Setenv("LIFEBOAT_TEST_BORG", "another")
	_, err = s.List(t.Context())
	require.ErrorAs(t, err, new(*store.Problem))
	assert.ErrorContains(t, err, "this passphrase does not open it")
	_, err = open(t, p, t.TempDir(), "").List(t.Context())
	assert.ErrorContains(t, err, "there is no borg repository")
}
