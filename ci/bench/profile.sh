#!/bin/bash
# profile.sh: a database of BENCH_GB (2) GB, profiled by lifeboat and dumped by pg_dump -Fc in turns, in one run: seconds each, the whole of it
# read by both. The dump is thrown away as it comes; the server is alone in its network, and goes with its data at the end.
set -euo pipefail
. "$(dirname "$0")/common.sh"
gb=${BENCH_GB:-2} turns=${BENCH_TURNS:-3}
trap 'remove_labelled; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
need lifeboat/postgres:15
name=lifeboat-bench-$$

docker network create --internal "${labels[@]}" "$name" >/dev/null
docker volume create "${labels[@]}" "$name-data" >/dev/null
docker run -d --name "$name" "${labels[@]}" --network "$name" --memory 2g --memory-swap 2g --shm-size 256m --pids-limit 512 \
  -v "$name-data:/var/lib/postgresql/data" -e POSTGRES_PASSWORD=bench lifeboat/postgres:15 >/dev/null
export PGHOST PGUSER=postgres PGPASSWORD=bench PGDATABASE=shop PGSSLMODE=disable
PGHOST=$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$name")
inside() { docker exec -e PGPASSWORD=bench "$name" "$@"; }
for _ in $(seq 1200); do # by TCP: the server that the image starts to make its databases has none
  if inside psql -X -h 127.0.0.1 -U postgres -c 'select 1' >/dev/null 2>&1; then break; fi
  sleep 0.05
done

# Four tables, as a schema has some, filled until the database has its size.
tables=(orders payments shipments visits) rows=0
inside createdb -U postgres shop
for table in "${tables[@]}"; do
  inside psql -X -q -U postgres -d shop -c "create table $table (id bigint primary key, customer bigint, amount numeric(12, 2), note text, at timestamptz)"
done
fill() { # fill ROWS: so many more in each table
  for table in "${tables[@]}"; do
    inside psql -X -q -v ON_ERROR_STOP=1 -U postgres -d shop -c "insert into $table select g, 1 + g % 100000, (g * 7919 % 100000) / 100.0,
      md5(g::text) || md5((g + 7)::text), now() - g * interval '1 second' from generate_series($((rows + 1))::bigint, $((rows + $1))) g"
  done
  rows=$((rows + $1))
}
bytes() { inside psql -X -A -t -U postgres -d shop -c 'select pg_database_size(current_database())'; }
empty=$(bytes)
fill 50000
while [ "$(holds "$(bytes) < $gb * 1e9")" = yes ]; do
  fill "$(awk -v gb="$gb" -v size="$(bytes)" -v empty="$empty" -v rows="$rows" 'BEGIN { print 1000 + int((gb * 1e9 - size) * rows / (size - empty)) }')"
done
inside psql -X -q -U postgres -d shop -c 'vacuum analyze' -c checkpoint
size=$(calc "$(bytes) / 1e9")

profiles=() dumps=()
for _ in $(seq "$turns"); do
  from=$EPOCHREALTIME
  "$lifeboat" profile -o "$work/shop.profile.json" >"$work/said" || {
    cat "$work/said" >&2
    exit 1
  }
  profiles+=("$(calc "${EPOCHREALTIME/,/.} - ${from/,/.}")")
  from=$EPOCHREALTIME
  inside sh -c 'exec pg_dump -U postgres -Fc shop >/dev/null'
  dumps+=("$(calc "${EPOCHREALTIME/,/.} - ${from/,/.}")")
  rm -f "$work/shop.profile.json"
done
profile=$(median "${profiles[@]}") dump=$(median "${dumps[@]}")
echo "$(cat "$work/said")"
echo "profile: ${profiles[*]} s; pg_dump -Fc: ${dumps[*]} s"
figure "profile of $size GB, every row" "$profile s ($(calc "$profile / $size") s per GB)" "-" "-"
figure "pg_dump -Fc of the same" "$dump s" "-" "-"
figure "profile ÷ pg_dump" "$(calc "$profile / $dump")" "<= 1" "$(holds "$profile / $dump <= 1")"
