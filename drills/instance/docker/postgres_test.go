package docker

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/internal/needs"
)

const postgresImage = "lifeboat/postgres:15"

func TestPostgresThroughTheTunnel(t *testing.T) {
	t.Parallel()
	d, b := newBench(t)
	ctx := t.Context()
	if _, err := d.engine.client.ImageInspect(ctx, postgresImage); err != nil {
		needs.Skipf(t, "the engine has no image %s; make images builds it", postgresImage)
	}
	began := time.Now()
	lap := func(what string) {
		t.Logf("%-28s %v", what, time.Since(began).Round(time.Millisecond))
		began = time.Now()
	}
	m, err := d.Boot(ctx, instance.Request{Name: "db", Generation: 1, Image: postgresImage,
		Aliases: []string{"db.prod.example.com"},
		Env:     map[string]string{"POSTGRES_PASSWORD": "drill"}, Data: []string{"/var/lib/postgresql/data"}})
	require.NoError(t, err)
	lap("sealed and booted")
	for _, p := range b.Probes() {
		t.Logf("  %-14s %-11s %-34s reached=%v %s", p.Target, p.Protocol, p.Address, p.Reached, p.Detail)
	}
	conf, err := pgx.ParseConfig("postgres://postgres:drill@db/postgres?sslmode=disable")
	require.NoError(t, err)
	conf.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return m.Dial(ctx, 5432) }
	conf.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	var c *pgx.Conn
	require.Eventually(t, func() bool { c, err = pgx.ConnectConfig(ctx, conf); return err == nil }, 2*time.Minute,
		100*time.Millisecond)
	lap("first query answered")
	var v string
	require.NoError(t, c.QueryRow(ctx, "select version()").Scan(&v))
	assert.Contains(t, v, "PostgreSQL")
	lap("query")
	require.NoError(t, c.Close(ctx))
	r, err := m.Exec(ctx, instance.Command{Args: []string{"psql", "-Atc", "select 1"}, User: "postgres"})
	require.NoError(t, err)
	assert.Equal(t, "1\n", r.Stdout, r.Stderr)
	lap("exec psql")
	_, err = d.Boot(ctx, instance.Request{Name: "db", Generation: 2, Image: postgresImage, KeepData: true,
		Env: map[string]string{"POSTGRES_PASSWORD": "drill"}, Data: []string{"/var/lib/postgresql/data"}})
	require.NoError(t, err)
	lap("second boot on kept data")
	facts, err := d.Egress(ctx)
	require.NoError(t, err)
	assert.Empty(t, facts)
}
