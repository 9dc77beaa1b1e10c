#!/bin/bash
# nights.sh: a catalogue of BENCH_BACKUPS (30) good dumps, each proved with its content read whole, at parallel 1, 2 and 4, beside the same
# restores typed as a shell script, in one run: wall time, peak memory of lifeboat, what is left. Then a night of ten that is killed:
# how long until nothing of it is left, and what --continue proves. The dumps are of three sizes, made once and kept in build/bench.
set -euo pipefail
. "$(dirname "$0")/common.sh"
count=${BENCH_BACKUPS:-30}
trap 'remove_labelled; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
need lifeboat/postgres:15
dumps=$root/build/bench/night
name=lifeboat-bench-$$
sizes=(2000 50000 400000) # rows: some 0.2, 4 and 30 MB of dump

server() { # server NAME: limited as a check run limits it, with its data on a volume
  docker volume create "${labels[@]}" "$1-data" >/dev/null
  docker run -d --name "$1" "${labels[@]}" --network none --memory 1g --memory-swap 1g --shm-size 256m --pids-limit 512 \
    -v "$1-data:/var/lib/postgresql/data" -e POSTGRES_PASSWORD=bench lifeboat/postgres:15 >/dev/null
  for _ in $(seq 1200); do # by TCP: the server that the image starts to make its databases has none
    if docker exec -e PGPASSWORD=bench "$1" psql -X -h 127.0.0.1 -U postgres -c 'select 1' >/dev/null 2>&1; then return; fi
    sleep 0.05
  done
  docker logs --tail 5 "$1" >&2
  exit 1
}
away() {
  docker rm -f -v "$1" >/dev/null
  docker volume rm "$1-data" >/dev/null
}

if ! (cd "$dumps" 2>/dev/null && sha256sum --check --quiet SHA256SUMS); then
  rm -rf "$dumps"
  mkdir -p "$dumps"
  server "$name-make"
  for rows in "${sizes[@]}"; do
    docker exec "$name-make" createdb -U postgres "shop$rows"
    docker exec -i "$name-make" psql -X -q -v ON_ERROR_STOP=1 -U postgres -d "shop$rows" <<END
create table customers (id bigint generated always as identity primary key, name text not null, mail text unique);
insert into customers (name, mail) select '客户 ' || g, 'c' || g || '@example.com' from generate_series(1, $rows / 20) g;
create table orders (id bigint generated always as identity primary key, customer bigint references customers, amount numeric(12, 2),
  note text, at timestamptz default now());
insert into orders (customer, amount, note, at) select 1 + g % ($rows / 20), (g::bigint * 7919 % 100000) / 100.0, md5(g::text) || md5((g + 7)::text),
  now() - g * interval '1 minute' from generate_series(1, $rows) g;
create index on orders (customer);
create index on orders (at);
END
    docker exec "$name-make" pg_dump -U postgres -Fc "shop$rows" >"$dumps/$rows.dump"
  done
  away "$name-make"
  (cd "$dumps" && sha256sum -- *.dump >SHA256SUMS)
fi

cat >"$work/night.yaml" <<END
catalogue: night
defaults:
  restore: {kind: postgres}
  timezone: UTC
  as: db
  objectives: {age: 100000h}
  instance: {kind: docker, image: "lifeboat/postgres:15", env: {POSTGRES_PASSWORD: bench}, data: [/var/lib/postgresql/data], ready: {tcp: 5432}}
  checks: {service: [{kind: tcp, to: "db:5432"}], data: [{kind: content, on: db, password: bench}]}
backups:
END
total=0 files=()
for i in $(seq "$count"); do
  rows=${sizes[$((i % 3))]}
  mkdir -p "$work/backups/$i"
  cp "$dumps/$rows.dump" "$work/backups/$i/"
  (cd "$work/backups/$i" && sha256sum -- *.dump >SHA256SUMS)
  files+=("$work/backups/$i/$rows.dump")
  total=$((total + $(stat -c %s "$dumps/$rows.dump")))
  printf '  - {name: b%d, store: {kind: dir, path: ./backups/%d}}\n' "$i" "$i" >>"$work/night.yaml"
