#!/bin/bash
# tools.sh [KIND…]: throughput of restores (mysql, mariadb-backup, files, restic, basebackup, pgbackrest, redis) ÷ that of the raw
# tool, in turns: the same bytes into a server of the same image and limits, or onto a fresh volume. BENCH_TOOL_MB (500) is how large each backup
# is, BENCH_RESTORES (3) how many turns. Of two sizes (BENCH_TOOL_MB="200 800") it tells apart what a restore costs at any size and what each byte does.
# Backups are made once, and kept in build/bench. The digest is verified in the same pass; files are read back besides, which no tool does. A restore of
# lifeboat ends when the server has come up on what was restored and was asked: where a tool only puts files, a second ratio has its server come up, too.
set -euo pipefail
. "$(dirname "$0")/common.sh"
sizes=(${BENCH_TOOL_MB:-500}) turns=${BENCH_RESTORES:-3}
kinds=("$@")
[ $# -gt 0 ] || kinds=(mysql mariadb-backup files restic basebackup pgbackrest redis)
trap 'remove_labelled; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
need lifeboat/postgres:15 lifeboat/mariadb:10.11 lifeboat/redis:7.0 lifeboat/kinds:12
name=lifeboat-bench-$$
limits=(--network none --memory 1g --memory-swap 1g --shm-size 256m --pids-limit 512)

volume() { docker volume create "${labels[@]}" "$name" >/dev/null; }
away() {
  docker rm -f -v "$name" >/dev/null 2>&1 || true
  docker volume rm "$name" >/dev/null
}
await() { # await COMMAND…: in the server, until it succeeds
  for _ in $(seq 600); do
    if docker exec "$name" "$@" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  docker logs --tail 5 "$name" >&2
  exit 1
}
serve() { # serve IMAGE FOLDER [OPTION…] -- [COMMAND…]: a server with its data on the volume, a fresh one where there is none
  local image=$1 folder=$2 options=()
  shift 2
  while [ "$1" != -- ]; do
    options+=("$1")
    shift
  done
  shift
  docker volume inspect "$name" >/dev/null 2>&1 || volume
  docker run -d --name "$name" "${labels[@]}" "${limits[@]}" -v "$name:$folder" "${options[@]}" "$image" "$@" >/dev/null
}
sql() { docker exec -i "$name" mariadb -h 127.0.0.1 -uroot -pbench "$@"; }
mariadb_up() {
  serve lifeboat/mariadb:10.11 /var/lib/mysql -e MARIADB_ROOT_PASSWORD=bench --
  await mariadb -h 127.0.0.1 -uroot -pbench -e 'select 1'
}

filled_mariadb() {
  mariadb_up
  sql -e "create database shop; use shop; create table orders (id int primary key, note varchar(2000) character set ascii)
    select seq id, repeat(md5(seq), 61) note from seq_1_to_$rows"
}
make_mysql() {
  filled_mariadb
  docker exec "$name" mariadb-dump -h 127.0.0.1 -uroot -pbench --single-transaction --databases shop >"$1/shop.sql"
  away
}
make_mariadb-backup() {
  filled_mariadb
  docker exec "$name" mariadb-backup --backup --host 127.0.0.1 -uroot -pbench --target-dir=/var/lib/mysql/.copy 2>/dev/null
  mkdir "$1/backup"
  docker exec "$name" tar -C /var/lib/mysql/.copy -c . | tar -C "$1/backup" -x --no-same-owner
  away
}
filled_tree() {
  mkdir "$work/tree"
  head -c "${megabytes}000000" /dev/urandom | (cd "$work/tree" && split -a 4 -b 256K -)
}
make_files() {
  filled_tree
  tar -C "$work" -cf "$1/tree.tar" tree
  rm -rf "$work/tree"
}
make_restic() {
  filled_tree
  echo bench >"$1/password"
  docker run --rm "${labels[@]}" "${limits[@]}" -v "$work/tree:/tree:ro" -v "$1:/made" --entrypoint sh lifeboat/kinds:12 -c \
    'restic="restic -q --no-cache -p /made/password -r /made/repository"; $restic init && $restic backup /tree'
  rm -rf "$work/tree"
}
filled_postgres() { # filled_postgres [OPTION…]: of its server
  serve lifeboat/postgres:15 /var/lib/postgresql/data -e POSTGRES_PASSWORD=bench "${backrest[@]/#/-ePGBACKREST_}" -- postgres "$@"
  await env PGPASSWORD=bench psql -X -h 127.0.0.1 -U postgres -c 'select 1'
  docker exec "$name" psql -X -q -U postgres -c "create table orders as select g id, repeat(md5(g::text), 58) note from generate_series(1, $rows) g" \
    -c 'alter table orders add primary key (id)' -c checkpoint
}
make_basebackup() {
  filled_postgres
  mkdir "$1/base"
  docker exec -u postgres "$name" pg_basebackup -D /var/lib/postgresql/data/copy -Ft -X stream -c fast
  docker exec "$name" tar -C /var/lib/postgresql/data/copy -c . | tar -C "$1/base" -x --no-same-owner
  away
}
backrest=(STANZA=bench PG1_PATH=/var/lib/postgresql/data LOG_LEVEL_FILE=off LOCK_PATH=/tmp REPO1_PATH=/tmp/repo START_FAST=y)
make_pgbackrest() {
  filled_postgres -c archive_mode=on -c 'archive_command=/usr/local/bin/pgbackrest archive-push %p'
  docker run --rm --network none --entrypoint cat lifeboat/kinds:12 /usr/bin/pgbackrest |
    docker exec -i "$name" sh -c 'cat >/usr/local/bin/pgbackrest && chmod 755 /usr/local/bin/pgbackrest'
  docker exec -u postgres "$name" pgbackrest stanza-create
  docker exec -u postgres "$name" pgbackrest --type=full --archive-timeout=600 backup
  mkdir "$1/repo"
  docker exec "$name" tar -C /tmp/repo -c . | tar -C "$1/repo" -x --no-same-owner
  away
}
make_redis() {
  serve lifeboat/redis:7.0 /data -- redis-server --enable-debug-command local --rdbcompression no
  await redis-cli ping
  docker exec "$name" redis-cli debug populate "$rows" key 2000 >/dev/null
  docker exec "$name" redis-cli save >/dev/null
  docker exec "$name" cat /data/dump.rdb >"$1/dump.rdb"
  away
}

up() { # up KIND: a server on what was restored by hand, until it takes sessions; of pgbackrest it would have to be in the server's image, too
  case $1 in
    mariadb-backup)
      serve lifeboat/mariadb:10.11 /var/lib/mysql -u 0 --entrypoint sh -- -c \
        'mkdir -p /run/mysqld && chown -R mysql: /run/mysqld /var/lib/mysql && exec mariadbd --user=mysql --bind-address=*'
      await mariadb -h 127.0.0.1 -uroot -pbench -e 'select 1'
      ;;
    basebackup)
      serve lifeboat/postgres:15 /var/lib/postgresql/data --entrypoint sh -- -c \
        'chown -R postgres: /var/lib/postgresql/data && chmod 700 /var/lib/postgresql/data && exec lifeboat-postgres postgres'
      await psql -X -U postgres -c 'create temp table t ()'
      ;;
    redis)
      serve lifeboat/redis:7.0 /data -- redis-server --save ''
      await redis-cli -e dbsize
      ;;
  esac
}
# By hand: each prints nothing, and seconds are those of the tool alone, as they are those of the restore alone; with are those with a server besides.
by_hand() {
  case $1 in
    mysql) mariadb_up ;;
    *) volume ;;
  esac
  local from=$EPOCHREALTIME
  onto=(docker run --rm -i --name "$name" "${labels[@]}" "${limits[@]}" -v "$name:/restored" --entrypoint)
  case $1 in
    mysql) sql <"$made/mysql/shop.sql" ;;
    mariadb-backup)
      tar -C "$made/mariadb-backup/backup" -c . | "${onto[@]}" sh lifeboat/mariadb:10.11 -c \
        'tar -C /restored -x && mariadb-backup --no-defaults --prepare --target-dir=/restored 2>/dev/null'
      ;;
    restic)
      "${onto[@]}" restic -v "$made/restic:/made:ro" lifeboat/kinds:12 -q --no-cache --no-lock -p /made/password -r /made/repository \
        restore latest --target /restored
      ;;
    pgbackrest)
      "${onto[@]}" pgbackrest -v "$made/pgbackrest/repo:/tmp/repo:ro" "${backrest[@]/#/-ePGBACKREST_}" lifeboat/kinds:12 --pg1-path=/restored restore
      ;;
    files) "${onto[@]}" tar lifeboat/postgres:15 -C /restored -x <"$made/files/tree.tar" ;;
    basebackup)
      "${onto[@]}" tar lifeboat/postgres:15 -C /restored -x <"$made/basebackup/base/base.tar"
      "${onto[@]}" tar lifeboat/postgres:15 -C /restored/pg_wal -x <"$made/basebackup/base/pg_wal.tar"
      ;;
    redis) "${onto[@]}" dd --user 0 lifeboat/redis:7.0 of=/restored/dump.rdb bs=1M status=none <"$made/redis/dump.rdb" ;;
  esac
  seconds=$(calc "${EPOCHREALTIME/,/.} - ${from/,/.}")
  from=$EPOCHREALTIME with=0
  if (up "$1"); then with=$(calc "$seconds + ${EPOCHREALTIME/,/.} - ${from/,/.}"); fi # the tool's own seconds hold all the same
  away
}
entry() { # entry KIND: what the catalogue says of it
  case $1 in
    mariadb-backup) echo 'restore: {kind: mariadb-backup}, instance: {kind: docker, image: "lifeboat/mariadb:10.11", data: [/var/lib/mysql],
      ready: {tcp: 3306}}, checks: {service: [{kind: tcp, to: "db:3306"}]}' ;;
    pgbackrest) echo 'restore: {kind: basebackup, repository: pgbackrest}, instance: {kind: docker, image: "lifeboat/postgres:15",
      env: {POSTGRES_PASSWORD: bench}, ready: {tcp: 5432}}, checks: {service: [{kind: tcp, to: "db:5432"}]}' ;;
    mysql) echo 'restore: {kind: mysql}, instance: {kind: docker, image: "lifeboat/mariadb:10.11", env: {MARIADB_ROOT_PASSWORD: bench},
      data: [/var/lib/mysql], ready: {tcp: 3306}}, checks: {service: [{kind: tcp, to: "db:3306"}]}' ;;
    files | restic) echo 'restore: {kind: files, path: /restored}, instance: {kind: docker, image: "lifeboat/postgres:15", command: [sleep, infinity]},
      checks: {data: [{kind: tree, on: db}]}' ;;
    basebackup) echo 'restore: {kind: basebackup}, instance: {kind: docker, image: "lifeboat/postgres:15", env: {POSTGRES_PASSWORD: bench}, ready: {tcp: 5432}},
      checks: {service: [{kind: tcp, to: "db:5432"}]}' ;;
    redis) echo 'restore: {kind: redis}, instance: {kind: docker, image: "lifeboat/redis:7.0", ready: {tcp: 6379}},
      checks: {service: [{kind: tcp, to: "db:6379"}]}' ;;
  esac
}
by_lifeboat() {
  local home=$work/home.$1.$megabytes.$2
  local store="kind: dir, path: $made/$1"
  if [ "$1" = restic ]; then
    store="kind: restic, path: $made/restic/repository, image: \"lifeboat/kinds:12\", password: {file: $made/restic/password}, consistent: begun"
  fi
  printf 'catalogue: tools\nbackups:\n  - {name: %s, as: db, objectives: {age: 0s}, store: {%s}, %s}\n' \
    "$1" "$store" "$(entry "$1")" >"$work/tools.yaml"
  "$stopwatch" -o "$work/line" "$lifeboat" verify --json --home "$home" "$work/tools.yaml" >"$work/tools.json" || {
    echo "bench: the restore did not pass:" >&2
    head -c 2000 "$work/tools.json" >&2
    exit 1
  }
  eval "$(cat "$work/line")"
  most=$(calc "($peak_mib > $most) ? $peak_mib : $most")
  seconds=$(jq -s '[.[] | select(.kind == "restore.done") | (.data.ended_ns - .data.started_ns) / 1e9] | add' "$home"/drills/*/journal.ndjson)
}

measure() { # measure KIND: at the size of the day
  local kind=$1 of=$1
  if [ ${#sizes[@]} -gt 1 ]; then of="$kind of $megabytes MB"; fi
  if ! [ -e "$made/$kind.made" ]; then
    rm -rf "${made:?}/$kind"
    mkdir -p "$made/$kind"
    "make_$kind" "$made/$kind"
    case $kind in
      mysql | files | redis) (cd "$made/$kind" && sha256sum -- * >"$work/sums" && mv "$work/sums" SHA256SUMS) ;;
    esac
    : >"$made/$kind.made"
  fi
  bytes=$(du -sb "$made/$kind" | cut -f1)
  lifeboats=() hands=() withs=()
  for turn in $(seq "$turns"); do
    order=(by_lifeboat by_hand)
    if [ $((turn % 2)) = 0 ]; then order=(by_hand by_lifeboat); fi
    for how in "${order[@]}"; do
      $how "$kind" "$turn"
      if [ "$how" = by_hand ]; then hands+=("$seconds") withs+=("$with"); else lifeboats+=("$seconds"); fi
    done
  done
  echo "$kind, $((bytes / 1000000)) MB: lifeboat ${lifeboats[*]} s, by hand ${hands[*]} s"
  l=$(median "${lifeboats[@]}") h=$(median "${hands[@]}")
  figure "$of: restore throughput ÷ the tool's" "$(calc "$h / $l") ($(calc "$bytes / 1e6 / $l") ÷ $(calc "$bytes / 1e6 / $h") MB/s)" ">= 0.95" \
    "$(holds "$h / $l >= 0.95")"
  case $kind in
    mariadb-backup | basebackup | redis)
      w=$(median "${withs[@]}")
      figure "$of: the same, the tool's server up, too" "$(calc "$w / $l") ($(calc "$bytes / 1e6 / $l") ÷ $(calc "$bytes / 1e6 / $w") MB/s)" ">= 0.95" \
        "$(holds "$w / $l >= 0.95")"
      ;;
  esac
  echo "$kind $bytes $l $h" >>"$work/measured"
}
parts() { # of two sizes: the line through both
  awk -v kind="$1" '$1 == kind { n++; b[n] = $2 / 1e6; l[n] = $3; h[n] = $4 }
    function rate(x) { return x > 0 ? sprintf("%.0f MB/s", (b[n] - b[1]) / x) : "as fast" }
    END { if (n < 2) exit
      printf "%s: at any size %.2f s, by hand %.2f s; beyond that %s, by hand %s\n", kind, l[1] - b[1] * (l[n] - l[1]) / (b[n] - b[1]),
        h[1] - b[1] * (h[n] - h[1]) / (b[n] - b[1]), rate(l[n] - l[1]), rate(h[n] - h[1]) }' "$work/measured"
}

seconds= with= peak_mib= most=0 user= system=
for kind in "${kinds[@]}"; do
  for megabytes in "${sizes[@]}"; do
    made=$root/build/bench/tools-$megabytes rows=$((megabytes * 1000000 / 2000))
    measure "$kind"
  done
  parts "$kind"
done
figure "memory of lifeboat in these, peak" "$most MiB" "<= 64 MiB" "$(holds "$most <= 64")"
