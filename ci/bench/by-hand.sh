#!/bin/bash
# by-hand.sh: the steps of the scenario db-unreachable-after-upgrade as somebody would type them, on the same images and
# the same backups: docker, pg_restore, psql, curl and k6. It waits for the same things just as long, asks the same
# questions, and stops at the first thing that is not as it should be. What it does not do is what lifeboat adds: no
# sealed sandbox and no proof of one, no clocks, no record, no report, no reaper.
#
# Needs K6_IMAGE, an image of lifeboat-k6 (drill.sh makes it), and the folder of make demo-files, DEMO (build/demo).
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
demo=$(cd "${DEMO:-$root/build/demo}" && pwd)
k6=${K6_IMAGE:?name the image of lifeboat-k6; ci/bench/drill.sh does}
rate=10 baseline=5 detect=3 decide=2 stable=15 # as in the scenario

run=lifeboat-by-hand-$$
labels=(--label lifeboat.bench=1 --label "lifeboat.bench.run=$$")
work=$(mktemp -d "${TMPDIR:-/var/tmp}/lifeboat-by-hand.XXXXXX")
cleanup() {
  docker stop -t 15 "$run-pulse" >/dev/null 2>&1 || true
  docker rm -f -v "$run-pulse" "$run-app" "$run-db" >/dev/null 2>&1 || true
  docker volume rm -f "$run-data" >/dev/null 2>&1 || true
  docker network rm "$run" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

now() { printf '%s' "${EPOCHREALTIME/,/.}"; }
began=$(now) last=$(now)
phase() { # phase NAME: how long it took
  local at
  at=$(now)
  awk -v n="$1" -v a="$last" -v b="$at" 'BEGIN { printf "  by hand %-10s %7.2f s\n", n, b - a }'
  last=$at
}
die() {
  echo "by-hand: $*" >&2
  tail -n 5 "$work"/*.err >&2 2>/dev/null || true
  exit 1
}
in_db() { docker exec -i "$run-db" "$@"; }
query() { docker exec "$run-db" psql -X -q -A -t -v ON_ERROR_STOP=1 -U postgres -d "${2:-shop}" -c "$1"; }
await() { # await COMMAND…: until it succeeds, for two minutes at most
  local end=$((SECONDS + 120))
  until "$@" >/dev/null 2>"$work/await.err"; do
    [ $SECONDS -lt $end ] || die "gave up waiting for: $*"
    sleep 0.05
  done
}
answers() { docker exec -e PGPASSWORD=drill "$run-db" psql -X -h 127.0.0.1 -U postgres -c 'select 1'; }
ready() { docker exec "$run-db" curl -fsS --max-time 2 http://app:8080/readyz; }

restore_db() { # a fresh server on a fresh volume, with the backup in it
  docker volume create "${labels[@]}" "$run-data" >/dev/null
  docker run -d --name "$run-db" "${labels[@]}" --network "$run" --network-alias db --network-alias db.prod.example.com \
    --memory 1g --memory-swap 1g --shm-size 256m --pids-limit 512 -v "$run-data:/var/lib/postgresql/data" \
    -e POSTGRES_PASSWORD=drill lifeboat/postgres:15 >/dev/null
  await answers
  in_db psql -X -q -v ON_ERROR_STOP=1 -U postgres >/dev/null <<'END'
create role shop_owner login password 'demo-shop-owner';
create role shop_app login password 'demo-shop-app';
create role shop_report nologin;
END
  (cd "$demo/backups/shop-db" && sha256sum --check --quiet SHA256SUMS) || die "the backup is not what it was"
  in_db pg_restore --exit-on-error --create -U postgres -d postgres <"$dump"
}

# The pulse: k6 in a container of its own; its records go to a file, the last of which are looked at.
start_pulse() {
  cp "$demo"/flows/* "$work/flow/"
  cat >"$work/flow/pulse.js" <<END
export { default } from './checkout.js';
export const options = { noConnectionReuse: true, dns: { ttl: '0' }, scenarios: { pulse: {
  executor: 'constant-arrival-rate', rate: $rate, timeUnit: '1s', duration: '1h', preAllocatedVUs: 20, maxVUs: 20 } } };
END
  docker run --name "$run-pulse" "${labels[@]}" --network "$run" -v "$work/flow:/flow:ro" -w /flow --memory 512m "$k6" \
    run --quiet --no-thresholds --summary-mode=disabled --out lifeboat=stdout,timeout=1s pulse.js \
    >"$work/pulse" 2>"$work/pulse.err" &
}
iterations() { grep -c '"kind":"iter"' "$work/pulse" || true; }
since() { grep '"kind":"iter"' "$work/pulse" | tail -n "+$(($1 + 1))"; } # since N: those after the N-th
green() { # green N SECONDS: the last SECONDS of those after the N-th were all good
  [ "$(since "$1" | tail -n $(($2 * rate)) | grep -c '"ok":true')" -ge $(($2 * rate)) ]
}
red() { # red N SECONDS: the first bad one after the N-th is SECONDS ago
  [ "$(since "$1" | sed -n '/"ok":false/,$p' | wc -l)" -ge $(($2 * rate)) ]
}

business() {
  docker run --rm "${labels[@]}" --network "$run" -v "$work/flow:/flow:ro" -w /flow --memory 512m "$k6" \
    run --quiet --summary-mode=disabled --iterations 10 --out lifeboat=stdout checkout.js >"$work/business" \
    2>"$work/business.err" || die "k6 ended badly"
  [ "$(grep '"kind":"iter"' "$work/business" | grep -c '"ok":true')" = 10 ] || die "the business does not work"
}
state() {
  in_db sha256sum /usr/lib/postgresql/15/bin/postgres /etc/os-release
  in_db dpkg-query -W
  in_db uname -r
}
ask() { # ask WHEN: the checks of the layers system, service and data
  state >"$work/state.$1"
  [ "$(query 'select 1')" = 1 ] || die "postgres does not answer"
  ready >/dev/null || die "the shop is not ready"
  [ "$(query 'select count(*) from orders')" -ge 100000 ] || die "orders are missing"
  [ "$(query 'select * from books')" = '0|0|0|0' ] || die "money or stock does not add up"
  query 'select id, name, price_cents from products order by id' | sha256sum >"$work/catalogue.$1"
}

# 1. Restore.
dump=$(ls "$demo"/backups/shop-db/*.dump | tail -n 1)
mkdir "$work/flow"
docker network create --internal "${labels[@]}" "$run" >/dev/null
restore_db
(cd "$demo/backups/shop-app" && sha256sum --check --quiet SHA256SUMS) || die "the image is not what it was"
app=$(docker load --quiet -i "$demo"/backups/shop-app/*.tar | sed 's/^Loaded image\( ID\)\?: //')
docker run -d --name "$run-app" "${labels[@]}" --network "$run" --network-alias app --memory 1g "$app" >/dev/null
await ready
phase restore

# 2. Baseline: everything works, and has for a while.
ask before
start_pulse
await green 0 $baseline
business
phase baseline

# 3. Upgrade.
query 'alter system set max_connections = 120' >/dev/null
docker stop -t 10 "$run-db" >/dev/null
docker start "$run-db" >/dev/null
await answers # a server that has not come up yet does not hear that it shall stop
phase upgrade

# 4. What is wrong with it: nobody is let in any more.
mark=$(iterations)
in_db sh -ec 'cd "$PGDATA"; { echo "host all all all reject"; cat pg_hba.conf; } >new; cat new >pg_hba.conf; rm new'
docker stop -t 10 "$run-db" >/dev/null
docker start "$run-db" >/dev/null
await red "$mark" $detect
! answers >/dev/null 2>&1 || die "the database still lets everybody in"
! ready >/dev/null 2>&1 || die "the shop still is ready"
phase detect
sleep $decide

# 5. Rollback.
docker rm -f -v "$run-db" >/dev/null
docker volume rm "$run-data" >/dev/null
mark=$(iterations)
restore_db
phase rollback

# 6. Does it work, and stay so?
await green "$mark" $stable
ask after
cmp "$work/state.before" "$work/state.after" || die "the system is not what it was"
cmp "$work/catalogue.before" "$work/catalogue.after" || die "the catalogue is not what it was"
business
phase verify

# 7. Away with it.
cleanup
trap - EXIT
phase clean-up
awk -v a="$began" -v b="$(now)" 'BEGIN { printf "  by hand %-10s %7.2f s\n", "in all", b - a }'
