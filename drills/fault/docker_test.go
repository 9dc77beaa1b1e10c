package fault_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/instancetest"
	"lifeboat/drills/ledger"
	"lifeboat/internal/needs"
	"lifeboat/scenarios"
)

const image = "lifeboat/postgres:15"

// bench is a drill's site with one driver on it.
type bench struct {
	driver  *docker.Driver
	site    instance.Site
	undoers map[string]ledger.Undoer
}

// benches counts them: each is a drill of its own.
var benches atomic.Int64

func newBench(t *testing.T) bench {
	t.Helper()
	if out, err := exec.Command("docker", "image", "inspect", "--format", "{{.Id}}", image).CombinedOutput(); err != nil {
		needs.Skipf(t, "the engine has no image %s (%s); make images builds it", image, strings.TrimSpace(string(out)))
	}
	site, notes := instancetest.NewSite(t, fmt.Sprintf("fault%dn%d", os.Getpid(), benches.Add(1)), instancetest.Program(t))
	d, err := docker.New(site)
	require.NoError(t, err)
	if err := d.Ready(t.Context()); err != nil {
		needs.Skip(t, err)
	}
	undoers := docker.Undoers(site.Log)
	t.Cleanup(func() { notes.UndoAll(t, site.Scope, undoers) })
	return bench{driver: d, site: site, undoers: undoers}
}

// boot starts a server; command, where given, runs instead of it on the same data.
func (b bench) boot(t *testing.T, name string, generation int, command ...string) instance.Machine {
	t.Helper()
	m, err := b.driver.Boot(t.Context(), instance.Request{Name: name, Generation: generation, Image: image,
		Command: command,
		Env:     map[string]string{"POSTGRES_PASSWORD": "sesame"}, Data: []string{"/var/lib/postgresql/data"},
		KeepData: generation > 1})
	require.NoError(t, err)
	return m
}

// signIn opens a session over a new connection.
func signIn(ctx context.Context, m instance.Machine, user, password string) error {
	cfg, err := pgconn.ParseConfig("host=db port=5432 user=x password=x dbname=postgres sslmode=disable connect_timeout=3")
	if err != nil {
		return err
	}
	cfg.User, cfg.Password = user, password
	cfg.LookupFunc = func(context.Context, string) ([]string, error) { return []string{"127.0.0.1"}, nil }
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return m.Dial(ctx, 5432) }
	c, err := pgconn.ConnectConfig(ctx, cfg)
	if err != nil {
		return err
	}
	return c.Close(ctx)
}

func healthy(t *testing.T, m instance.Machine) {
	t.Helper()
	var err error
	require.Eventually(t, func() bool { err = signIn(t.Context(), m, "postgres", "sesame"); return err == nil },
		2*time.Minute, 100*time.Millisecond, "the server does not answer")
}

