package mariadbbackup

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker/dockertest"
	"lifeboat/drills/restore"
)

// boot gives a machine as a drill does: prepared by a loader, in the driver's sandbox.
func boot(t *testing.T, name string, l *Loader) instance.Machine {
	t.Helper()
	d := dockertest.Driver(t, "mb"+name)
	r := instance.Request{Name: "db", Generation: 1, Image: image}
	require.NoError(t, l.Prepare(&r))
	m, err := d.Boot(t.Context(), r)
	require.NoError(t, err)
	require.NoError(t, l.Ready(t.Context(), m))
	return m
}

// ask asks the restored server by its own client.
func ask(t *testing.T, m instance.Machine, user, password, query string) string {
	t.Helper()
	r, err := m.Exec(t.Context(), instance.Command{Args: []string{"mariadb", "--no-defaults", "-h127.0.0.1", "-N", "-B", "-u", user, "-e", query},
		User: "0", Env: map[string]string{"MYSQL_PWD": password}})
	require.NoError(t, err)
	return strings.TrimSpace(r.Stdout + r.Stderr)
}

func load(t *testing.T, l *Loader, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	return l.Load(ctx, s, m)
}

// What comes back is what was there when the newest part was taken, in every form; nothing of production runs by itself.
func TestRestores(t *testing.T) {
	t.Parallel()
	all := sample(t)
	l := loader(t, "password: sesame")
	m := boot(t, "forms", l)
	chain := files{}.Under("full", all.Below("full")).Under("inc1", all.Below("inc1")).Under("inc2", all.Below("inc2"))
	for _, c := range []struct {
		name           string
		source         restore.Source
		orders, tables string
	}{
		{"a tar of a full one", oneFile(all.Below("full").Tarred()), "500", "beats,items,orders,other,packed,parts,recent,small,texts,数据 $"},
		{"a chain of folders", folder(chain), "650", "another,beats,items,orders,packed,parts,recent,small,texts,数据 $"},
		{"streams", folder(all.Below("streams")), "600", "beats,items,later,orders,other,packed,parts,recent,small,texts,数据 $"},
		{"one that was prepared, with an increment", folder(files{}.Under("a/full", all.Below("prepared")).Under("a/inc", all.Below("inc1"))), "600",
			"beats,items,later,orders,other,packed,parts,recent,small,texts,数据 $"},
	} {
		began := time.Now()
		out, err := load(t, l, c.source, m) // but for the first one the machine runs by then
		if !assert.NoError(t, err, c.name) {
			continue
		}
		t.Log(c.name, time.Since(began).Round(time.Millisecond), out.Made, out.Notes)
		assert.Equal(t, c.orders+"\t50\t50\t200\t20", ask(t, m, "root", "sesame", `select (select count(*) from shop.orders),
			(select count(*) from shop.items), (select count(*) from shop.small), (select count(*) from shop.packed), (select count(*) from shop.parts)`), c.name)
		assert.Equal(t, c.tables, ask(t, m, "root", "sesame",
			"select group_concat(table_name order by table_name) from information_schema.tables where table_schema = 'shop'"), c.name)
		assert.Equal(t, "OFF\t0\t1", ask(t, m, "root", "sesame", `select @@event_scheduler, @@log_bin, count(*) from information_schema.events`), c.name)
		assert.Empty(t, ask(t, m, "root", "sesame", "show all slaves status"), c.name)
		assert.Equal(t, "app@%", ask(t, m, "app", "of production", "select current_user()"), c.name)
		assert.NotEmpty(t, out.Made, c.name)
	}
}
