#!/bin/bash
# Builds images of other versions of the servers, from the packages of other Debian releases: what make other-versions tries
# lifeboat on. One root file system for each release:
#   bullseye  lifeboat/postgres:13, lifeboat/mariadb:10.5, lifeboat/redis:6.0
#   trixie    lifeboat/postgres:17, lifeboat/mariadb:11.8, lifeboat/redis:8.0, lifeboat/valkey:8.1
#   sid       lifeboat/postgres:18, lifeboat/mysql:9.7
# others.sh [SUITE…] builds those of these releases alone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ $# != 1 ]; then
  [ $# != 0 ] || set -- bullseye trixie sid
  for suite in "$@"; do "$here/others.sh" "$suite"; done
  exit
fi

suite=$1
case $suite in
  bullseye) postgres=13 names=(lifeboat/postgres:13 lifeboat/mariadb:10.5 lifeboat/redis:6.0) packages=(mariadb-server redis-server) ;;
  trixie)
    postgres=17 names=(lifeboat/postgres:17 lifeboat/mariadb:11.8 lifeboat/redis:8.0 lifeboat/valkey:8.1)
    packages=(mariadb-server redis-server valkey-server)
    ;;
  sid) postgres=18 names=(lifeboat/postgres:18 lifeboat/mysql:9.7) packages=(mysql-server) ;;
  *)
    echo "images: no image is made from $suite: bullseye, trixie and sid are" >&2
    exit 2
    ;;
esac
files=("$here/others.sh" "$here/postgres/entrypoint.sh" "$here/kinds/mariadb.sh" "$here/kinds/mysql.sh")
. "$here/rootfs.sh"
there_already
begin

# What is left out, and what is made, is what it is in postgres.sh and kinds.sh.
root_of "postgresql-$postgres" "postgresql-client-$postgres" "${packages[@]}" bash coreutils gzip procps tar util-linux zstd -- \
  --dpkgopt='path-exclude=/usr/lib/*/libLLVM*' --dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/llvmjit*' \
  --dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/bitcode/*' \
  --essential-hook='mkdir -p "$1/etc/postgresql-common"' \
  --essential-hook='echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"' \
  --customize-hook='mkdir -p "$1/etc/ssl/private" && rm -rf "$1"/etc/ssl/private/* "$1"/var/lib/mysql/* "$1"/var/lib/redis/*' \
  --customize-hook='chroot "$1" install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data' \
  --customize-hook='chroot "$1" install -d -o postgres -g postgres -m 2775 /run/postgresql' \
  --customize-hook='for user in redis valkey; do ! chroot "$1" id $user 2>/dev/null || chroot "$1" install -d -o $user -m 750 /$user; done' \
  --customize-hook='chroot "$1" install -d -o mysql -g mysql -m 755 /run/mysqld' \
  --customize-hook="install -m 755 '$here/postgres/entrypoint.sh' \"\$1/usr/local/bin/lifeboat-postgres\"" \
  --customize-hook="install -m 755 '$here/kinds/mariadb.sh' \"\$1/usr/local/bin/lifeboat-mariadb\"" \
  --customize-hook="install -m 755 '$here/kinds/mysql.sh' \"\$1/usr/local/bin/lifeboat-mysql\""

for name in "${names[@]}"; do
  kind=${name#lifeboat/} kind=${kind%:*}
  case $kind in
    postgres) env='"PGDATA=/var/lib/postgresql/data"' image "$name" "/usr/lib/postgresql/$postgres/bin:$path" \
      '"Entrypoint":["/usr/local/bin/lifeboat-postgres"],"Cmd":["postgres"],"StopSignal":"SIGINT","ExposedPorts":{"5432/tcp":{}},
      "Volumes":{"/var/lib/postgresql/data":{}}' ;;
    mariadb | mysql) image "$name" "$path" '"Entrypoint":["/usr/local/bin/lifeboat-'"$kind"'"],"ExposedPorts":{"3306/tcp":{}},
      "Volumes":{"/var/lib/mysql":{}}' ;;
    redis | valkey) image "$name" "$path" '"Cmd":["'"$kind"'-server"],"WorkingDir":"/'"$kind"'","User":"'"$kind"'",
      "ExposedPorts":{"6379/tcp":{}},"Volumes":{"/'"$kind"'":{}}' ;;
  esac
done
load
