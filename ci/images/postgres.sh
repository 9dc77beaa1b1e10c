#!/bin/bash
# Builds lifeboat/postgres:15 (a database server) and lifeboat/control:12 (shell, curl, PostgreSQL's client programs:
# where a user's own rollback script runs) from Debian 12 packages. One root file system, two images, one shared layer.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
names=(lifeboat/postgres:15 lifeboat/control:12)
files=("$here/postgres.sh" "$here/postgres/entrypoint.sh")
. "$here/rootfs.sh"
there_already
begin

# libLLVM is 110 MB and only serves the just-in-time compiler. Its plug-in goes with it: where the plug-in is absent
# PostgreSQL leaves the compiler off in silence, whatever a restored configuration says.
root_of postgresql-15 postgresql-client-15 bash coreutils curl ca-certificates gzip jq procps tar util-linux zstd -- \
  --dpkgopt='path-exclude=/usr/lib/*/libLLVM*' --dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/llvmjit*' \
  --dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/bitcode/*' \
  --essential-hook='mkdir -p "$1/etc/postgresql-common"' \
  --essential-hook='echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"' \
  --customize-hook='mkdir -p "$1/etc/ssl/private" && rm -f "$1"/etc/ssl/private/*' \
  --customize-hook='chroot "$1" install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data' \
  --customize-hook='chroot "$1" install -d -o postgres -g postgres -m 2775 /run/postgresql' \
  --customize-hook="install -m 755 '$here/postgres/entrypoint.sh' \"\$1/usr/local/bin/lifeboat-postgres\""

path=/usr/lib/postgresql/15/bin:$path
env='"PGDATA=/var/lib/postgresql/data"' image lifeboat/postgres:15 "$path" '"Entrypoint":["/usr/local/bin/lifeboat-postgres"],
  "Cmd":["postgres"],"StopSignal":"SIGINT","ExposedPorts":{"5432/tcp":{}},"Volumes":{"/var/lib/postgresql/data":{}}'
image lifeboat/control:12 "$path" '"Cmd":["/bin/bash"],"WorkingDir":"/"'
load
