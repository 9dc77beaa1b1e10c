package ci

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/verifier/verifiertest"
)

const profiledShop = `create role clerk; create database shop;
\c shop
create table orders (id bigint generated always as identity primary key, amount numeric(10,2) not null, at timestamptz not null default clock_timestamp());
create table "订单 行" (order_id bigint references orders, n int, primary key (order_id, n));
insert into orders (amount, at) select 10 + g % 90, '2026-01-01'::timestamptz + g * interval '1 minute' from generate_series(1, 5000) g;
insert into "订单 行" select g, 1 from generate_series(1, 5000) g; create view late as select * from orders where at > '2026-01-03';
grant select, update on orders to clerk; comment on column orders.amount is 'with tax';`

const profiledCatalogue = `catalogue: profiled
defaults:
  restore: {kind: postgres}
  as: db
  timezone: UTC
  instance: {kind: docker, image: "lifeboat/postgres:15", env: {POSTGRES_PASSWORD: drill}, data: [/var/lib/postgresql/data], ready: {tcp: 5432}}
  checks:
    data: [{kind: profile, on: db, password: drill}]
    excluded: {service: the data is what is proved}
backups:
  - {name: whole, store: {kind: dir, path: ./whole}}
  - {name: digit, store: {kind: dir, path: ./digit}}
  - {name: right, store: {kind: dir, path: ./right}}
  - {name: bare, store: {kind: dir, path: ./bare}, restore: {kind: postgres, database: shop}}
`

// TestProfile takes profile and dump of a database that is written to meanwhile: they are of one moment, so that a copy equals its profile.
// One digit, or one right, that a copy has otherwise is found; without one nothing is proved, but the next night is held
// against what was seen.
func TestProfile(t *testing.T) {
	t.Parallel()
	b := onBench(t, "small")
	c := verifiertest.Postgres(t, profiledShop)
	sh := func(script string) string {
		t.Helper()
		o, err := c.Exec(t.Context(), "db", []string{"env", "PGHOST=127.0.0.1", "PGUSER=postgres", "PGPASSWORD=sesame", "bash", "-ec", script})
		require.NoError(t, err)
		require.Zero(t, o.Exit, "%s: %s%s", script, o.Stdout, o.Stderr)
		return strings.TrimSpace(o.Stdout)
	}
	count := func() int {
		n, err := strconv.Atoi(sh("psql -XAtd shop -c 'select count(*) from orders'"))
		require.NoError(t, err)
		return n
	}
	c.Put(t, b.bin, "/tmp/lifeboat")
	sh(`(yes "insert into orders (amount) values (1); select pg_sleep(0.002);" | psql -Xqd shop) > /dev/null 2>&1 < /dev/null & echo $! > /tmp/writer`)
	require.Eventually(t, func() bool { return count() > 5050 }, time.Minute, 50*time.Millisecond)
	before := count()
	sh("cd /tmp && /tmp/lifeboat profile --json -- pg_dump -Fc -f shop.dump shop > told && ls -l shop.dump.profile.json | grep -- '^-rw------- '")
	after := count()
	sh("cd /tmp && touch none.dump.profile.json && ! /tmp/lifeboat profile -- pg_dump -Fc -f none.dump -t nothing shop 2> why && grep -q 'exit code 1: no profile' why && " +
		"! ls none.dump.profile.json")
	sh("cd /tmp && chmod 777 . && su postgres -c 'env -u PGHOST -u PGPASSWORD /tmp/lifeboat profile --database shop -o socket.json'") // by its socket
	sh("pkill -x yes; rm /tmp/writer")
	var told struct {
		Rows   int
		Digest string
	}
	require.NoError(t, json.Unmarshal([]byte(sh("cat /tmp/told")), &told))
	assert.Greater(t, told.Rows-5000, before-1, "what was there when it began is in it")
	assert.Less(t, told.Rows-5000, after, "and the writer went on while it was read")
	for name, change := range map[string]string{"digit": "update orders set amount = amount + 0.10 where id = 4711", "right": "revoke update on orders from clerk",
		"half": "delete from \"订单 行\" where order_id > 2500; insert into orders (amount) values (2)"} {
		sh("createdb -T template0 " + name + " && pg_restore -d " + name + " /tmp/shop.dump && psql -Xqd " + name + " -c '" + change +
			"' && pg_dump -Fc -f /tmp/" + name + ".dump " + name)
	}
	folder, _ := b.folder()
	put := func(entry, dump, profile string) {
		for from, to := range map[string]string{dump: "shop.dump", profile: "shop.dump.profile.json"} {
			if from == "" {
				continue
			}
			raw, err := c.Read(t.Context(), "db", "/tmp/"+from)
			require.NoError(t, err)
			require.NoError(t, os.MkdirAll(filepath.Join(folder, entry), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(folder, entry, to), raw, 0o600))
		}
	}
	put("whole", "shop.dump", "shop.dump.profile.json")
	put("digit", "digit.dump", "shop.dump.profile.json")
	put("right", "right.dump", "shop.dump.profile.json")
	put("bare", "shop.dump", "")
	path := filepath.Join(folder, "profiled.yaml")
	require.NoError(t, os.WriteFile(path, []byte(profiledCatalogue), 0o600))
	type record struct {
		Checks []struct{ Message string } `json:"checks"`
		Points []struct{ Profile string } `json:"restore_points"`
	}
	said := func(drill string) (r record) {
		t.Helper()
		raw, err := os.ReadFile(filepath.Join(b.home, "drills", drill, "record.json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(raw, &r))
		return r
	}
	_, n := b.verify(path, "--parallel", "2")
	require.Len(t, n.Proofs, 4)
	for _, p := range n.Proofs {
		want := map[string][2]string{
			"whole": {"passed", "2 tables are what its profile says, to the value: "},
			"digit": {"failed", "shop: table public.orders"},
			"right": {"failed", "clerk"},
			"bare":  {"passed", "recorded for the next proof, and held against nothing yet: 2 tables"},
		}[p.Backup]
		r := said(p.Drill)
		require.Len(t, r.Checks, 1, p.Backup)
		assert.Equal(t, want[0], p.Status, "%s: %s", p.Backup, r.Checks[0].Message)
		assert.Contains(t, r.Checks[0].Message, want[1], p.Backup)
		if p.Backup == "whole" {
			assert.Equal(t, told.Digest, r.Points[0].Profile, "it is sealed in the record")
		}
		for _, rung := range p.Rungs {
			if rung.Rung == "content" && p.Backup == "bare" {
				assert.Equal(t, "unasked", rung.State, "what was held against nothing proves nothing")
			}
		}
	}
	require.NoError(t, os.Remove(filepath.Join(folder, "bare", "shop.dump")))
	put("bare", "half.dump", "")
	_, n = b.verify(path, "--only", "bare")
	require.Len(t, n.Proofs, 4)
	assert.Equal(t, "failed", n.Proofs[3].Status)
	assert.Contains(t, said(n.Proofs[3].Drill).Checks[0].Message, "holds 2500 rows and held 5000 in the proof ", "what was recorded the night before is what it is held against")
}
