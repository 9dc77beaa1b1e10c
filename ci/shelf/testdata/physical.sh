# Follows what starts a server of its own and fills its database shop (drills/restore/mariadbbackup/testdata/make.sh), and writes backups of it
# as a tar: full, inc1 and inc2, which go on from each other, tonight of what inc2 leads to, later ones, and those of servers that lost something.
shop() { sql --default-character-set=utf8mb4 shop; }
stream() { mariadb-backup --no-defaults --backup --datadir=$data --socket=/tmp/s -u root --stream=mbstream "$@" 2>/tmp/back.log; }
shop <<'SQL'
create table customers (id int primary key, name varchar(50), city varchar(20), key (city)) default charset utf8mb4;
create table payments (id int primary key, what varchar(50)) default charset utf8mb4;
create procedure tidy() delete from orders where id < 0;
create trigger trimmed before insert on orders for each row set new.note = trim(new.note);
insert into customers select seq, concat('customer ', seq), elt(1 + seq % 3, '北京', '上海', 'Zürich') from seq_1_to_60;
insert into payments select seq, concat('payment ', seq, ' of the shop') from seq_1_to_300;
SQL
mkdir out
cd out
back --target-dir=full
stream --extra-lsndir=/tmp/lsn >full.mbs
shop <<<"insert into orders (note) select repeat('y', 100) from seq_1_to_100; create table later (id int primary key); insert into later values (1)"
back --target-dir=inc1 --incremental-basedir=full
stream --incremental-basedir=/tmp/lsn >inc1.mbs
shop <<<"insert into orders (note) select repeat('z', 100) from seq_1_to_50; delete from customers where id > 50"
back --target-dir=inc2 --incremental-basedir=inc1
back --target-dir=tonight
stream >tonight.mbs
back --target-dir=some --databases=shop
cp -a tonight prepared
cp -a tonight exported
for of in "prepared" "exported --export --innodb-log-file-size=4M"; do
  mariadb-backup --no-defaults --prepare --target-dir=$of 2>/tmp/back.log
done
shop <<<"insert into orders (note) select repeat('z', 100) from seq_1_to_10"
back --target-dir=second
shop <<<"insert into orders (note) select repeat('z', 100) from seq_1_to_10"
back --target-dir=other --incremental-basedir=second
lost() { # NAME, what happens, what undoes it
  shop <<<"$2"
  back --target-dir="$1"
  shop <<<"$3"
}
lost rows "truncate small" "insert into small select seq, repeat('a', 500) from seq_1_to_50"
lost digit "update payments set what = 'payment 9 of the shop' where id = 7" "update payments set what = 'payment 7 of the shop' where id = 7"
lost routine "drop procedure tidy" "create procedure tidy() delete from orders where id < 0"
shop <<<"drop database shop; create database blog; use blog; create table posts as select seq id, 'a post' what from seq_1_to_500"
back --target-dir=another
sql -e "drop database blog"
back --target-dir=nothing
tar -c .
