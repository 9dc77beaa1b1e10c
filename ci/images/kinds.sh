#!/bin/bash
# Builds, from Debian 12 packages, the images that backups of other kinds are restored into: lifeboat/mariadb:10.11,
# lifeboat/redis:7.0, lifeboat/etcd:3.4, and lifeboat/kinds:12 (their clients, mydumper, restic, borg, rclone, pgBackRest, Barman). One root file
# system, one shared layer.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
names=(lifeboat/kinds:12 lifeboat/mariadb:10.11 lifeboat/redis:7.0 lifeboat/etcd:3.4)
files=("$here/kinds.sh" "$here/kinds/mariadb.sh")
. "$here/rootfs.sh"
there_already
begin

root_of mariadb-server mariadb-client mariadb-backup mydumper redis-server redis-tools etcd-server etcd-client restic borgbackup \
  pgbackrest barman rclone bash coreutils curl ca-certificates gzip zstd tar attr acl procps util-linux -- \
  --dpkgopt='path-exclude=/usr/lib/*/libLLVM*' \
  --customize-hook='rm -rf "$1"/var/lib/mysql/* "$1"/var/lib/redis/* "$1"/var/lib/etcd/*' \
  --customize-hook='chroot "$1" install -d -o redis -g redis -m 750 /data' \
  --customize-hook='chroot "$1" install -d -o mysql -g mysql -m 755 /run/mysqld' \
  --customize-hook="install -m 755 '$here/kinds/mariadb.sh' \"\$1/usr/local/bin/lifeboat-mariadb\""

image lifeboat/kinds:12 "$path" '"Cmd":["/bin/bash"],"WorkingDir":"/"'
image lifeboat/mariadb:10.11 "$path" '"Entrypoint":["/usr/local/bin/lifeboat-mariadb"],"Cmd":["mariadbd"],
  "ExposedPorts":{"3306/tcp":{}},"Volumes":{"/var/lib/mysql":{}}'
image lifeboat/redis:7.0 "$path" '"Cmd":["redis-server"],"WorkingDir":"/data","User":"redis",
  "ExposedPorts":{"6379/tcp":{}},"Volumes":{"/data":{}}'
image lifeboat/etcd:3.4 "$path" '"Cmd":["etcd"],"WorkingDir":"/","ExposedPorts":{"2379/tcp":{},"2380/tcp":{}}'
load
