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

const profiledMySQL = `create database shop character set latin1; use shop; create user clerk@'%';
create table orders (id bigint auto_increment primary key, amount decimal(10,2) not null, at timestamp(6) not null default now(6), note varchar(90) character set utf8mb4) auto_increment=7;
create table parts (order_id bigint, n int, primary key (order_id, n), constraint whose foreign key (order_id) references orders (id));
insert into orders (amount, at, note) select 10 + seq % 90, '2026-01-01' + interval seq minute, concat(seq, ' 订单') from seq_1_to_50000; insert into parts select id, 1 from orders;
create table old (a int) engine=MyISAM; insert into old values (1), (2); create table busy (a int) engine=MyISAM; insert into busy values (1);
create definer=clerk@'%' view late as select * from orders where at > '2026-01-03'; create event nightly on schedule every 1 day do delete from orders where id = 0;
create procedure done(n bigint) /* it is */ update orders set note = 'done' where id = n;`

const profiledMySQLCatalogue = `catalogue: profiled
defaults:
  restore: {kind: mysql}
  as: db
  timezone: UTC
  instance: {kind: docker, image: "lifeboat/mariadb:10.11", env: {MARIADB_ROOT_PASSWORD: drill}, data: [/var/lib/mysql], ready: {tcp: 3306}}
  checks:
    data: [{kind: profile, on: db, password: drill}]
    excluded: {service: the data is what is proved}
backups:
  - {name: whole, store: {kind: dir, path: ./whole}}
  - {name: digit, store: {kind: dir, path: ./digit}}
  - {name: event, store: {kind: dir, path: ./event}}
`

// TestProfileMySQL takes profile and dump of a server that is written to meanwhile: they are of one moment, so that a copy equals its profile. One
// digit, or one event, that a copy has otherwise is found; of a table that has no snapshots and was written to nothing is claimed.
func TestProfileMySQL(t *testing.T) {
	b := onBench(t, "small")
	c := verifiertest.Boot(t, "lifeboat/mariadb:10.11", map[string]string{"MARIADB_ROOT_PASSWORD": "sesame"}, "mariadbd", "--log-bin=binlog")
	sh := func(script string) string {
		t.Helper()
		o, err := c.Exec(t.Context(), "db", []string{"env", "MYSQL_PWD=sesame", "bash", "-o", "pipefail", "-ec", "my() { mariadb -h127.0.0.1 --comments --batch -N \"$@\"; }\n" + script})
		require.NoError(t, err)
		require.Zero(t, o.Exit, "%s: %s%s", script, o.Stdout, o.Stderr)
		return strings.TrimSpace(o.Stdout)
	}
	require.Eventually(t, func() bool {
		o, err := c.Exec(t.Context(), "db", []string{"mariadb", "-h127.0.0.1", "-psesame", "-e", "select 1"})
		return err == nil && o.Exit == 0
	}, 2*time.Minute, 200*time.Millisecond)
	sh("cat > /tmp/shop.sql <<'E'\n" + profiledMySQL + "\nE\nmy --default-character-set=utf8mb4 < /tmp/shop.sql")
	count := func() int {
		n, err := strconv.Atoi(sh("my shop -e 'select count(*) from orders'"))
		require.NoError(t, err)
		return n
	}
	c.Put(t, b.bin, "/tmp/lifeboat")
	sh(`(yes "insert into orders (amount) values (1); insert into busy values (2); do sleep(0.002);" | mariadb -h127.0.0.1 shop) > /dev/null 2>&1 < /dev/null & echo`)
	require.Eventually(t, func() bool { return count() > 50050 }, time.Minute, 50*time.Millisecond)
	before := count()
	sh("cd /tmp && /tmp/lifeboat profile --json -- mariadb-dump -h127.0.0.1 --single-transaction -RE --master-data=2 -r shop.sql --databases shop > told && " +
		"ls -l shop.sql.profile.json | grep -- '^-rw------- '")
	after := count()
	assert.Greater(t, after, before, "the writer went on")
	sh("cd /tmp && touch none.sql.profile.json && ! /tmp/lifeboat profile -- mariadb-dump -h127.0.0.1 --single-transaction -r none.sql shop nothing 2> why && " +
		"grep -q 'ended with exit code 6: no profile' why && ! ls none.sql.profile.json")
	sh("pkill -x yes; cd /tmp; /tmp/lifeboat profile --kind mysql --database shop --user root -o socket.json") // by its socket
	var told struct {
		Rows   int
		Unread []string
	}
	require.NoError(t, json.Unmarshal([]byte(sh("cat /tmp/told")), &told))
	assert.Greater(t, told.Rows-50002, before-1, "what was there when it began is in it")
	assert.Less(t, told.Rows-50002, after, "and the writer went on while it was read")
	require.Len(t, told.Unread, 1)
	assert.Contains(t, told.Unread[0], "shop: busy: it was written to while the dump was taken")
	folder, _ := b.folder()
	raw := func(name string) []byte {
		text, err := c.Read(t.Context(), "db", "/tmp/"+name)
		require.NoError(t, err)
		return text
	}
	profile, dump := raw("shop.sql.profile.json"), string(raw("shop.sql"))
	assert.Contains(t, string(profile), `"position": "0-1-`)
	for entry, change := range map[string][2]string{"whole": {"", ""}, "digit": {"(4711,", "(74711,"}, "event": {"DO delete from orders where id = 0", "DO delete from orders where id = 1"}} {
		require.NoError(t, os.MkdirAll(filepath.Join(folder, entry), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(folder, entry, "shop.sql.profile.json"), profile, 0o600))
		require.Contains(t, dump, change[0])
		require.NoError(t, os.WriteFile(filepath.Join(folder, entry, "shop.sql"), []byte(strings.Replace(dump, change[0], change[1], 1)), 0o600))
	}
	path := filepath.Join(folder, "profiled.yaml")
	require.NoError(t, os.WriteFile(path, []byte(profiledMySQLCatalogue), 0o600))
	_, n := b.verify(path, "--parallel", "2")
	require.Len(t, n.Proofs, 3)
	for _, p := range n.Proofs {
		want := map[string][2]string{"whole": {"passed", "3 tables are what its profile says, to the value: "}, "digit": {"failed", "table orders"},
			"event": {"failed", "event nightly"}}[p.Backup]
		var r struct {
			Checks []struct{ Message string } `json:"checks"`
		}
		text, err := os.ReadFile(filepath.Join(b.home, "drills", p.Drill, "record.json"))
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(text, &r))
		require.Len(t, r.Checks, 1, p.Backup)
		assert.Equal(t, want[0], p.Status, "%s: %s", p.Backup, r.Checks[0].Message)
		assert.Contains(t, r.Checks[0].Message, want[1], p.Backup)
	}
}
