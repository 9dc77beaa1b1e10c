#!/bin/bash
# rollback.sh [DIR] puts Miniflux's database back to the newest dump in DIR (default /backups/db).
#
# This is the operators' own script, older than any drill: it knows psql and pg_restore and nothing else.
# Stop the program before, start the old version after. PGHOST and PGPASSWORD come from the environment.
set -euo pipefail
: "${PGHOST:?name the database server}" "${PGPASSWORD:?give the password of the database owner}"
export PGUSER=${PGUSER:-miniflux}
database=${PGDATABASE:-miniflux}
unset PGDATABASE
dir=${1:-/backups/db}

dump=$(find "$dir" -maxdepth 1 -name '*.dump' | sort | tail -n 1)
[ -n "$dump" ] || { echo "rollback: no dump in $dir" >&2; exit 1; }
if [ -e "$dir/SHA256SUMS" ]; then
  (cd "$dir" && sha256sum --quiet --check --ignore-missing SHA256SUMS)
fi

echo "rollback: $database on $PGHOST from ${dump##*/}"
psql -X -q -v ON_ERROR_STOP=1 -v name="$database" -v owner="$PGUSER" -d postgres <<'SQL'
drop database if exists :"name" with (force);
create database :"name" owner :"owner";
SQL
pg_restore --exit-on-error --single-transaction --dbname "$database" "$dump"
psql -X -At -v ON_ERROR_STOP=1 -d "$database" \
  -c "select 'rollback: schema version ' || version || ', ' || (select count(*) from entries) || ' articles'
      from schema_version"
