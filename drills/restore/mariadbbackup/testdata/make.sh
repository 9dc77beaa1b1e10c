# Takes backups of a MariaDB server of its own, and writes them to its standard output as a tar: full, inc1, inc2 (folders, which go on from each
# other), streams (a full one and an increment), prepared, other (an increment of another chain), some (one database alone).
set -eu
cd /tmp
data=/tmp/data
mariadb-install-db --no-defaults --datadir=$data --auth-root-authentication-method=normal --skip-test-db --innodb-data-file-path=ibdata1:5M:autoextend --innodb-autoextend-increment=1 >/dev/null 2>&1
mariadbd --no-defaults --datadir=$data --socket=/tmp/s --skip-networking --log-bin=bin --server-id=1 --event-scheduler=ON \
  --innodb-data-file-path=ibdata1:5M:autoextend --innodb-max-dirty-pages-pct=0 --innodb-autoextend-increment=1 >/tmp/log 2>&1 &
sql() { mariadb --no-defaults --socket=/tmp/s -u root -N "$@"; }
for _ in $(seq 1000); do sql -e 'select 1' >/dev/null 2>&1 && break; sleep 0.1; done
settled() { # until all that was written is in the files, so that increments go on from other places of the log
  for _ in $(seq 300); do
    sql -e 'show engine innodb status\G' | awk '/Log sequence number/ {a=$4} /Last checkpoint at/ {b=$4} END {exit !(a - b < 3000)}' && return
    sleep 0.1
  done
}
back() {
  settled
  mariadb-backup --no-defaults --backup --datadir=$data --socket=/tmp/s -u root "$@" 2>/tmp/back.log || { cat /tmp/back.log >&2; exit 1; }
}
sql <<'SQL'
create database shop;
use shop;
create table orders (id int primary key auto_increment, note varchar(200), made datetime default now());
create table items (id int primary key, name text) engine=aria;
create table small (id int primary key, t text) row_format=compressed;
create table packed (id int primary key, t text) page_compressed=1;
create table parts (id int primary key) partition by hash(id) partitions 2;
create table texts (id int primary key, t text, fulltext (t));
create table `数据 $` (id int primary key);
insert into `数据 $` values (7);
insert into orders (note) select repeat('x', 100) from seq_1_to_500;
insert into items select seq, 'thing' from seq_1_to_50;
insert into small select seq, repeat('a', 500) from seq_1_to_50;
insert into packed select seq, repeat('a', 500) from seq_1_to_200;
insert into parts select seq from seq_1_to_20;
insert into texts values (1, 'some words');
create table beats (at datetime(6));
create event beat on schedule every 1 second do insert into shop.beats values (now(6));
create view recent as select * from orders where id > 400;
create user app@'%' identified by 'of production';
grant all on shop.* to app@'%';
create table other (id int primary key, name varchar(10), more int);
SQL
mkdir out out/streams
cd out
back --target-dir=full
mariadb-backup --no-defaults --backup --datadir=$data --socket=/tmp/s -u root --stream=mbstream --parallel=2 --extra-lsndir=/tmp/lsn >streams/full.mbs 2>/dev/null
sql shop -e "insert into orders (note) select repeat('y', 100) from seq_1_to_100; create table later (id int primary key); insert into later values (1)"
back --target-dir=inc1 --incremental-basedir=full
mariadb-backup --no-defaults --backup --datadir=$data --socket=/tmp/s -u root --stream=mbstream --incremental-basedir=/tmp/lsn 2>/dev/null | gzip >streams/inc.mbs.gz
sql shop -e "insert into orders (note) select repeat('z', 100) from seq_1_to_50; drop table later; rename table other to another"
back --target-dir=inc2 --incremental-basedir=inc1
sql shop -e "insert into orders (note) select repeat('z', 100) from seq_1_to_10"
back --target-dir=/tmp/second
sql shop -e "insert into orders (note) select repeat('z', 100) from seq_1_to_10"
back --target-dir=other --incremental-basedir=/tmp/second
back --target-dir=some --databases=shop
cp -a full prepared
mariadb-backup --no-defaults --prepare --target-dir=prepared 2>/dev/null
tar -c .
