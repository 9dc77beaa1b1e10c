package ci

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
	"lifeboat/verifier/verifiertest"
)

// versionedShop is a database that every version since 13 takes.
const versionedShop = `create role clerk; create role "报表" login; create database shop; alter database shop set work_mem = '5MB'; grant clerk to "报表";
\c shop
create extension pg_trgm; create type state as enum ('new', '已付'); create domain amount as numeric(10,2) check (value >= 0);
create table orders (id bigint generated always as identity primary key, at timestamptz not null default clock_timestamp(), state state not null default 'new',
	sum amount, twice numeric generated always as (sum * 2) stored, note text) ;
create table "订单 行" (order_id bigint references orders on delete cascade, n serial, v jsonb, primary key (order_id, n)) partition by hash (order_id);
create table "行 0" partition of "订单 行" for values with (modulus 2, remainder 0); create table "行 1" partition of "订单 行" for values with (modulus 2, remainder 1);
create index on orders using gin (note gin_trgm_ops); create view late as select id, extract(year from at) as y from orders where state in ('new', '已付');
create materialized view totals as select state, sum(sum) from orders group by 1;
create function note() returns trigger language plpgsql as $$ begin new.note := coalesce(new.note, '无'); return new; end $$;
create trigger note before insert on orders for each row execute function note();
create policy own on orders using (true); alter table orders enable row level security; grant select, update on orders to clerk; grant create on schema public to clerk;
create publication pub for table orders; comment on column orders.sum is '含税';
insert into orders (sum) select g % 90 from generate_series(1, 3000) g; insert into "订单 行" (order_id, v) select g, '{"sku": "苹果"}' from generate_series(1, 3000) g;
refresh materialized view totals; select lo_from_bytea(4711, '\x00010203');`

// dumpsOf are the forms in which a server's programs write a dump.
var dumpsOf = map[string]string{"custom": "pg_dump -Fc -f %[1]s/shop.dump shop", "tar": "pg_dump -Ft -f %[1]s/shop.tar shop",
	"directory": "pg_dump -Fd -j2 -f %[1]s/shop shop", "plain": "pg_dump -C -f %[1]s/shop.sql shop", "all": "pg_dumpall | gzip > %[1]s/all.sql.gz"}

const postgresEntry = `
  - name: %[1]s
    store: {kind: dir, path: ./%[2]s}
    restore: {kind: postgres}
    instance: {kind: docker, image: "%[3]s", env: {POSTGRES_PASSWORD: drill}, data: [/var/lib/postgresql/data], ready: {tcp: 5432}}
    checks: {service: [{kind: tcp, to: "db:5432"}], data: [{kind: content, on: db, password: drill}]}
`

// image of a version, which make other-versions makes.
func image(t *testing.T, name string) string {
	t.Helper()
	name = "lifeboat/" + name
	if exec.Command("docker", "image", "inspect", name).Run() != nil {
		needs.Skip(t, "make other-versions makes the images of other versions:", name)
	}
	return name
}

// versions is a catalogue of backups by servers of several versions, and what is to become of each.
type versions struct {
	b      *bench
	folder string
	text   strings.Builder
	want   map[string]string
}

func newVersions(t *testing.T) *versions {
	needs.Long(t)
	v := &versions{b: onBench(t, "small"), want: map[string]string{}}
	v.folder, _ = v.b.folder()
	v.text.WriteString(kindsNight)
	return v
}

func (v *versions) add(form, name, folder, image, want string) {
	fmt.Fprintf(&v.text, form, name, folder, image)
	v.want[name] = want
}

// cut puts a copy of a backup beside it of which a file's end is missing.
func (v *versions) cut(from, to string) {
	require.NoError(v.b.t, os.CopyFS(filepath.Join(v.folder, to), os.DirFS(filepath.Join(v.folder, from))))
	longest, size := "", int64(0)
	require.NoError(v.b.t, filepath.Walk(filepath.Join(v.folder, to), func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() && info.Size() > size {
			longest, size = path, info.Size()
		}
		return err
	}))
	require.NoError(v.b.t, os.Truncate(longest, size*2/3))
}

