#!/bin/bash
# restore.sh: memory of lifeboat while it restores an archive of 2 GB, and its throughput ÷ that of pg_restore of the
# same file by docker exec, in turns, into the same server with the same limits. BENCH_MB (2000) is the archive's size,
# BENCH_RESTORES (2) how many turns. The archive is made once, by pg_dump from a running server, and kept in
# build/bench: one table of wide rows, not compressed, so that its size is what is really moved.
set -euo pipefail
. "$(dirname "$0")/common.sh"
megabytes=${BENCH_MB:-2000}
turns=${BENCH_RESTORES:-2}
trap 'remove_labelled; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
need lifeboat/postgres:15

wide=1952 # characters of a row: four rows a page, and not one of them compressed or stored apart
rows=$((megabytes * 1000000 / (wide + 9)))
backups=$root/build/bench/backups-$megabytes
name=lifeboat-bench-$$

server() { # server NAME SETTING…: a server with its data on a volume, limited as a drill limits it
  local box=$1
  shift
  docker volume create "${labels[@]}" "$box-data" >/dev/null
  docker run -d --name "$box" "${labels[@]}" --network none --memory 1g --memory-swap 1g --shm-size 256m \
    --pids-limit 512 -v "$box-data:/var/lib/postgresql/data" -e POSTGRES_PASSWORD=bench lifeboat/postgres:15 \
    postgres "$@" >/dev/null
  for _ in $(seq 600); do
    if docker exec "$box" psql -X -U postgres -c 'select 1' >/dev/null 2>&1; then return; fi
    sleep 0.2
  done
  docker logs --tail 5 "$box" >&2
  exit 1
}
away() {
  docker rm -f -v "$1" >/dev/null
  docker volume rm "$1-data" >/dev/null
}

if ! (cd "$backups" 2>/dev/null && [ -s SHA256SUMS ] && sha256sum --check --quiet SHA256SUMS); then
  began=$SECONDS
  rm -rf "$backups"
  mkdir -p "$backups"
  server "$name-make" -c fsync=off -c wal_level=minimal -c max_wal_senders=0 -c max_wal_size=8GB -c autovacuum=off
  docker exec -i "$name-make" psql -X -q -v ON_ERROR_STOP=1 -U postgres <<END
create table texts as
  select n, string_agg(md5(random()::text || n || i), '') as text from generate_series(0, 499) n,
    generate_series(1, $((wide / 32))) i group by n;
create database bench;
\c bench
create table texts (n int, text text);
\copy texts from program 'psql -X -q -U postgres -c "copy texts to stdout"'
begin;
create table wide (id bigint, text text);
alter table wide alter text set storage plain;
insert into wide select g, t.text from generate_series(1, $rows) g join texts t on t.n = g % 500;
drop table texts;
commit;
alter table wide add primary key (id);
END
  consistent=$(docker exec "$name-make" psql -X -q -A -t -U postgres -c \
    "select to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')")
  docker exec "$name-make" pg_dump -U postgres -d bench -Fc -Z0 >"$backups/bench.dump"
  away "$name-make"
  printf 'consistent_to: %s\nconsistent_by: the clock before pg_dump began; nobody writes\n' "$consistent" \
    >"$backups/bench.dump.manifest.yaml"
  (cd "$backups" && sha256sum bench.dump >SHA256SUMS)
  echo "archive of $(stat -c %s "$backups/bench.dump") bytes, $rows rows, made in $((SECONDS - began)) s"
fi
bytes=$(stat -c %s "$backups/bench.dump")

cat >"$work/bench.yaml" <<END
scenario: bench-restore
title: {en: A restore and nothing else}
service: bench
trigger: none
objectives: {boot: 1h, age: 10000h}
backups:
  big: {store: {kind: dir, path: $backups}, restore: {kind: postgres, database: bench}}
instances:
  db:
    kind: docker
    image: lifeboat/postgres:15
    load: big
    env: {POSTGRES_PASSWORD: bench}
    data: [/var/lib/postgresql/data]
    ready: {tcp: 5432}
checks:
  data:
    - {kind: rows, name: all rows are there, on: db, database: bench, user: postgres, password: bench, table: wide,
       at_least: $rows}
  excluded: {system: the restore is measured, service: the restore is measured, business: the restore is measured}
END

by_hand() {
  local from
  server "$name"
  from=$EPOCHREALTIME # lifeboat makes the database, too
  docker exec "$name" createdb -U postgres bench
  docker exec -i "$name" pg_restore --exit-on-error -U postgres -d bench <"$backups/bench.dump"
  seconds=$(calc "${EPOCHREALTIME/,/.} - ${from/,/.}")
  away "$name"
}
by_lifeboat() {
  local home=$work/home.$1
  "$stopwatch" -o "$work/line" "$lifeboat" drill --json --home "$home" "$work/bench.yaml" >"$work/drill.json" || {
    echo "bench: the restore did not pass:" >&2
    head -c 2000 "$work/drill.json" >&2
    exit 1
  }
  eval "$(cat "$work/line")"
  peaks+=("$peak_mib")
  seconds=$(jq -r 'select(.kind == "restore.done") | (.data.ended_ns - .data.started_ns) / 1e9' \
    "$home"/drills/*/journal.ndjson)
}

lifeboats=() hands=() peaks=() seconds= peak_mib= user= system=
for turn in $(seq "$turns"); do
  order=(by_lifeboat by_hand)
  if [ $((turn % 2)) = 0 ]; then order=(by_hand by_lifeboat); fi
  for how in "${order[@]}"; do
    $how "$turn"
    if [ "$how" = by_hand ]; then hands+=("$seconds"); else lifeboats+=("$seconds"); fi
    printf 'turn %d: %-12s %7.2f s, %6.1f MB/s%s\n' "$turn" "$how" "$seconds" "$(calc "$bytes / 1e6 / $seconds")" \
      "$([ "$how" = by_hand ] || echo ", peak $peak_mib MiB, CPU of lifeboat $user + $system s")"
  done
done
l=$(median "${lifeboats[@]}") h=$(median "${hands[@]}") peak=$(printf '%s\n' "${peaks[@]}" | sort -n | tail -n 1)
figure "memory of lifeboat restoring $((bytes / 1000000)) MB, peak" "$peak MiB" "<= 64 MiB" "$(holds "$peak <= 64")"
figure "restore throughput ÷ pg_restore's, $turns turns" \
  "$(calc "$h / $l") ($(calc "$bytes / 1e6 / $l") ÷ $(calc "$bytes / 1e6 / $h") MB/s)" ">= 0.95" \
  "$(holds "$h / $l >= 0.95")"
bl=$(best "${lifeboats[@]}") bh=$(best "${hands[@]}")
figure "the same, the best of each" "$(calc "$bh / $bl")" ">= 0.95" "$(holds "$bh / $bl >= 0.95")"
