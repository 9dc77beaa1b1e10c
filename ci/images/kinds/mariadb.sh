#!/bin/bash
# PID 1 of lifeboat/mariadb: makes an empty data directory into a server's, then becomes mariadbd.
#
# The contract is that of the official mariadb image, as far as a drill needs it: MARIADB_ROOT_PASSWORD,
# MARIADB_ALLOW_EMPTY_ROOT_PASSWORD, MARIADB_DATABASE, MARIADB_USER, MARIADB_PASSWORD, or the same with MYSQL_.
# As there, the first start runs a server of its own that answers on the socket alone while root's password is set: what
# answers on the socket is not yet what the instance will stay.
set -euo pipefail

die() {
  echo "lifeboat/mariadb: $*" >&2
  exit 1
}

env_of() { # env_of NAME: MARIADB_NAME, or MYSQL_NAME
  local a=MARIADB_$1 b=MYSQL_$1
  printf '%s' "${!a:-${!b:-}}"
}

quoted() { # quoted TEXT: an SQL string
  local s=${1//\\/\\\\}
  printf "'%s'" "${s//\'/\'\'}"
}

case "${1:-mariadbd}" in
  mariadbd | mysqld) shift || true ;;
  -*) ;;
  *) exec "$@" ;;
esac
data=/var/lib/mysql
socket=/run/mysqld/mysqld.sock
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$data" /run/mysqld
  chown mysql:mysql "$data" /run/mysqld
  exec setpriv --reuid=mysql --regid=mysql --init-groups "$0" mariadbd "$@"
fi
if [ ! -d "$data/mysql" ]; then
  password=$(env_of ROOT_PASSWORD)
  if [ -z "$password" ] && [ -z "$(env_of ALLOW_EMPTY_ROOT_PASSWORD)" ]; then
    die "no password for root: set MARIADB_ROOT_PASSWORD, or MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1"
  fi
  mariadb-install-db --datadir="$data" --auth-root-authentication-method=normal --skip-test-db >/dev/null
  mariadbd --datadir="$data" --skip-networking --socket="$socket" &
  temporary=$!
  for _ in $(seq 600); do
    mariadb-admin --socket="$socket" -u root ping >/dev/null 2>&1 && break
    kill -0 "$temporary" 2>/dev/null || die "the server of the first start ended by itself"
    sleep 0.1
  done
  {
    name=$(env_of DATABASE)
    [ -z "$name" ] || printf 'create database if not exists `%s`;\n' "${name//\`/\`\`}"
    user=$(env_of USER)
    if [ -n "$user" ]; then
      printf "create user %s@'%%' identified by %s;\n" "$(quoted "$user")" "$(quoted "$(env_of PASSWORD)")"
      [ -z "$name" ] || printf "grant all on \`%s\`.* to %s@'%%';\n" "${name//\`/\`\`}" "$(quoted "$user")"
    fi
    # mariadb-install-db makes more roots, without a password.
    printf "delete from mysql.global_priv where user = 'root' and host <> 'localhost'; flush privileges;\n"
    printf "create user root@'%%' identified by %s; grant all on *.* to root@'%%' with grant option;\n" "$(quoted "$password")"
    printf 'set password for root@localhost = password(%s); flush privileges;\n' "$(quoted "$password")"
  } | mariadb --socket="$socket" -u root
  kill "$temporary"
  wait "$temporary" || true
fi
exec mariadbd --datadir="$data" --socket="$socket" --bind-address='*' "$@"