// effective asks like the engine does.
func effective(t *testing.T, f fault.Fault, target fault.Target) error {
	t.Helper()
	var err error
	for range 50 {
		if err = f.Effective(t.Context(), target); err == nil || errors.Is(err, fault.ErrSilent) {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return err
}

// Every fault of a PostgreSQL server bites on a real one, and what was written down
// before it was injected heals it, twice over.
func TestFaultsOfAServer(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i, c := range []struct {
		kind, keys string
		stops      bool // the server does not run with it, so the undo needs a machine that does
	}{
		{"pg-hba-reject", "{}", false},
		{"pg-port-moved", "{}", false},
		{"pg-password-rotated", "{role: postgres}", false},
		{"pg-major-version", "{}", true},
		{"pg-preload-missing", "{}", true},
		{"pg-parameter-removed", "{}", true},
		{"pg-wrong-owner", "{}", true},
	} {
		t.Run(c.kind, func(t *testing.T) {
			t.Parallel()
			name := fmt.Sprintf("db%d", i)
			m := b.boot(t, name, 1)
			healthy(t, m)
			s, err := scenarios.ParseSettings(c.kind, c.keys)
			require.NoError(t, err)
			f, problems := fault.Catalogue()[c.kind](s)
			require.Empty(t, problems)
			target := fault.Target{Machine: m}

			require.NoError(t, f.Available(t.Context(), target))
			undo, err := f.Prepare(t.Context(), target)
			require.NoError(t, err)
			assert.Error(t, f.Effective(t.Context(), target), "nothing is broken yet")
			healthy(t, m) // preparing changes nothing

			require.NoError(t, f.Inject(t.Context(), target))
			require.NoError(t, effective(t, f, target))
			assert.Error(t, signIn(t.Context(), m, "postgres", "sesame"), "nobody gets in")
			assert.NoError(t, effective(t, f, target), "and it stays that way")

			entry := ledger.Entry{What: "fault", Name: c.kind, Undo: undo}
			heal := func() error { return b.undoers[undo.Kind](t.Context(), b.site.Scope, entry) }
			if c.stops {
				state, err := m.State(t.Context())
				require.NoError(t, err)
				assert.False(t, state.Running)
				assert.ErrorIs(t, heal(), ledger.ErrGone, "a machine that does not run cannot heal itself")
				helper := b.boot(t, name, 2, "bash", "-c", "trap exit INT; while :; do sleep 0.1; done") // the same data
				for range 2 {
					replay(t, helper, undo)
				}
				m = b.boot(t, name, 3)
			} else {
				require.NoError(t, heal())
				require.NoError(t, heal(), "an undo can be run again")
				if c.kind != "pg-password-rotated" {
					require.NoError(t, m.Stop(t.Context()))
					require.NoError(t, m.Start(t.Context()))
				}
			}
			healthy(t, m)
			assert.NoError(t, f.Available(t.Context(), fault.Target{Machine: m}))
			assert.Error(t, f.Effective(t.Context(), fault.Target{Machine: m}), "it is healed")
			require.NoError(t, m.Destroy(t.Context()))
		})
	}
}

// replay runs the command of an undo in another machine.
func replay(t *testing.T, m instance.Machine, undo ledger.Undo) {
	t.Helper()
	var u struct {
		instance.UndoExec
	}
	require.NoError(t, json.Unmarshal(undo.Data, &u))
	r, err := m.Exec(t.Context(), u.Command)
	require.NoError(t, err)
	require.Zero(t, r.Exit, r.Stderr)
}

// A fault that changes nothing is never effective, although the server restarts with it.
func TestFaultsWithoutEffect(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := b.boot(t, "db", 1)
	healthy(t, m)
	for kind, keys := range map[string]string{
		"pg-major-version":     `{version: "15"}`,
		"pg-preload-missing":   `{library: pg_stat_statements}`,
		"pg-parameter-removed": `{parameter: max_wal_senders}`,
		"none":                 `{}`,
	} {
		t.Run(kind, func(t *testing.T) {
			s, err := scenarios.ParseSettings(kind, keys)
			require.NoError(t, err)
			f, problems := fault.Catalogue()[kind](s)
			require.Empty(t, problems)
			target := fault.Target{Machine: m}
			require.NoError(t, f.Inject(t.Context(), target))
			for range 5 {
				if !assert.Error(t, f.Effective(t.Context(), target)) {
					said, err := instance.Console(t.Context(), m)
					t.Log(said, err)
				}
			}
			healthy(t, m)
		})
	}
	t.Run("not available", func(t *testing.T) {
		s, err := scenarios.ParseSettings("x", `{role: nobody}`)
		require.NoError(t, err)
		f, _ := fault.Catalogue()["pg-password-rotated"](s)
		assert.ErrorContains(t, f.Available(t.Context(), fault.Target{Machine: m}), "role nobody has no password on")
	})
}

func TestFileMissing(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := b.boot(t, "db", 1)
	healthy(t, m)
	s, err := scenarios.ParseSettings("file-missing", "{path: /etc/debian_version}")
	require.NoError(t, err)
	f, problems := fault.Catalogue()["file-missing"](s)
	require.Empty(t, problems)
	target := fault.Target{Machine: m}
	require.NoError(t, f.Available(t.Context(), target))
	undo, err := f.Prepare(t.Context(), target)
	require.NoError(t, err)
	assert.Error(t, f.Effective(t.Context(), target))
	before, err := m.Get(t.Context(), "/etc/debian_version")
	require.NoError(t, err)
	require.NoError(t, f.Inject(t.Context(), target))
	require.NoError(t, effective(t, f, target))
	for range 2 {
		require.NoError(t, b.undoers[undo.Kind](t.Context(), b.site.Scope, ledger.Entry{Undo: undo}))
	}
	after, err := m.Get(t.Context(), "/etc/debian_version")
	require.NoError(t, err)
	assert.Equal(t, before, after)
	assert.Error(t, f.Effective(t.Context(), target))

	s, err = scenarios.ParseSettings("file-missing", "{path: /etc/none}")
	require.NoError(t, err)
	f, _ = fault.Catalogue()["file-missing"](s)
	assert.Error(t, f.Available(t.Context(), target))
}

// A mistake is seen to have happened, only where it had not before, and not on a copy from before it.
func TestMistakes(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	m := b.boot(t, "db", 1)
	healthy(t, m)
	psql := func(m instance.Machine, query string) {
		r, err := m.Exec(t.Context(), instance.Command{User: "postgres", Args: []string{"psql", "-qX", "-v", "ON_ERROR_STOP=1", "-c", query}})
		require.NoError(t, err)
		require.Zero(t, r.Exit, r.Stderr)
	}
	psql(m, "create table orders (id int primary key); create table lines (id int references orders); insert into orders values (1)")
	at := fault.Target{Machine: m}
	for name, keys := range map[string]string{
		"dropped": "{database: postgres, run: drop table orders cascade, seen: \"select to_regclass('public.orders') is null\"}",
		"emptied": "{database: postgres, run: delete from lines; delete from orders, seen: select not exists (select from orders)}",
	} {
		f := mistake(t, keys)
		require.NoError(t, f.Available(t.Context(), at), name)
		require.ErrorIs(t, f.Effective(t.Context(), at), instance.ErrNotInForce, name)
		require.NoError(t, f.Inject(t.Context(), at), name)
		require.NoError(t, f.Effective(t.Context(), at), name)
		require.ErrorContains(t, f.Available(t.Context(), at), "is true on db before anything was done", name)
		psql(m, "drop table if exists orders cascade; create table orders (id int primary key); insert into orders values (1)")
		require.ErrorIs(t, fault.Lasts(t.Context(), f, at), instance.ErrNotInForce, name)
	}
	for keys, says := range map[string]string{
		"{database: postgres, run: select 1, seen: select 7}":              `no answer of true or false on db, but "7"`,
		"{database: postgres, run: select 1, seen: select a from nowhere}": `relation "nowhere" does not exist`,
		"{database: \"o'clock\", run: select 1, seen: select false}":       `database "o'clock" does not exist`,
	} {
		err := mistake(t, keys).Available(t.Context(), at)
		require.ErrorContains(t, err, says)
		require.NotErrorIs(t, err, instance.ErrNotInForce, "nobody said no")
	}
}

func mistake(t *testing.T, keys string) fault.Fault {
	t.Helper()
	s, err := scenarios.ParseSettings("pg-mistake", keys)
	require.NoError(t, err)
	f, problems := fault.Catalogue()["pg-mistake"](s)
	require.Empty(t, problems)
	return f
}
