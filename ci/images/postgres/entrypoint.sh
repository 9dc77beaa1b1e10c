#!/bin/bash
# PID 1 of lifeboat/postgres: makes an empty data directory into a cluster, then becomes the postgres server.
#
# The contract is that of the official postgres image, as far as a drill needs it: POSTGRES_PASSWORD or
# POSTGRES_PASSWORD_FILE, POSTGRES_USER, POSTGRES_DB, POSTGRES_HOST_AUTH_METHOD, POSTGRES_INITDB_ARGS, PGDATA.
# Arguments "postgres -c …" or just "-c …" reach the server; any other command is run as it stands.
#
# Different on purpose:
#  - a directory that is a cluster already is left exactly as it is. The official image gives every file back to the
#    server's user at each start, which would heal a "wrong file owner" fault behind the drill's back;
#  - the first start makes no temporary server, so nothing ever answers before the instance is what it will stay.
set -euo pipefail

die() {
  echo "lifeboat/postgres: $*" >&2
  exit 1
}

# make_cluster runs as the server's user in an empty $PGDATA.
make_cluster() {
  local user=${POSTGRES_USER:-postgres} db=${POSTGRES_DB:-${POSTGRES_USER:-postgres}}
  local auth=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256} password=${POSTGRES_PASSWORD:-} pwfile=() extra=()
  if [ -n "${POSTGRES_PASSWORD_FILE:-}" ]; then
    password=$(<"$POSTGRES_PASSWORD_FILE")
  fi
  if [ -z "$password" ] && [ "$auth" != trust ]; then
    die "no password for the superuser: set POSTGRES_PASSWORD, or POSTGRES_HOST_AUTH_METHOD=trust"
  fi
  if [ -n "$password" ]; then
    exec 9< <(printf '%s\n' "$password") # a pipe: the password never lies in a file
    pwfile=(--pwfile=/dev/fd/9)
  fi
  read -r -a extra <<<"${POSTGRES_INITDB_ARGS:-}"
  initdb --pgdata="$PGDATA" --username="$user" --encoding=UTF8 --locale=C.UTF-8 --data-checksums \
    --auth-local=trust --auth-host="$auth" "${pwfile[@]}" "${extra[@]}" >/dev/null
  exec 9<&-
  printf 'host all all all %s\n' "$auth" >>"$PGDATA/pg_hba.conf"
  if [ "$db" != postgres ]; then
    printf 'create database "%s";\n' "${db//\"/\"\"}" | postgres --single -D "$PGDATA" postgres >/dev/null
  fi
}

case "${1:-postgres}" in
  postgres) shift || true ;;
  -*) ;;
  *) exec "$@" ;;
esac

if [ "$(id -u)" = 0 ]; then
  if [ ! -e "$PGDATA/PG_VERSION" ]; then
    mkdir -p "$PGDATA"
    chown postgres:postgres "$PGDATA"
    chmod 700 "$PGDATA"
  fi
  mkdir -p /var/run/postgresql
  chown postgres:postgres /var/run/postgresql
  chmod 2775 /var/run/postgresql
  # Decided here, as root: the server's user may not be able to look into a directory with a wrong owner.
  if [ -e "$PGDATA/PG_VERSION" ]; then
    export LIFEBOAT_CLUSTER=present
  fi
  exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" postgres "$@"
fi

if [ "${LIFEBOAT_CLUSTER:-}" != present ] && [ ! -e "$PGDATA/PG_VERSION" ]; then
  make_cluster
fi
unset LIFEBOAT_CLUSTER POSTGRES_PASSWORD POSTGRES_PASSWORD_FILE
export HOME=/var/lib/postgresql
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/var/run/postgresql "$@"