// out copies a folder out of a container.
func (v *versions) out(c *verifiertest.Container, path, to string) {
	v.b.t.Helper()
	o, err := c.Exec(v.b.t.Context(), "db", []string{"sh", "-c", "tar -C " + path + " -cf - . | base64 -w0"})
	require.NoError(v.b.t, err)
	require.Zero(v.b.t, o.Exit, o.Stderr)
	require.NoError(v.b.t, os.MkdirAll(filepath.Join(v.folder, to), 0o700))
	tar := exec.Command("sh", "-c", "base64 -d | tar -C '"+filepath.Join(v.folder, to)+"' -xf - --no-same-owner")
	tar.Stdin = strings.NewReader(o.Stdout)
	out, err := tar.CombinedOutput()
	require.NoError(v.b.t, err, "%s", out)
}

// verify proves them all and holds what came of each against what is wanted: the status, the highest rung, and words of the reason.
func (v *versions) verify() {
	t := v.b.t
	path := filepath.Join(v.folder, "versions.yaml")
	require.NoError(t, os.WriteFile(path, []byte(v.text.String()), 0o600))
	said, err := exec.Command(v.b.bin, "validate", path).CombinedOutput()
	require.NoError(t, err, "%s", said)
	_, n := v.b.verify(path, "--parallel", "2")
	assert.Len(t, n.Proofs, len(v.want))
	for _, p := range n.Proofs {
		got := p.Status
		for _, r := range p.Rungs {
			if r.State != "reached" {
				break
			}
			got = p.Status + " " + r.Rung
		}
		report, _ := exec.Command(v.b.bin, "report", "--home", v.b.home, p.Drill).Output()
		want, words, _ := strings.Cut(v.want[p.Backup], ": ")
		assert.Equal(t, want, got, "%s\n%s", p.Backup, report)
		assert.Contains(t, string(report), words, p.Backup)
		t.Logf("%s: %s\n%s", p.Backup, got, bytes.TrimSpace(report))
	}
}

// A dump of each version is proved on a server of the same and of the next one, in every form; none that is cut is; and a server that is older than the
// dump is said to be that before it boots.
func TestVersionsOfPostgresDumps(t *testing.T) {
	v := newVersions(t)
	all := []int{13, 15, 17, 18}
	for i, version := range all {
		c := verifiertest.PostgresOf(t, image(t, fmt.Sprintf("postgres:%d", version)), versionedShop)
		for form, command := range dumpsOf {
			folder := fmt.Sprintf("/tmp/%s", form)
			o, err := c.Exec(t.Context(), "db", []string{"env", "PGHOST=127.0.0.1", "PGUSER=postgres", "PGPASSWORD=sesame", "bash", "-ec",
				"mkdir " + folder + "; " + fmt.Sprintf(command, folder)})
			require.NoError(t, err)
			require.Zero(t, o.Exit, o.Stderr)
			name := fmt.Sprintf("%d-%s", version, form)
			v.out(c, folder, name)
			v.cut(name, name+"-cut")
			same := fmt.Sprintf("lifeboat/postgres:%d", version)
			v.add(postgresEntry, name, name, same, "passed content")
			v.add(postgresEntry, name+"-cut", name+"-cut", same, "failed found")
			if i+1 < len(all) {
				v.add(postgresEntry, name+"-newer", name, fmt.Sprintf("lifeboat/postgres:%d", all[i+1]), "passed content")
			}
			want := fmt.Sprintf("inconclusive found: PostgreSQL %d", version)
			if form == "directory" && version != 17 {
				want = "passed content" // its version stands behind its data, and that of its archive came with 17
			}
			if i > 0 {
				v.add(postgresEntry, name+"-older", name, fmt.Sprintf("lifeboat/postgres:%d", all[i-1]), want)
			}
		}
	}
	v.verify()
}

// shell runs a script in a container.
func shell(t *testing.T, c *verifiertest.Container, script string) {
	t.Helper()
	o, err := c.Exec(t.Context(), "db", []string{"env", "PGHOST=127.0.0.1", "PGUSER=postgres", "PGPASSWORD=sesame", "MYSQL_PWD=sesame", "LC_ALL=C.UTF-8", "bash", "-ec", script})
	require.NoError(t, err)
	require.Zero(t, o.Exit, script+"\n"+o.Stdout+o.Stderr)
}

