package fault_test

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/internal/needs"
	"lifeboat/scenarios"
)

const mariadb = "lifeboat/mariadb:10.11"

// answers is what an account gets of a statement, errors included.
func answers(t *testing.T, m instance.Machine, port, user, password, query string) string {
	t.Helper()
	r, err := m.Exec(t.Context(), instance.Command{Args: []string{"mariadb", "--no-defaults", "-N", "-B", "-h127.0.0.1", "-P" + port, "-u" + user, "-e", query},
		User: "0", Env: map[string]string{"MYSQL_PWD": password}})
	require.NoError(t, err)
	return strings.TrimSpace(r.Stdout + r.Stderr)
}

// Every fault of a server of MariaDB bites on a real one, and what was written down before it was injected heals it, twice over.
func TestFaultsOfMariaDB(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	if out, err := exec.Command("docker", "image", "inspect", "--format", "{{.Id}}", mariadb).CombinedOutput(); err != nil {
		needs.Skipf(t, "the engine has no image %s (%s); make images builds it", mariadb, strings.TrimSpace(string(out)))
	}
	m, err := b.driver.Boot(t.Context(), instance.Request{Name: "maria", Generation: 1, Image: mariadb,
		Env:  map[string]string{"MARIADB_ROOT_PASSWORD": "sesame", "MARIADB_DATABASE": "shop", "MARIADB_USER": "app", "MARIADB_PASSWORD": "of the app"},
		Data: []string{"/var/lib/mysql"}})
	require.NoError(t, err)
	const write = "insert into shop.orders values (shop.one()); select 'written'"
	well := func() {
		t.Helper()
		said := ""
		require.Eventually(t, func() bool {
			said = answers(t, m, "3306", "app", "of the app", "create table if not exists shop.orders (id int); "+
				"create function if not exists shop.one() returns int deterministic return 1; "+write)
			return said == "written"
		}, 2*time.Minute, 200*time.Millisecond, "the server does not take writes")
	}
	well()
	for _, c := range []struct {
		kind, keys, says string
		port             string
		restarts         bool
	}{
		{"mysql-password-rotated", "{user: app}", "ERROR 1045", "3306", false},
		{"mysql-plugin-missing", "{user: app}", "ERROR 1524", "3306", false},
		{"mysql-port-moved", "{}", "ERROR 2002", "3306", true},
		{"mysql-read-only", "{}", "ERROR 1290", "3306", true},
		{"mysql-upgrade-needed", "{}", "Column count of mysql.proc is wrong", "3306", false},
	} {
		s, err := scenarios.ParseSettings(c.kind, c.keys)
		require.NoError(t, err)
		f, problems := fault.Catalogue()[c.kind](s)
		require.Empty(t, problems)
		target := fault.Target{Machine: m}
		require.NoError(t, f.Available(t.Context(), target), c.kind)
		undo, err := f.Prepare(t.Context(), target)
		require.NoError(t, err, c.kind)
		assert.NotContains(t, string(undo.Data), "sesame", c.kind)
		assert.Error(t, f.Effective(t.Context(), target), "%s: nothing is broken yet", c.kind)
		well()

		require.NoError(t, f.Inject(t.Context(), target), c.kind)
		require.NoError(t, effective(t, f, target), c.kind)
		assert.Contains(t, answers(t, m, c.port, "app", "of the app", write), c.says, c.kind)
		assert.NoError(t, fault.Lasts(t.Context(), f, target), c.kind)

		entry := ledger.Entry{What: "fault", Name: c.kind, Undo: undo}
		for range 2 {
			require.NoError(t, b.undoers[undo.Kind](t.Context(), b.site.Scope, entry), "%s: an undo can be run again", c.kind)
		}
		if c.restarts {
			require.NoError(t, m.Stop(t.Context()))
			require.NoError(t, m.Start(t.Context()))
		}
		well()
		assert.ErrorIs(t, fault.Lasts(t.Context(), f, target), instance.ErrNotInForce, c.kind)
	}
	upgraded(t, m)
	for kind, keys := range map[string]string{"mysql-password-rotated": "{user: nobody}", "mysql-plugin-missing": "{user: app, plugin: mysql_native_password}",
		"mysql-read-only": "{folder: /nowhere}"} {
		s, err := scenarios.ParseSettings(kind, keys)
		require.NoError(t, err)
		f, _ := fault.Catalogue()[kind](s)
		assert.Error(t, f.Available(t.Context(), fault.Target{Machine: m}), kind)
	}
}

// upgraded proves that what mysql-upgrade-needed breaks is what the server's own program mends, and that it needs a routine that somebody calls.
func upgraded(t *testing.T, m instance.Machine) {
	t.Helper()
	s, err := scenarios.ParseSettings("mysql-upgrade-needed", "{}")
	require.NoError(t, err)
	f, _ := fault.Catalogue()["mysql-upgrade-needed"](s)
	target := fault.Target{Machine: m}
	_, err = f.Prepare(t.Context(), target)
	require.NoError(t, err)
	require.NoError(t, f.Inject(t.Context(), target))
	require.NoError(t, effective(t, f, target))
	r, err := m.Exec(t.Context(), instance.Command{Args: []string{"mariadb-upgrade", "--force", "--silent", "-h127.0.0.1", "-uroot"}, User: "0",
		Env: map[string]string{"MYSQL_PWD": "sesame"}})
	require.NoError(t, err)
	require.Zero(t, r.Exit, r.Stderr+r.Stdout)
	assert.ErrorIs(t, fault.Lasts(t.Context(), f, target), instance.ErrNotInForce)
	assert.Equal(t, "1", answers(t, m, "3306", "app", "of the app", "select shop.one()"))
	answers(t, m, "3306", "root", "sesame", "drop function shop.one")
	assert.ErrorContains(t, f.Available(t.Context(), target), "has no routine that somebody could call")
}
