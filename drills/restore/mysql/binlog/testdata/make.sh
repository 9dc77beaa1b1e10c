# Takes backups of a MariaDB server of its own with the binary logs behind them, and writes them to its standard output as a tar: all.sql, shop.sql
# and one.sql (dumps of all databases, of one, and of one without its name in it), full (of mariadb-backup), logs (binlog.000001 and on), live (the
# same while the server writes), plain (logs without checksums), mixed (the same, and a transaction of two databases), foreign (another server's), sealed (encrypted), packed (log_bin_compress), and
# words (what was true at which second, GTIDs).
set -eu
cd /tmp
mkdir out
serve() { # folder, settings
  data=/tmp/$1; shift
  cp -a /tmp/fresh $data
  mariadbd --no-defaults --datadir=$data --socket=/tmp/s --skip-networking --log-bin=binlog --innodb-data-file-path=ibdata1:5M:autoextend "$@" >/tmp/log 2>&1 &
  for _ in $(seq 1000); do sql -e 'select 1' >/dev/null 2>&1 && break; sleep 0.05; done
}
sql() { mariadb --no-defaults --default-character-set=utf8mb4 --socket=/tmp/s -u root -N "$@"; }
ends() { mariadb-admin --no-defaults --socket=/tmp/s -u root shutdown; wait; }
dump() { mariadb-dump --no-defaults --socket=/tmp/s -u root --single-transaction --master-data=2 "$@"; }
says() { echo "$1 $2" >>out/words; }

mariadb-install-db --no-defaults --datadir=/tmp/fresh --auth-root-authentication-method=normal --skip-test-db --innodb-data-file-path=ibdata1:5M:autoextend >/dev/null 2>&1
serve one --server-id=1
sql <<'SQL'
create database shop; create database crm character set utf8mb4;
create table shop.orders (id int primary key auto_increment, note varchar(200));
create table shop.stock (id int primary key, n int) engine=aria;
create table crm.people (id int primary key, name varchar(50));
insert into shop.orders (note) select 'of before' from shop.seq_1_to_10;
insert into shop.stock values (1, 100);
flush binary logs;
insert into shop.orders (note) values ('just before');
SQL
dump --all-databases >out/all.sql
dump --gtid --databases shop >out/shop.sql
dump shop >out/one.sql
mariadb-backup --no-defaults --backup --datadir=$data --socket=/tmp/s -u root --target-dir=/tmp/out/full 2>/dev/null
sql shop -e "insert into orders (note) values ('behind it'); set session binlog_format = row; update stock set n = n - 1; set session binlog_format = mixed; insert into crm.people values (1, '王芳')"
sql -e "flush binary logs; create user later@'%' identified by 'known'; grant select on shop.* to later@'%'; alter user root@localhost identified by ''"
sql shop -e "create table more (id int primary key, t longtext); begin; insert into more values (1, repeat('m', 300000)); insert into more values (2, 'two'); commit"
sleep 2
says before-the-mistake "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
sleep 1
sql -e "flush binary logs"
sql shop -e "set session binlog_format = statement; insert into orders (note) values (concat('by ', 'statement')); set @x = 5; insert into orders (id, note) values (1000, @x)"
says mistake "$(sql -e "select @@gtid_binlog_pos")" # of the transaction before it
sql shop -e "drop table stock"
sleep 1
says behind-the-mistake "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
sleep 1
sql -e "flush binary logs"
sql shop -e "insert into orders (note) values ('last of all')"
mkdir out/live; cp $data/binlog.0* out/live/
sql -e "flush binary logs"
mkdir out/logs; cp $data/binlog.0* out/logs/; rm out/logs/binlog.000006
sql -e "begin; update shop.orders set note = 'both' where id = 1; update crm.people set name = 'both'; commit"
mkdir out/mixed; cp $data/binlog.0* out/mixed/
ends

serve two --server-id=2
for _ in 1 2 3 4; do sql -e "create or replace database shop; create table shop.orders (id int primary key); flush binary logs"; done
ends
mkdir out/foreign; cp $data/binlog.0* out/foreign/

serve three --server-id=1 --binlog-checksum=none
sql -e "create database shop; create table shop.orders (id int primary key); insert into shop.orders values (1), (2); flush binary logs; insert into shop.orders values (3)"
ends
mkdir out/plain; cp $data/binlog.0* out/plain/

echo "1;$(printf '0123456789abcdef%.0s' 1 2 3 4)" >/tmp/keys
serve four --server-id=1 --plugin-load-add=file_key_management --file-key-management-filename=/tmp/keys --encrypt-binlog
sql -e "create database shop"
ends
mkdir out/sealed; cp $data/binlog.0* out/sealed/

serve five --server-id=1 --log-bin-compress --log-bin-compress-min-len=10
sql -e "create database shop; create table shop.orders (id int primary key, note longtext); insert into shop.orders values (1, repeat('x', 3000)); begin; insert into shop.orders values (2, repeat('y', 3000)); commit"
ends
mkdir out/packed; cp $data/binlog.0* out/packed/
tar -C out -c .
