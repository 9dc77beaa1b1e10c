#!/bin/bash
# Makes a cluster, and by pgBackRest, whose program comes by standard input, two repositories of it: plain (gzip) and sealed (bundles,
# encrypted), each with a full and an incremental backup and WAL behind them. All that came of it is written to standard output as a tar.
# Run as the server's user.
set -euo pipefail
cat >/tmp/pgbackrest && chmod +x /tmp/pgbackrest
export PGCTLTIMEOUT=600 HOME=/tmp PGHOST=/tmp PGDATABASE=postgres PGOPTIONS='-c client_min_messages=warning'
mkdir /tmp/out /tmp/space /tmp/log
cat >/tmp/pgbackrest.conf <<'END'
[global]
repo1-path=/tmp/out/plain
repo2-path=/tmp/out/sealed
repo2-bundle=y
repo2-cipher-type=aes-256-cbc
repo2-cipher-pass=sesame
compress-level=1
log-path=/tmp/log
lock-path=/tmp/log
spool-path=/tmp/log
log-level-console=warn
log-level-file=off
start-fast=y
archive-timeout=600
[demo]
pg1-path=/tmp/data
pg1-socket-path=/tmp
END
run() { /tmp/pgbackrest --config=/tmp/pgbackrest.conf --stanza=demo "$@" >&2; }
initdb -D /tmp/data -k --wal-segsize=1 -U postgres -A trust --no-sync >/dev/null
cat >>/tmp/data/postgresql.conf <<'END'
archive_mode = on
archive_command = '/tmp/pgbackrest --config=/tmp/pgbackrest.conf --stanza=demo archive-push %p'
fsync = off
autovacuum = off # what it rewrites on a slow host is not the full backup's any more
unix_socket_directories = '/tmp'
listen_addresses = ''
shared_buffers = 16MB
END
pg_ctl -D /tmp/data -l /tmp/server.log -w start >/dev/null || { cat /tmp/server.log >&2; exit 1; }
sql() { psql -qXAt -v ON_ERROR_STOP=1 "$@"; }
run stanza-create
sql <<'END'
create tablespace fast location '/tmp/space';
create database shop;
\c shop
create table orders (id int primary key, at timestamptz not null default now(), note text);
create table items (order_id int, sku text) tablespace fast;
insert into orders select g, now(), repeat('x', 50) from generate_series(1, 5000) g;
insert into items select g, 'sku' || g from generate_series(1, 500) g;
END
run --type=full --repo=1 backup
run --type=full --repo=2 backup
sql -d shop -c "insert into orders select g, now(), 'after the full one' from generate_series(5001, 5100) g"
run --type=incr --repo=1 backup
run --type=incr --repo=2 backup
sql -d shop -c "insert into orders select g, now(), 'after the last one' from generate_series(5101, 5150) g"
sql -c "select pg_switch_wal()" >/dev/null
sleep 0.1
date -u +%Y-%m-%dT%H:%M:%S.%6NZ | tr -d '\n' >/tmp/out/time
sql -d shop -Atc "begin; drop table orders; select txid_current(); commit" | tr -d '\n' >/tmp/out/xid
sql -c "select pg_switch_wal()" >/dev/null
pg_ctl -D /tmp/data -m fast -w stop >/dev/null # what is not archived yet is
tar -cf - -C /tmp/out .
