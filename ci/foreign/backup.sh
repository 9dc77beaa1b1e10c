#!/bin/bash
# backup.sh DIR makes a real backup of the foreign application: it runs the old version on PostgreSQL in a network
# of its own, fills it through the application's own API, dumps the database while the application runs, and saves
# both versions' images. Result: DIR/backups/db/*.dump, DIR/backups/app-old/*.tar and DIR/backups/app-new/*.tar,
# each with SHA256SUMS beside it. Needs the images of build.sh and lifeboat/postgres:15 (ci/images/postgres.sh).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/versions.sh"
[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
for needed in lifeboat/postgres:15 "$(image "$old")" "$(image "$new")"; do
  docker image inspect "$needed" >/dev/null 2>&1 || {
    echo "foreign: the image $needed is missing; run ci/images/postgres.sh and ci/foreign/build.sh first" >&2
    exit 2
  }
done

run=lifeboat-foreign-backup-$$
cleanup() {
  docker rm -f -v "$run-app" "$run-db" >/dev/null 2>&1 || true
  docker volume rm -f "$run-data" >/dev/null 2>&1 || true
  docker network rm "$run" >/dev/null 2>&1 || true
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# production: the old version, as its own documentation starts it, on a network without a way out.
docker network create --internal --label lifeboat.demo=1 "$run" >/dev/null
docker volume create --label lifeboat.demo=1 "$run-data" >/dev/null
docker run -d --name "$run-db" --label lifeboat.demo=1 --network "$run" --network-alias db \
  -v "$run-data:/var/lib/postgresql/data" -e POSTGRES_USER=miniflux -e POSTGRES_DB=miniflux \
  -e POSTGRES_PASSWORD=foreign-db-pw lifeboat/postgres:15 >/dev/null
in_db() { docker exec -i "$run-db" "$@"; }
await() { # await CONTAINER COMMAND…: until the command succeeds, for at most a minute.
  local container=$1 end=$((SECONDS + 60))
  shift
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ] || [ "$(docker inspect -f '{{.State.Running}}' "$container")" != true ]; then
      docker logs --tail 10 "$container" >&2
      echo "foreign: $container did not come up; its last lines are above" >&2
      exit 1
    fi
    sleep 0.2
  done
}
await "$run-db" in_db psql -h 127.0.0.1 -U miniflux -d 'dbname=miniflux password=foreign-db-pw' -c 'select 1'
docker run -d --name "$run-app" --label lifeboat.demo=1 --network "$run" --network-alias app \
  -e 'DATABASE_URL=postgres://miniflux:foreign-db-pw@db/miniflux?sslmode=disable' -e RUN_MIGRATIONS=1 \
  -e CREATE_ADMIN=1 -e ADMIN_USERNAME=admin -e ADMIN_PASSWORD=foreign-admin-pw \
  "$(image "$old")" >/dev/null
await "$run-app" in_db curl -fsS http://app:8080/healthcheck
began=$SECONDS
in_db bash -s <"$here/fill.sh"
echo "foreign: filled through the API ($((SECONDS - began)) s)"

# save FOLDER FILE COMMAND…: its output as a backup that is complete or not there at all, with its digest.
save() {
  local folder=$dir/backups/$1 file=$2
  shift 2
  rm -rf "$folder"
  mkdir -p "$folder"
  "$@" >"$folder/.part"
  mv "$folder/.part" "$folder/$file"
  (cd "$folder" && sha256sum "$file" >SHA256SUMS)
  echo "foreign: backups/${folder##*/}/$file ($(stat -c %s "$folder/$file") bytes)"
}
save db "$app-$(date -u +%Y%m%dT%H%M%SZ).dump" in_db pg_dump -U miniflux -Fc miniflux
save app-old "$app-$old.tar" docker save "$(image "$old")"
save app-new "$app-$new.tar" docker save "$(image "$new")"