const versionedTables = `create database shop character set utf8mb4; use shop;
create table orders (id bigint primary key auto_increment, at timestamp(3) not null default current_timestamp(3), sum decimal(10,2), note varchar(200), doc json, b blob,
	bits bit(5), twice decimal(11,2) generated always as (sum * 2) stored, key (sum), fulltext key (note), check (sum >= 0)) comment '订单';
create table parts (order_id bigint, n int, v text, primary key (order_id, n), foreign key (order_id) references orders (id));
create view late as select id, sum from orders where sum > 10;
create trigger t before insert on orders for each row set new.note = coalesce(new.note, '无');
create procedure p() select 1; create function f(a int) returns int deterministic return a + 1;
create event e on schedule every 1 day do delete from orders where id < 0;
insert into orders (sum, note, doc, b, bits) with recursive n(i) as (select 1 union all select i + 1 from n where i < 900) select i, if(i % 3, concat('苹果 😀 ', i), null),
	'{"a": [1, "é"]}', unhex('00FF275C0A'), b'10101' from n;
insert into parts select id, 1, repeat('x', id) from orders;`

const mysqlEntry = `
  - name: %[1]s
    store: {kind: dir, path: ./%[2]s}
    restore: {kind: mysql}
    instance: {kind: docker, image: "%[3]s", env: {MYSQL_ROOT_PASSWORD: drill}, ready: {tcp: 3306}}
    checks: {service: [{kind: tcp, to: "db:3306"}], data: [{kind: content, on: db, password: drill}]}
`

// The same of dumps of MariaDB and MySQL; and what one of them wrote is proved on the other, or said not to be for it.
func TestVersionsOfMySQLDumps(t *testing.T) {
	v := newVersions(t)
	all := []string{"mariadb:10.5", "mariadb:10.11", "mariadb:11.8", "mysql:9.7"}
	for i, version := range all {
		c := verifiertest.Boot(t, image(t, version), map[string]string{"MYSQL_ROOT_PASSWORD": "sesame"})
		require.Eventually(t, func() bool {
			o, err := c.Exec(t.Context(), "db", []string{"env", "MYSQL_PWD=sesame", "bash", "-c", "$(command -v mariadb mysql | head -n 1) -h 127.0.0.1 -e 'select 1'"})
			return err == nil && o.Exit == 0
		}, 2*time.Minute, 200*time.Millisecond)
		text := versionedTables
		switch version {
		case "mariadb:11.8":
			text += "create table vectors (id int primary key, v vector(3) not null, vector index (v)); insert into vectors values (1, vec_fromtext('[1,2,3]')); create sequence seq;"
		case "mysql:9.7":
			text += "create table hidden (id int primary key, secret int invisible default 7, v vector(3), key ((id + 1))); insert into hidden (id, v) values (1, to_vector('[1,2,3]'));"
		}
		shell(t, c, "$(command -v mariadb mysql | head -n 1) -h 127.0.0.1 --default-character-set=utf8mb4 <<'END'\n"+text+"\nEND\n")
		for form, command := range map[string]string{"databases": "--databases shop > %s/shop.sql", "one": "--hex-blob --skip-extended-insert shop | gzip > %s/shop.sql.gz",
			"all": "--all-databases > %s/all.sql"} {
			folder, name := "/tmp/"+form, strings.ReplaceAll(strings.ReplaceAll(version, ":", "-"), ".", "-")+"-"+form
			shell(t, c, "mkdir "+folder+"; $(command -v mariadb-dump mysqldump | head -n 1) -h 127.0.0.1 --single-transaction --routines --events "+fmt.Sprintf(command, folder))
			v.out(c, folder, name)
			v.cut(name, name+"-cut")
			v.add(mysqlEntry, name, name, "lifeboat/"+version, "passed content")
			v.add(mysqlEntry, name+"-cut", name+"-cut", "lifeboat/"+version, "failed found")
			// 11.8 and MySQL have each what nobody else does; 10.11 has nothing here that 10.5 does not take.
			special := version == "mariadb:11.8" || version == "mysql:9.7"
			want := map[bool]string{true: "inconclusive found", false: "passed content"}[special]
			if i+1 < len(all) {
				v.add(mysqlEntry, name+"-newer", name, "lifeboat/"+all[i+1], want)
			}
			if i > 0 {
				v.add(mysqlEntry, name+"-older", name, "lifeboat/"+all[i-1], want)
			}
		}
	}
	v.verify()
}

