#!/bin/bash
# backup.sh DIR makes a real backup of the foreign application: it runs the old version on PostgreSQL in a network
# of its own, fills it through the application's own API, dumps the database while the application runs, and saves
# both versions' images. Result: DIR/backups/db/*.dump, DIR/backups/app-old/*.tar and DIR/backups/app-new/*.tar,
# each with SHA256SUMS beside it. Needs the images of build.sh and lifeboat/postgres:15 (ci/images/postgres.sh).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/versions.sh"
say=foreign
. "$here/../production.sh"
into "$@"
needs "ci/images/postgres.sh and ci/foreign/build.sh" lifeboat/postgres:15 "$(image "$old")" "$(image "$new")"

# production: the old version, as its own documentation starts it.
network data
docker run -d --name "$run-db" --label lifeboat.demo=1 --network "$run" --network-alias db \
  -v "$run-data:/var/lib/postgresql/data" -e POSTGRES_USER=miniflux -e POSTGRES_DB=miniflux \
  -e POSTGRES_PASSWORD=foreign-db-pw lifeboat/postgres:15 >/dev/null
in_db() { docker exec -i "$run-db" "$@"; }
await "$run-db" in_db psql -h 127.0.0.1 -U miniflux -d 'dbname=miniflux password=foreign-db-pw' -c 'select 1'
docker run -d --name "$run-app" --label lifeboat.demo=1 --network "$run" --network-alias app \
  -e 'DATABASE_URL=postgres://miniflux:foreign-db-pw@db/miniflux?sslmode=disable' -e RUN_MIGRATIONS=1 \
  -e CREATE_ADMIN=1 -e ADMIN_USERNAME=admin -e ADMIN_PASSWORD=foreign-admin-pw \
  "$(image "$old")" >/dev/null
await "$run-app" in_db curl -fsS http://app:8080/healthcheck
began=$SECONDS
in_db bash -s <"$here/fill.sh"
echo "foreign: filled through the API ($((SECONDS - began)) s)"

save db "$app-$(date -u +%Y%m%dT%H%M%SZ).dump" in_db pg_dump -U miniflux -Fc miniflux
save app-old "$app-$old.tar" docker save "$(image "$old")"
save app-new "$app-$new.tar" docker save "$(image "$new")"
