#!/bin/bash
# Makes a cluster with an archive of WAL and a tablespace, base backups of it in every form, and changes after them; all that
# came of it is written to standard output as a tar. Run as the server's user.
set -euo pipefail
export PGCTLTIMEOUT=600 HOME=/tmp PGHOST=/tmp PGDATABASE=postgres PGOPTIONS='-c client_min_messages=warning'
mkdir /tmp/out /tmp/out/wal /tmp/space
initdb -D /tmp/data -k --wal-segsize=1 -U postgres -A trust --no-sync >/dev/null
cat >>/tmp/data/postgresql.conf <<'END'
archive_mode = on
archive_command = 'cp %p /tmp/out/wal/%f'
fsync = off
synchronous_standby_names = ''
shared_preload_libraries = 'pg_stat_statements, pg_cron'
shared_buffers = '64GB'
primary_conninfo = 'host=production'
include_if_exists = '/etc/postgresql/production.conf'
ssl_cert_file = '/etc/ssl/production.pem'
END
start() { pg_ctl -D "$1" -o "-c unix_socket_directories=/tmp -c listen_addresses= -c shared_preload_libraries= -c shared_buffers=16MB -c primary_conninfo= $2" -l /tmp/log -w start >/dev/null || { cat /tmp/log >&2; exit 1; }; }
sql() { psql -qXAt -v ON_ERROR_STOP=1 "$@"; }
start /tmp/data ''
sql <<'END'
create tablespace fast location '/tmp/space';
create database shop;
\c shop
create table orders (id int primary key, at timestamptz not null default now(), note text);
create table items (order_id int, sku text) tablespace fast;
insert into orders select g, now(), repeat('x', 50) from generate_series(1, 5000) g;
insert into items select g, 'sku' || g from generate_series(1, 500) g;
create role app login password 'secret';
END
cd /tmp/out
pg_basebackup -D tar -Ft -X stream -c fast
pg_basebackup -D packed -Ft -z -X fetch -c fast --manifest-checksums=SHA512
sql -d shop -c "insert into orders select g, now(), 'after the backup' from generate_series(5001, 5100) g"
sql -c "select pg_create_restore_point('noon')" >/dev/null
sleep 0.1
date -u +%Y-%m-%dT%H:%M:%S.%6NZ | tr -d '\n' >time
sql -d shop -c begin -c "drop table orders" -c "select txid_current()" -c commit | tr -d '\n' >xid
sql -c "select pg_switch_wal()" >/dev/null
sql -d shop -c "create table later as select 1 as one"
sql -c "select pg_switch_wal()" -c checkpoint >/dev/null
sql -d shop -c "create table latest as select 1 as one"
pg_ctl -D /tmp/data -m fast -w stop >/dev/null # what is not archived yet is
# A copy of the files of a server that is shut down.
mkdir cold && (cd /tmp/data && tar -cf - --exclude=pg_tblspc/* .) | tar -xf - -C cold && cp -r /tmp/space cold/pg_tblspc/"$(ls /tmp/data/pg_tblspc)"
tar -cf - .