const redisEntry = `
  - name: %[1]s
    store: {kind: dir, path: ./%[2]s}
    restore: {kind: redis, folder: "%[4]s"}
    instance: {kind: docker, image: "%[3]s", ready: {tcp: 6379}}
    checks: {service: [{kind: tcp, to: "db:6379"}], data: [{kind: redis, on: db}]}
`

const versionedKeys = `set a b
set 数 字 ex 90000
hset h f v g w
lpush l 1 2 3 xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
sadd s 1 2 3
sadd words a b c
zadd z 1 a 2.5 b
xadd x * f v
xgroup create x g 0
xreadgroup group g c count 1 streams x >
setbit bits 100000 1
pfadd p a b c
select 3
set other 1
`

// The same of snapshots, and logs, of Redis and Valkey.
func TestVersionsOfRedisFiles(t *testing.T) {
	v := newVersions(t)
	all := []string{"redis:6.0", "redis:7.0", "valkey:8.1", "redis:8.0"}
	folders := map[string]string{"redis:7.0": "/data", "valkey:8.1": "/valkey", "redis:6.0": "/redis", "redis:8.0": "/redis"}
	redis := func(name, folder, version, want string) {
		v.add(strings.ReplaceAll(redisEntry, "%[4]s", folders[version]), name, folder, "lifeboat/"+version, want)
	}
	for i, version := range all {
		c := verifiertest.Boot(t, image(t, version), nil, strings.Split(version, ":")[0]+"-server", "--appendonly", "yes", "--save", "")
		cli := "$(command -v redis-cli valkey-cli | head -n 1) "
		keys := versionedKeys
		if version == "redis:8.0" {
			keys += "hset e f v g w\nhexpire e 90000 fields 1 f\n"
		}
		shell(t, c, "for i in $(seq 1000); do "+cli+"ping >/dev/null 2>&1 && break; sleep 0.1; done; "+cli+"<<'END'\n"+keys+"END\n"+cli+
			"save; mkdir /tmp/log /tmp/snapshot; cp dump.rdb /tmp/snapshot; cp -r append* /tmp/log")
		for _, form := range []string{"snapshot", "log"} {
			name := strings.NewReplacer(":", "-", ".", "-").Replace(version) + "-" + form
			v.out(c, "/tmp/"+form, name)
			v.cut(name, name+"-cut")
			redis(name, name, version, "passed content")
			redis(name+"-cut", name+"-cut", version, "failed found")
			if i+1 < len(all) {
				redis(name+"-newer", name, all[i+1], "passed content")
			}
			if i > 0 {
				redis(name+"-older", name, all[i-1], "inconclusive found")
			}
		}
	}
	v.verify()
}

const baseEntry = `
  - name: %[1]s
    store: {kind: dir, path: ./%[2]s, pattern: "%[4]s"}
    restore: {kind: basebackup%[5]s}
    instance: {kind: docker, image: "%[3]s", env: {POSTGRES_PASSWORD: drill}, ready: {tcp: 5432}}
    checks: {service: [{kind: tcp, to: "db:5432"}], data: [{kind: content, on: db, password: drill}]}
`

// changedBackup makes an incremental base backup, and what pg_combinebackup makes of it.
const changedBackup = `export PGHOST=/tmp PGDATABASE=postgres
initdb -D /tmp/more -U postgres -A trust --no-sync > /dev/null
pg_ctl -D /tmp/more -o "-c unix_socket_directories=/tmp -c listen_addresses= -c summarize_wal=on" -l /tmp/more.log -w start > /dev/null
psql -qXc 'create table t as select g from generate_series(1, 5000) g' -c 'select pg_switch_wal()' -c checkpoint > /dev/null
mkdir /tmp/out/full; pg_basebackup -D /tmp/out/full/data -c fast
psql -qXc 'update t set g = g + 1 where g < 50' -c checkpoint > /dev/null
mkdir /tmp/out/plain /tmp/out/delta
pg_basebackup -D /tmp/out/plain/data -c fast --incremental /tmp/out/full/data/backup_manifest
pg_basebackup -D /tmp/out/delta -Ft -c fast --incremental /tmp/out/full/data/backup_manifest
mkdir /tmp/out/combined; pg_combinebackup /tmp/out/full/data /tmp/out/plain/data -o /tmp/out/combined/data
pg_ctl -D /tmp/more -m fast -w stop > /dev/null`

