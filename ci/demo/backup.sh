#!/bin/bash
# backup.sh DIR makes the demo's backups for real: it runs PostgreSQL and the shop on a network of their own, fills the
# shop, lets customers order and pay over HTTP, and backs up what is running:
#
#   DIR/backups/shop-db/shop-TIME.dump      pg_dump -Fc, with a manifest that says what time it is consistent to
#   DIR/backups/shop-app/shop-app-1.tar     docker save of the application
#   DIR/backups/shop-app-without-config/…   the same image made by somebody who forgot /etc/shop
#   DIR/backups/shop-base, shop-wal          pg_basebackup and the archive of WAL behind it, with MISTAKE=orders: the table is dropped in
#                                           production afterwards; shop-wal.times says when, and by which transaction
#   DIR/backups/shop-db-{plain,gzip,zstd,directory,tar}/…   the same snapshot in other formats, with FORMATS=all
#
# with SHA256SUMS beside each. Does nothing where DIR has them from these same inputs and whole; they are made again
# where LIFEBOAT_BACKUP_MAX_AGE (seconds) is set and they are older. SHOP_ORDERS (120000) sets the number of orders.
# Needs the images of ci/images/postgres.sh and images.sh. Leaves no container, network or volume behind.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/inputs.sh"
say=demo
. "$here/../production.sh"
into "$@"
began=$SECONDS
orders=${SHOP_ORDERS:-120000}

needs "ci/images/postgres.sh and ci/demo/images.sh" lifeboat/postgres:15 lifeboat/shop:1 lifeboat/shop:1-without-config
inputs=$(backup_inputs "$orders ${FORMATS:-} ${MISTAKE:-}")
current() {
  local mark=$dir/backups/.shop-inputs
  [ "$(cat "$mark" 2>/dev/null)" = "$inputs" ] || return 1
  [ $(($(date +%s) - $(stat -c %Y "$mark"))) -le "${LIFEBOAT_BACKUP_MAX_AGE:-999999999}" ] || return 1
  for sums in "$dir"/backups/shop-*/SHA256SUMS; do
    (cd "$(dirname "$sums")" && sha256sum --check --quiet SHA256SUMS >/dev/null 2>&1) || return 1
  done
}
if current; then
  echo "demo: the backups in $1 are there already, digests checked ($((SECONDS - began)) s)"
  exit 0
fi

