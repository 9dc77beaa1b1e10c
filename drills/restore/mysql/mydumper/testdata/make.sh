# Has the real mydumper take dumps of a MariaDB server of its own, and writes them to its standard output as a tar: plain, packed (-c), rows (-r, with a range
# of keys without rows), sized (-F), one (-B shop), bare (-d), data (-m), and logs (the binary logs behind plain).
set -eu
cd /tmp
mkdir out
mariadb-install-db --no-defaults --datadir=/tmp/data --auth-root-authentication-method=normal --skip-test-db --innodb-data-file-path=ibdata1:5M:autoextend >/dev/null 2>&1
mariadbd --no-defaults --datadir=/tmp/data --socket=/tmp/s --skip-networking --log-bin=binlog --server-id=1 --innodb-data-file-path=ibdata1:5M:autoextend >/tmp/log 2>&1 &
sql() { mariadb --no-defaults --default-character-set=utf8mb4 --socket=/tmp/s -u root -N "$@"; }
for _ in $(seq 1000); do sql -e 'select 1' >/dev/null 2>&1 && break; sleep 0.05; done
sql <<'SQL'
create database shop character set utf8mb4;
create database crm character set latin1;
create user shop@'%' identified by 'x';
use shop;
create table customers (id int primary key auto_increment, name varchar(50) unique, city varchar(20)) default charset utf8mb4;
create table orders (id int primary key auto_increment, customer int, total decimal(10,2) not null, note text, doc json,
  twice decimal(10,2) generated always as (total * 2) stored, made timestamp default '2026-01-01 00:00:00', foreign key (customer) references customers (id)) default charset utf8mb4;
create table `订 单.x` (id int primary key, picture blob) engine=aria default charset utf8mb4;
create table nothing (id int);
create table sparse (id int primary key, t varchar(2000)) default charset utf8mb4;
insert into customers select seq, concat('O''Neil; "', seq, '"'), elt(1 + seq % 3, '北京', '上海', 'Zürich') from seq_1_to_60;
insert into orders (customer, total, note, doc) select 1 + seq % 60, seq * 1.5, concat('a note;\nof ', seq), concat('{"n": ', seq, '}') from seq_1_to_120;
insert into `订 单.x` values (1, x'00010227ff5c0a0d1a'), (0, null);
insert into sparse select seq, repeat('s', 1900) from seq_1_to_1000;
insert into sparse select seq, repeat('s', 1900) from seq_9001_to_10000;
create function rate() returns int deterministic return 3;
create view big as select id, total * rate() as t from orders where total > 100;
create view a_first as select * from big where id > 100;
delimiter //
create definer=shop@'%' trigger tr before insert on orders for each row begin set new.total = abs(new.total); set @a = ';
'; set @b = 1;
end//
create procedure tidy() begin delete from orders where id < 0; select 1;
end//
delimiter ;
create event beat on schedule every 1 day do delete from nothing;
create table crm.people (id int primary key, name varchar(50)) default charset latin1;
insert into crm.people values (1, 'Müller');
SQL
take() { to=$1; shift; mydumper -u root -S /tmp/s -o "out/$to" "$@" >>/tmp/dump.log 2>&1 || { cat /tmp/dump.log >&2; exit 1; }; }
take plain -G -E -R
sql shop -e "insert into nothing values (7); insert into customers (name, city) values ('behind it', 'x')"
sql -e "flush binary logs"
mkdir out/logs
cp /tmp/data/binlog.0* out/logs/
rm "out/logs/$(ls out/logs | tail -1)"
take packed -c -G -E -R
take rows -r 100 -G -E -R
take sized -F 1 -G -E -R
take one -B shop -G -E -R
take bare -d
take data -m
mydumper --version >out/version 2>&1
tar -C out -c .
