package redis

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/docker/dockertest"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/internal/resp"
)

const image = "lifeboat/redis:7.0"

// driver of sealed sandboxes, as a drill has it.
func driver(t *testing.T) *docker.Driver {
	t.Helper()
	dockertest.NeedImage(t, image, "ci/images/kinds.sh")
	return dockertest.Driver(t, "redis")
}

// TestLoad restores into the real server, in the driver's sandbox: what it takes, and what it says of what it does not.
func TestLoad(t *testing.T) {
	t.Parallel()
	d := driver(t)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	generation := 0
	load := func(settings string, raw []byte) (restore.Outcome, instance.Machine, error) {
		l := loader(t, settings)
		generation++
		r := instance.Request{Name: "cache", Generation: generation, Image: image}
		require.NoError(t, l.Prepare(&r))
		m, err := d.Boot(ctx, r)
		require.NoError(t, err)
		require.NoError(t, l.Ready(ctx, m))
		out, err := l.Load(ctx, source(raw, restoretest.Digest(raw)), m)
		return out, m, err
	}
	ask := func(m instance.Machine, args ...string) any {
		c, err := m.Dial(ctx, defaultPort)
		require.NoError(t, err)
		conn := resp.New(c)
		defer conn.Close()
		require.NoError(t, conn.Login(ctx, "", "sesame"))
		answer, err := conn.Do(ctx, args...)
		require.NoError(t, err)
		return answer
	}

	rdb := sample(t, "all.rdb")
	out, m, err := load("password: sesame", gzipped(rdb))
	require.NoError(t, err)
	assert.Equal(t, "2026-11-29 01:47:26 UTC", out.Made)
	assert.Contains(t, out.Notes, "a snapshot of Redis 7.0.15 (RDB 10): 22 keys in 2 databases, 3 of them with an expiry")
	assert.Equal(t, "a customer", ask(m, "GET", "plain"))
	require.NoError(t, m.Stop(ctx))
	require.NoError(t, m.Start(ctx))
	require.Eventually(t, func() bool { c, err := m.Dial(ctx, defaultPort); return err == nil && c.Close() == nil }, time.Minute, 50*time.Millisecond)
	assert.Equal(t, "a customer", ask(m, "GET", "plain"), "a restart loses nothing")

	out, m, err = load("password: sesame", tarred(t, parts(t)...))
	require.NoError(t, err)
	assert.Contains(t, strings.Join(out.Notes, "\n"), "a log of 4 commands")
	assert.Equal(t, "rewrite", ask(m, "GET", "after"))

	beside := tarred(t, file{"appendonly.aof", []byte(set)}, file{"dump.rdb", rdb})
	_, _, err = load("password: sesame", beside)
	require.ErrorContains(t, err, "its log leaves 1 keys, and dump.rdb beside it holds 2")
	assert.ErrorAs(t, err, new(*restore.LackError), "which is the good one nobody knows")
	out, _, err = load("{password: sesame, format: aof}", beside)
	require.NoError(t, err)
	assert.Contains(t, strings.Join(out.Notes, "\n"), "dump.rdb of 2026-11-29 01:47:26 UTC with 22 keys lies beside its log and was not restored")
	_, m, err = load("{password: sesame, format: rdb}", beside)
	require.NoError(t, err)
	assert.Equal(t, "a customer", ask(m, "GET", "plain"))

	log := sample(t, "appendonlydir/"+incr)
	_, m, err = load("{password: sesame, aof_truncated: allow}", log[:len(log)-3])
	require.NoError(t, err)
	assert.Equal(t, "rewrite", ask(m, "GET", "after"))

	for name, test := range map[string]struct {
		raw  []byte
		want string
		as   any
	}{
		"of a newer version": {bytes.Replace(sample(t, "unsummed.rdb"), []byte("REDIS0010"), []byte("REDIS0012"), 1),
			"(RDB 12), and the instance's image has Redis 7.0.15", new(*restore.MisfitError)},
		"a command that there is not": {append(sample(t, "appendonlydir/"+base), strings.Replace(set, "SET", "SDT", 1)...),
			`its log has the command "SDT", which no server of the version that wrote it knows`, new(*restore.BackupError)},
		"a module's command": {append(sample(t, "appendonlydir/"+base), "*1\r\n$8\r\nJSON.SET\r\n"...), "take an image with its module", new(*restore.ImageError)},
		"a bit that only the server finds": {bent(sample(t, "unsummed.rdb"), bytes.Index(sample(t, "unsummed.rdb"), []byte("ints"))+6), "the server does not start from it",
			new(*restore.BackupError)},
		"all of it expired": {[]byte(set + "*3\r\n$9\r\nPEXPIREAT\r\n$1\r\na\r\n$13\r\n1700000000000\r\n"), "all keys that its log of 2 commands leaves (1) had expired",
			new(error)},
		"nothing is left": {append([]byte(set), "*1\r\n$8\r\nFLUSHALL\r\n"...), "its log of 2 commands leaves not one key", new(*restore.BackupError)},
	} {
		_, _, err := load("password: sesame", test.raw)
		require.Error(t, err, name)
		assert.ErrorAs(t, err, test.as, "%s: %v", name, err)
		_, wanted := test.as.(**restore.BackupError)
		assert.Equal(t, wanted, errors.As(err, new(*restore.BackupError)), "%s: %v", name, err)
		assert.ErrorContains(t, err, test.want, name)
	}
}