run=lifeboat-demo-backup-$$
new=$(mktemp -d "$dir/.backups.XXXXXX")
cleanup() {
  docker rm -f -v "$run-job" "$run-app" "$run-db" >/dev/null 2>&1 || true
  docker volume rm -f "$run-data" >/dev/null 2>&1 || true
  docker network rm "$run" >/dev/null 2>&1 || true
  rm -rf "$new"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

in_db() { docker exec -i "$run-db" "$@"; }
query() { in_db psql -X -q -A -t -v ON_ERROR_STOP=1 -U postgres -d "${2:-shop}" -c "$1"; }

# The archive's folder is there before its first segment.
[ -z "${MISTAKE:-}" ] || archive='mkdir -p /tmp/wal && cp %p /tmp/wal/%f'

# 1. Production: the database with its roles, and the application.
docker network create --internal --label lifeboat.demo=1 "$run" >/dev/null
docker volume create --label lifeboat.demo=1 "$run-data" >/dev/null
docker run -d --name "$run-db" --label lifeboat.demo=1 --network "$run" --network-alias db \
  -v "$run-data:/var/lib/postgresql/data" -e POSTGRES_PASSWORD=demo-postgres lifeboat/postgres:15 \
  postgres -c max_wal_size=2GB -c archive_mode=on -c archive_command="${archive:-true}" >/dev/null
await "$run-db" in_db env PGPASSWORD=demo-postgres psql -X -h 127.0.0.1 -U postgres -c 'select 1'
in_db psql -X -q -v ON_ERROR_STOP=1 -U postgres <<'END'
create role shop_owner login password 'demo-shop-owner';
create role shop_app login password 'demo-shop-app';
create role shop_report nologin;
create database shop owner shop_owner;
END
shop=(docker run --rm --name "$run-job" --label lifeboat.demo=1 --network "$run" lifeboat/shop:1)
"${shop[@]}" migrate >/dev/null
"${shop[@]}" seed "$orders"
docker run -d --name "$run-app" --label lifeboat.demo=1 --network "$run" --network-alias app lifeboat/shop:1 >/dev/null
await "$run-app" in_db curl -fsS http://app:8080/readyz
echo "demo: the shop runs, $orders orders seeded ($((SECONDS - began)) s)"

# 2. Business: customers order and pay, as the flow does.
in_db bash -s <"$here/customers.sh"
books=$(query 'select * from books')
count=$(query 'select count(*) from orders')
if [ "$books" != '0|0|0|0' ]; then
  echo "demo: money or stock does not add up before the backup: $books (payments, balances, totals, stock)" >&2
  exit 1
fi

# 3. Backup. One session holds the snapshot that every dump is made of; now() is when its transaction began, so the
# time in the manifest is never later than what the dump holds.
backup=$SECONDS
coproc SNAPSHOT { docker exec -i "$run-db" psql -X -q -A -t -U postgres -d shop; }
echo "begin isolation level repeatable read read only;
  select to_char(now() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), pg_export_snapshot();" \
  >&"${SNAPSHOT[1]}"
IFS='|' read -r -t 30 consistent snapshot <&"${SNAPSHOT[0]}"
name=shop-$(date -u -d "$consistent" +%Y%m%dT%H%M%SZ)

# dump FOLDER FILE COMMAND…: one dump, its manifest and the digests of both.
manifest() {
  printf 'consistent_to: %s\nconsistent_by: %s\n' "$consistent" \
    'now() in the transaction that exported the snapshot of pg_dump' >"$new/$1/$2.manifest.yaml"
  (cd "$new/$1" && find . -type f ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >SHA256SUMS)
}
dump() {
  local folder=$1 file=$2
  shift 2
  mkdir -p "$new/$folder"
  in_db "$@" </dev/null >"$new/$folder/$file"
  manifest "$folder" "$file"
}
pg_dump=(pg_dump -U postgres -d shop "--snapshot=$snapshot")
dump shop-db "$name.dump" "${pg_dump[@]}" -Fc
if [ "${FORMATS:-}" = all ]; then
  dump shop-db-plain "$name.sql" "${pg_dump[@]}" -Fp
  dump shop-db-gzip "$name.sql.gz" "${pg_dump[@]}" -Fp -Z6
  dump shop-db-zstd "$name.sql.zst" bash -o pipefail -c '"$@" -Fp | zstd -q' - "${pg_dump[@]}"
  dump shop-db-tar "$name.tar" "${pg_dump[@]}" -Ft
  in_db "${pg_dump[@]}" -Fd -j2 -f "/tmp/$name.dir" </dev/null
  mkdir "$new/shop-db-directory"
  docker cp "$run-db:/tmp/$name.dir" "$new/shop-db-directory/" >/dev/null
  manifest shop-db-directory "$name.dir"
fi
echo "commit; \q" >&"${SNAPSHOT[1]}"
# A base backup, and what happened behind it: customers order, somebody drops a table, and life goes on.
if [ -n "${MISTAKE:-}" ]; then
  now() { query "select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"; }
  mkdir "$new/shop-base" "$new/shop-wal"
  in_db pg_basebackup -U postgres -D "/tmp/$name.base" -Ft -z -c fast </dev/null
  docker cp "$run-db:/tmp/$name.base" "$new/shop-base/" >/dev/null
  in_db bash -s second <"$here/customers.sh"
  early=$(now)
  in_db bash -s third <"$here/customers.sh"
  before=$(now)
  xid=$(query "begin; drop table $MISTAKE cascade; select txid_current(); commit")
  printf 'early: %s\nbefore: %s\nxid: %s\ndropped: %s\n' "$early" "$before" "$xid" "$(now)" >"$new/shop-wal.times"
  query "update products set price_cents = price_cents + 1"
  last=$(query "select pg_walfile_name(pg_switch_wal())")
  await "$run-db" in_db test -f "/tmp/wal/$last"
  docker cp "$run-db:/tmp/wal" "$new/shop-wal/$name.wal" >/dev/null
fi
save() { # save FOLDER FILE IMAGE
  mkdir -p "$new/$1"
  docker save -o "$new/$1/$2" "$3"
  chmod 644 "$new/$1/$2"
  (cd "$new/$1" && sha256sum "$2" >SHA256SUMS)
}
save shop-app shop-app-1.tar lifeboat/shop:1
save shop-app-without-config shop-app-1-without-config.tar lifeboat/shop:1-without-config
sed "s/@TIME@/$consistent/; s/@ORDERS@/$count/" "$here/backups.md" >"$new/README.md"

# 4. Into place: only what this script makes is replaced.
mkdir -p "$dir/backups"
rm -rf "$dir/backups/.shop-inputs" "$dir"/backups/shop-db "$dir"/backups/shop-db-* "$dir"/backups/shop-app \
  "$dir"/backups/shop-base "$dir"/backups/shop-wal "$dir"/backups/shop-wal.times \
  "$dir"/backups/shop-app-without-config
mv "$new"/* "$dir/backups/"
echo "$inputs" >"$dir/backups/.shop-inputs"
echo "demo: backed up $name.dump, $(du -sh "$dir/backups" | cut -f1) in all" \
  "(backup $((SECONDS - backup)) s, everything $((SECONDS - began)) s)"
