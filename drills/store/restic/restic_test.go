package restic

import (
	"archive/tar"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance/docker/dockertest"
	"lifeboat/drills/store"
	"lifeboat/drills/store/s3/s3test"
	"lifeboat/internal/needs"
	"lifeboat/internal/tree"
	"lifeboat/scenarios"
)

// made is a repository of the real restic with four snapshots, made once for all tests.
var made = sync.OnceValues(func() (string, error) {
	return dockertest.Repository("RESTIC_PASSWORD", `mkdir -p /srv/other; echo other > /srv/other/b
R="restic -q -r /made/repository --no-cache"
$R init
$R backup --host db1 --tag nightly --tag shop --time '2026-01-01 02:00:00' /srv/files
printf 'select 1;\n' | $R backup --host db2 --time '2026-01-02 02:00:00' --stdin --stdin-filename shop.sql
$R backup --host db1 --tag weekly --time '2026-01-03 02:00:00' /srv/files /srv/other
printf 'select 2;\n' | $R backup --host db2 --time '2026-01-04 02:00:00' --stdin --stdin-filename shop.sql`)
})

func TestMain(m *testing.M) {
	for name, value := range map[string]string{"RESTIC": dockertest.Password, "REST": login, "S3": s3test.Secret} {
		if err := os.Setenv("LIFEBOAT_TEST_"+name, value); err != nil {
			panic(err)
		}
	}
	dockertest.Main(m)
}

func open(t *testing.T, p *store.Programs, at, extra string) store.Store {
	t.Helper()
	settings, err := scenarios.ParseSettings("restic", "path: "+at+"\nimage: "+dockertest.RepositoryImage+"\npassword: {env: LIFEBOAT_TEST_RESTIC}\n"+extra)
	require.NoError(t, err)
	s, problems := New(store.Site{Programs: p}, settings)
	require.Empty(t, problems)
	return s
}

