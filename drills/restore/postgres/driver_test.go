package postgres

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/docker/dockertest"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
)

// sealed boots the server as a drill does: prepared by the loader, in the driver's sandbox.
func sealed(t testing.TB, l *Loader) instance.Machine {
	t.Helper()
	dockertest.NeedImage(t, image, "ci/images/postgres.sh")
	d := dockertest.Driver(t, "pg")
	r := instance.Request{Name: "db", Generation: 1, Image: image}
	require.NoError(t, l.Prepare(&r))
	m, err := d.Boot(t.Context(), r)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, l.Ready(ctx, m))
	return m
}

// The same loads through the sealed sandbox of a drill: its exec, its put, its tunnel.
func TestLoadThroughTheDriver(t *testing.T) {
	t.Parallel()
	dumps := map[string][]byte{}
	for _, name := range []string{"custom", "plain", "directory"} {
		dumps[name] = good(t, name)
	}
	l := loader(t, "database: restored")
	m := sealed(t, l)
	for name, raw := range dumps {
		out, err := l.Load(t.Context(), source(raw, restoretest.Digest(raw)), m)
		require.NoError(t, err, name)
		assert.Equal(t, restoretest.Digest(raw), out.Digest, name)
		_, err = l.Load(t.Context(), source(raw[:len(raw)*3/4], ""), m)
		var bad *restore.BackupError
		require.ErrorAs(t, err, &bad, name)
		assert.Contains(t, err.Error(), "restore shop-db", name)
	}
	jobs := loader(t, "{database: restored, jobs: 2}")
	jobs.logins = l.logins
	_, err := jobs.Load(t.Context(), source(dumps["custom"], ""), m)
	require.NoError(t, err)
	r, err := m.Exec(t.Context(), instance.Command{Args: []string{"ls", "-A", stageFolder}})
	require.NoError(t, err)
	assert.Empty(t, r.Stdout, "the copy of the backup must not stay")
}

// BenchmarkLoad restores the same dump in turns by hand and by the loader; raw/loader is
// the share of the raw tool's throughput that is left, 1 or more is none lost.
func BenchmarkLoad(b *testing.B) {
	l := loader(b, "database: restored")
	m := sealed(b, l)
	hand := func(stdin []byte, command string) (out []byte, took time.Duration) {
		c := exec.Command("docker", "exec", "-i", "-u", "postgres", m.(*docker.Machine).Handle(), "bash", "-c", command)
		c.Stdin = bytes.NewReader(stdin)
		began := time.Now()
		out, err := c.Output()
		require.NoError(b, err)
		return out, time.Since(began)
	}
	schema, err := os.ReadFile("testdata/shop.sql")
	require.NoError(b, err)
	hand(schema, "psql -qX -v ON_ERROR_STOP=1 -v rows=1000000")
	for _, format := range []string{"custom", "plain"} {
		raw, _ := hand(nil, dumpCommands[format])
		tool := map[string]string{"custom": "pg_restore -e -d byhand",
			"plain": "psql -qX -v ON_ERROR_STOP=1 -d byhand"}[format]
		b.Run(format, func(b *testing.B) {
			var tools, loads []time.Duration
			for b.Loop() {
				const clean = `psql -qXc "drop database if exists byhand" -c "drop database if exists restored" -c checkpoint`
				hand(nil, clean)
				_, took := hand(raw, "createdb byhand && "+tool+" >/dev/null")
				tools = append(tools, took)
				hand(nil, clean)
				began := time.Now()
				_, err := l.Load(b.Context(), source(raw, restoretest.Digest(raw)), m)
				require.NoError(b, err)
				loads = append(loads, time.Since(began))
			}
			// The best of each: what else the host does only ever adds.
			best := slices.Min(loads).Seconds()
			b.ReportMetric(slices.Min(tools).Seconds()/best, "raw/loader")
			b.ReportMetric(float64(len(raw))/1e6/best, "MB/s")
		})
	}
}
