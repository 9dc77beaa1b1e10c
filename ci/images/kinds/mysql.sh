#!/bin/bash
# PID 1 of lifeboat/mysql: makes an empty data directory into a server's, then becomes mysqld.
#
# The contract is that of the official mysql image, as far as a drill needs it: MYSQL_ROOT_PASSWORD,
# MYSQL_ALLOW_EMPTY_PASSWORD, MYSQL_DATABASE. As there, the first start runs a server of its own that answers on the socket
# alone while root's password is set: what answers on the socket is not yet what the instance will stay.
set -euo pipefail

die() {
  echo "lifeboat/mysql: $*" >&2
  exit 1
}

case "${1:-mysqld}" in
  mysqld) shift || true ;;
  -*) ;;
  *) exec "$@" ;;
esac
data=/var/lib/mysql
socket=/run/mysqld/mysqld.sock
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$data" /run/mysqld
  chown mysql:mysql "$data" /run/mysqld
  exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" mysqld "$@"
fi
if [ ! -d "$data/mysql" ]; then
  password=${MYSQL_ROOT_PASSWORD:-}
  if [ -z "$password" ] && [ -z "${MYSQL_ALLOW_EMPTY_PASSWORD:-}" ]; then
    die "no password for root: set MYSQL_ROOT_PASSWORD, or MYSQL_ALLOW_EMPTY_PASSWORD=1"
  fi
  mysqld --no-defaults --initialize-insecure --datadir="$data"
  mysqld --no-defaults --datadir="$data" --skip-networking --mysqlx=OFF --socket="$socket" &
  temporary=$!
  for _ in $(seq 600); do
    mysqladmin --no-defaults --socket="$socket" -u root ping >/dev/null 2>&1 && break
    kill -0 "$temporary" 2>/dev/null || die "the server of the first start ended by itself"
    sleep 0.1
  done
  {
    [ -z "${MYSQL_DATABASE:-}" ] || printf 'create database if not exists `%s`;\n' "${MYSQL_DATABASE//\`/\`\`}"
    secret=${password//\\/\\\\}
    secret=\'${secret//\'/\'\'}\'
    printf "create user root@'%%' identified by %s; grant all on *.* to root@'%%' with grant option;\n" "$secret"
    printf 'alter user root@localhost identified by %s;\n' "$secret"
  } | mysql --no-defaults --socket="$socket" -u root
  kill "$temporary"
  wait "$temporary" || true
fi
exec mysqld --datadir="$data" --socket="$socket" --bind-address='*' --log-error=stderr "$@"