// The same of base backups: on another version they are said not to be for it, and so is an incremental one.
func TestVersionsOfBaseBackups(t *testing.T) {
	v := newVersions(t)
	script := string(read(t, "../drills/restore/basebackup/testdata/make.sh"))
	all := []int{13, 15, 17, 18}
	for i, version := range all {
		name := fmt.Sprintf("lifeboat/postgres:%d", version)
		image(t, fmt.Sprintf("postgres:%d", version))
		make := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--user", "postgres", "--entrypoint", "bash", name, "-s")
		text := script
		if version >= 17 {
			text = strings.Replace(script, "tar -cf - .\n", changedBackup+"\ncd /tmp/out; tar -cf - .\n", 1)
			require.NotEqual(t, script, text)
		}
		make.Stdin = strings.NewReader(text)
		var errs bytes.Buffer
		make.Stderr = &errs
		raw, err := make.Output()
		require.NoError(t, err, errs.String())
		folder := strconv.Itoa(version)
		require.NoError(t, os.MkdirAll(filepath.Join(v.folder, folder), 0o700))
		tar := exec.Command("tar", "-C", filepath.Join(v.folder, folder), "--no-same-owner", "-xf", "-")
		tar.Stdin = bytes.NewReader(raw)
		out, err := tar.CombinedOutput()
		require.NoError(t, err, "%s", out)
		at := strings.TrimSpace(string(read(t, filepath.Join(v.folder, folder, "time"))))
		before := strings.TrimSpace(string(read(t, filepath.Join(v.folder, folder, "xid"))))
		base := func(name, pattern, settings, on, want string) {
			form := strings.NewReplacer("%[4]s", pattern, "%[5]s", settings).Replace(baseEntry)
			if settings != "" {
				form += "    backups: {wal: {store: {kind: dir, path: ./%[2]s, pattern: wal}, restore: {kind: wal}}}\n"
			}
			v.add(form, folder+"-"+name, folder, on, want)
		}
		base("tar", "tar", ", wal: wal", name, "passed content")
		base("packed", "packed", ", wal: wal", name, "passed content")
		base("cold", "cold", "", name, "passed content")
		base("name", "tar", ", wal: wal, recover: {name: noon}", name, "passed content")
		base("time", "packed", ", wal: wal, recover: {time: "+at+"}", name, "passed content")
		base("before", "tar", fmt.Sprintf(", wal: wal, recover: {before: %q}", before), name, "passed content")
		v.cut(folder+"/tar", folder+"/tar-cut")
		v.cut(folder+"/packed", folder+"/packed-cut")
		base("tar-cut", "tar-cut", ", wal: wal", name, "failed found")
		base("packed-cut", "packed-cut", ", wal: wal", name, "failed found")
		base("other", "tar", ", wal: wal", fmt.Sprintf("lifeboat/postgres:%d", all[(i+1)%len(all)]), "inconclusive found")
		if version >= 17 {
			base("plain", "plain", "", name, "inconclusive found: incremental")
			base("delta", "delta", "", name, "inconclusive found: incremental")
			base("full", "full", "", name, "passed content")
			base("combined", "combined", "", name, "passed content")
		}
	}
	v.verify()
}

// A database of 15 that is restored on later servers, and is not reached after their upgrade, is rolled back as on its own.
func TestDrillOnLaterVersions(t *testing.T) {
	needs.Long(t)
	for _, version := range []string{"postgres:17", "postgres:18"} {
		t.Run(version, func(t *testing.T) {
			b := onBench(t, "small")
			exit, d := b.drill(b.variant("db-unreachable-after-upgrade", quick("lifeboat/postgres:15", image(t, version),
				"/usr/lib/postgresql/15/", "/usr/lib/postgresql/"+strings.TrimPrefix(version, "postgres:")+"/")...))
			assert.Equal(t, "passed", d.Verdict, d.raw)
			assert.Zero(t, exit)
		})
	}
}