done

# By hand: each restored, and read to its end as lifeboat reads it: every row, and by amcheck.
by_hand() {
  local from=$EPOCHREALTIME file db
  for file in "${files[@]}"; do
    (cd "$(dirname "$file")" && sha256sum --check --quiet SHA256SUMS)
    db=shop$(basename "$file" .dump)
    server "$name"
    docker exec -i "$name" pg_restore --exit-on-error --create -U postgres -d postgres <"$file"
    docker exec "$name" pg_dump -U postgres -d "$db" -f /dev/null
    docker exec "$name" pg_amcheck -U postgres -d "$db" --install-missing
    away "$name"
  done
  seconds=$(calc "${EPOCHREALTIME/,/.} - ${from/,/.}")
}
left() { # of the drills of this run, whatever else runs beside it
  local drill what
  for drill in "$work"/home.*/drills/*; do
    for what in 'ps -a' 'volume ls' 'network ls'; do docker $what -q --filter "label=lifeboat.drill=${drill##*/}"; done
  done | wc -l
}
by_lifeboat() { # by_lifeboat PARALLEL
  local from=$EPOCHREALTIME
  "$stopwatch" -o "$work/line" "$lifeboat" verify --json --parallel "$1" --home "$work/home.$1" "$work/night.yaml" >"$work/night.json" || {
    echo "bench: the night did not pass:" >&2
    head -c 2000 "$work/night.json" >&2
    exit 1
  }
  seconds=$(calc "${EPOCHREALTIME/,/.} - ${from/,/.}")
  eval "$(cat "$work/line")"
}

peak_mib= user= system= seconds=
echo "$count dumps, $((total / 1000000)) MB"
by_hand
hand=$seconds
echo "by hand, one after the other: $hand s"
for parallel in 1 2 4; do
  by_lifeboat "$parallel"
  figure "night of $count at parallel $parallel ÷ by hand" "$(calc "$seconds / $hand") ($seconds ÷ $hand s)" \
    "$([ "$parallel" = 1 ] && echo '<= 1.10' || echo -)" "$([ "$parallel" = 1 ] && holds "$seconds / $hand <= 1.10" || echo -)"
  figure "memory of lifeboat at parallel $parallel, peak" "$peak_mib MiB" "<= 64 MiB" "$(holds "$peak_mib <= 64")"
done
figure "left on the engine by these nights" "$(left)" "0" "$(holds "$(left) == 0")"

# A night of ten that is killed once two are proved.
head -n 19 "$work/night.yaml" | sed 's/catalogue: night/catalogue: ten/' >"$work/ten.yaml"
ten=$(grep -c 'name: b' "$work/ten.yaml")
"$lifeboat" verify --parallel 2 --home "$work/home.ten" "$work/ten.yaml" >"$work/ten.out" 2>&1 &
pid=$!
proofs() { cat "$work"/home.ten/nights/*/night.ndjson 2>/dev/null | grep -c '"kind":"proof"' || true; }
until [ "$(proofs)" -ge 2 ]; do sleep 0.05; done
kill -9 "$pid"
from=$EPOCHREALTIME
wait "$pid" 2>/dev/null || true
for _ in $(seq 1200); do
  [ "$(left)" -gt 0 ] || break
  sleep 0.05
done
clean=$(calc "${EPOCHREALTIME/,/.} - ${from/,/.}") proved=$(proofs)
"$lifeboat" verify --json --continue --home "$work/home.ten" "$work/ten.yaml" >"$work/ten.json"
figure "a night of $ten killed: nothing is left after" "$clean s" "<= 5 s" "$(holds "$clean <= 5")"
figure "proved before and after, of $ten" "$proved + $(($(proofs) - proved))" "$ten" "$(holds "$(proofs) == $ten")"