func TestSnapshots(t *testing.T) {
	t.Parallel()
	p := dockertest.Programs(t)
	at, err := made()
	require.NoError(t, err)
	before := dockertest.Digest(t, at)
	all, err := open(t, p, at, "").List(t.Context())
	require.NoError(t, err)
	require.Len(t, all, 4)
	for i, x := range all {
		assert.Equal(t, time.Date(2026, 1, 1+i, 2, 0, 0, 0, time.UTC), x.Taken.UTC())
		assert.Len(t, x.ID, 8)
		assert.Empty(t, x.Unusable)
		assert.True(t, x.ConsistentTo.IsZero(), "a dump in it may be older")
	}
	begun, err := open(t, p, at, "consistent: begun").List(t.Context())
	require.NoError(t, err)
	assert.Equal(t, begun[0].Taken, begun[0].ConsistentTo)
	for extra, want := range map[string][]int{"host: db2": {1, 3}, "tags: [shop, nightly]": {0}, "tags: [monthly]": nil, "paths: [/srv/files]": {0, 2}} {
		some, err := open(t, p, at, extra).List(t.Context())
		require.NoError(t, err)
		var got []int
		for _, x := range some {
			for i := range all {
				if all[i].ID == x.ID {
					got = append(got, i)
				}
			}
		}
		assert.Equal(t, want, got, extra)
	}
	t.Run("a dump from its standard input", func(t *testing.T) {
		for i, want := range map[int]string{1: "select 1;\n", 3: "select 2;\n"} {
			got, sum, err := dockertest.Fetched(t.Context(), open(t, p, at, ""), all[i])
			require.NoError(t, err)
			assert.Equal(t, want, got)
			assert.Equal(t, fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(want))), sum)
		}
	})
	t.Run("a folder", func(t *testing.T) {
		raw, sum, err := dockertest.Fetched(t.Context(), open(t, p, at, ""), all[0])
		require.NoError(t, err)
		again, same, err := dockertest.Fetched(t.Context(), open(t, p, at, "take: /srv/files"), all[2])
		require.NoError(t, err)
		assert.Equal(t, sum, same, "of another snapshot of the same files")
		assert.Equal(t, len(raw), len(again))
		r := tree.NewTar(strings.NewReader(raw), true)
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
		assert.Equal(t, fmt.Sprintf("%x", sha256.Sum256([]byte("hello\n"))), is["a"].Digest)
		assert.Equal(t, uint32(0o640), is["a"].Mode)
		assert.Contains(t, is, "sub/zhong [w]*")
	})
	t.Run("one file of a folder, and what is not there", func(t *testing.T) {
		got, _, err := dockertest.Fetched(t.Context(), open(t, p, at, "take: /srv/files/sub/zhong [w]*"), all[0])
		require.NoError(t, err)
		assert.Equal(t, "中", got)
		_, _, err = dockertest.Fetched(t.Context(), open(t, p, at, "take: /srv/gone"), all[0])
		require.ErrorAs(t, err, new(*store.Problem))
		assert.ErrorContains(t, err, "of /srv/files, holds no /srv/gone")
		_, _, err = dockertest.Fetched(t.Context(), open(t, p, at, ""), store.Point{ID: "00000000"})
		require.ErrorIs(t, err, store.ErrNoPoint)
	})
	t.Run("its own check", func(t *testing.T) {
		none, err := open(t, p, at, "").(*Store).Check(t.Context())
		require.NoError(t, err)
		assert.Nil(t, none, "nobody asked for it")
		c, err := open(t, p, at, "check: data").(*Store).Check(t.Context())
		require.NoError(t, err)
		assert.Regexp(t, `^restic 0\.\d+`, c.Tool)
		assert.Equal(t, "data", c.How)
		assert.Empty(t, c.Wrong)
	})
	t.Run("what it is, before it is read", func(t *testing.T) {
		for take, packed := range map[string]bool{"": true, "take: /srv/files/a": false} {
			stream, err := open(t, p, at, take).Fetch(t.Context(), all[0])
			require.NoError(t, err)
			assert.Equal(t, packed, store.Packed(stream), take)
			require.NoError(t, stream.Close())
		}
	})
	t.Run("a stream that is closed early", func(t *testing.T) {
		stream, err := open(t, p, at, "").Fetch(t.Context(), all[0])
		require.NoError(t, err)
		_, err = tar.NewReader(stream).Next()
		require.NoError(t, err)
		require.NoError(t, stream.Close())
	})
	assert.Equal(t, before, dockertest.Digest(t, at), "nothing in it was touched")
}

// copied is the repository with something done to it.
func copied(t *testing.T, do func(at string)) string {
	t.Helper()
	from, err := made()
	require.NoError(t, err)
	at := filepath.Join(t.TempDir(), "repository")
	require.NoError(t, os.CopyFS(at, os.DirFS(from)))
	do(at)
	return at
}

func flip(t *testing.T, name string) {
	t.Helper()
	raw, err := os.ReadFile(name)
	require.NoError(t, err)
	raw[len(raw)/3] ^= 4
	require.NoError(t, os.Chmod(name, 0o600))
	require.NoError(t, os.WriteFile(name, raw, 0o600))
}

func each(t *testing.T, pattern string, do func(name string)) {
	t.Helper()
	all, err := filepath.Glob(pattern)
	require.NoError(t, err)
	require.NotEmpty(t, all)
	for _, name := range all {
		do(name)
	}
}

func remove(t *testing.T) func(string) {
	return func(name string) { require.NoError(t, os.Remove(name)) }
}

// What is wrong with a repository is the backup's, by the name of the file, within seconds; what a scenario or this host lacks is not.
func TestBroken(t *testing.T) {
	p := dockertest.Programs(t)
	for name, c := range map[string]struct {
		do   func(at string)
		says string
	}{
		"packs missing": {func(at string) { each(t, at+"/data/*/*", remove(t)) }, "of its repository is missing"},
		"packs damaged": {func(at string) { each(t, at+"/data/*/*", func(n string) { flip(t, n) }) }, "of its repository is damaged"},
		"packs cut":     {func(at string) { each(t, at+"/data/*/*", func(n string) { require.NoError(t, os.Truncate(n, 60)) }) }, ""},
		"packs of zeros": {func(at string) {
			each(t, at+"/data/*/*", func(n string) {
				is, err := os.Stat(n)
				require.NoError(t, err)
				require.NoError(t, errors.Join(os.Truncate(n, 0), os.Truncate(n, is.Size())))
			})
		}, "of its repository is damaged"},
		"indexes missing": {func(at string) { each(t, at+"/index/*", remove(t)) }, "not found in repository"},
		"indexes damaged": {func(at string) { each(t, at+"/index/*", func(n string) { flip(t, n) }) }, "index/"},
		"key missing":     {func(at string) { each(t, at+"/keys/*", remove(t)) }, "not one key left"},
		"key damaged":     {func(at string) { each(t, at+"/keys/*", func(n string) { flip(t, n) }) }, "keys/"},
		"config missing":  {func(at string) { remove(t)(at + "/config") }, "config of its repository is missing"},
		"config empty":    {func(at string) { require.NoError(t, os.Truncate(at+"/config", 0)) }, "config of its repository is damaged: it has 0 bytes"},
		"config damaged":  {func(at string) { flip(t, at+"/config") }, "damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			if name != "packs missing" && name != "packs cut" && name != "key missing" {
				needs.Long(t)
			}
			began := time.Now()
			s := open(t, p, copied(t, c.do), "host: db1")
			points, err := s.List(t.Context())
			require.NoError(t, err)
			require.NotEmpty(t, points)
			_, _, err = dockertest.Fetched(t.Context(), s, points[0])
			t.Log(time.Since(began).Round(100*time.Millisecond), err)
			require.ErrorAs(t, err, new(*store.Mismatch))
			assert.ErrorContains(t, err, c.says)
		})
	}
	t.Run("what its own check says", func(t *testing.T) {
		at := copied(t, func(at string) { each(t, at+"/data/*/*", remove(t)) })
		c, err := open(t, p, at, "check: structure").(*Store).Check(t.Context())
		require.NoError(t, err)
		assert.Regexp(t, "^pack [0-9a-f]{64}: does not exist|^data/[0-9a-f]{64} of its repository is missing", c.Wrong)
		locked := open(t, p, at, "check: structure").(*Store)
		t.Setenv("LIFEBOAT_TEST_RESTIC", "another")
		_, err = locked.Check(t.Context())
		require.ErrorAs(t, err, new(*store.Problem), "who could not open it has not checked it")
	})
	t.Run("a snapshot damaged", func(t *testing.T) {
		at := copied(t, func(string) {})
		whole, err := open(t, p, at, "").List(t.Context())
		require.NoError(t, err)
		newest := whole[len(whole)-1].ID
		each(t, at+"/snapshots/"+newest+"*", func(n string) { flip(t, n) })
		s := open(t, p, at, "")
		points, err := s.List(t.Context())
		require.NoError(t, err)
		require.Len(t, points, len(whole))
		chosen, err := store.Pick(points, "")
		require.NoError(t, err)
		require.Len(t, chosen.Skipped, 1)
		assert.Equal(t, newest, chosen.Skipped[0].ID)
		assert.Equal(t, store.Damaged, chosen.Skipped[0].Unusable)
		_, err = store.Pick(points, newest)
		assert.ErrorAs(t, err, new(*store.NoneUsable))
	})
	for name, c := range map[string]struct {
		at, extra, says string
	}{
		"the wrong password": {copied(t, func(string) {}), "x", "opens none of its keys"},
		"no repository":      {t.TempDir(), "", "there is no restic repository"},
		"no image":           {copied(t, func(string) {}), "image", "has no image lifeboat/no-such:1"},
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, p, c.at, "").(*Store)
			if c.extra == "image" {
				s.set.Image = "lifeboat/no-such:1"
			}
			t.Setenv("LIFEBOAT_TEST_RESTIC", dockertest.Password+c.extra)
			_, err := s.List(t.Context())
			require.ErrorAs(t, err, new(*store.Problem))
			assert.ErrorContains(t, err, c.says)
			assert.NotContains(t, err.Error(), dockertest.Password)
		})
	}
}
