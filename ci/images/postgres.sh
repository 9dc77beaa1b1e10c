#!/bin/bash
# Builds lifeboat/postgres:15 (a database server) and lifeboat/control:12 (shell, curl, PostgreSQL's client programs:
# where a user's own rollback script runs) from Debian 12 packages. One root file system, two images, one shared layer.
# Does nothing where both exist and were made from these same inputs; LIFEBOAT_REBUILD=1 builds all the same, which is
# how newer Debian packages get in.
#
# Not `docker build`: one build step on a large root file system costs more than all the rest (46 s where it was
# measured). Not `docker import`: it cannot set the stop signal, and the server needs SIGINT to stop fast.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
began=$SECONDS

packages=(postgresql-15 postgresql-client-15 bash coreutils curl ca-certificates gzip jq procps tar util-linux zstd)
inputs=$(cat "$here/postgres.sh" "$here/postgres/entrypoint.sh" "$here/sources.sh" | sha256sum | cut -d' ' -f1)

made_from() {
  docker image inspect --format '{{index .Config.Labels "lifeboat.inputs"}}' "$1" 2>/dev/null || true
}

if [ -z "${LIFEBOAT_REBUILD:-}" ] && [ "$(made_from lifeboat/postgres:15)" = "$inputs" ] &&
  [ "$(made_from lifeboat/control:12)" = "$inputs" ]; then
  echo "images: lifeboat/postgres:15 and lifeboat/control:12 are there already ($((SECONDS - began)) s)"
  exit 0
fi
command -v mmdebstrap >/dev/null || {
  echo "images: mmdebstrap is missing; run ci/images/install.sh first" >&2
  exit 2
}

work=$(mktemp -d "${TMPDIR:-/var/tmp}/lifeboat-image.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/image"
"$here/sources.sh" >"$work/sources.list"

# libLLVM is 110 MB and only serves the just-in-time compiler. Its plug-in goes with it: where the plug-in is absent
# PostgreSQL leaves the compiler off in silence, whatever a restored configuration says.
mmdebstrap --variant=essential --include="$(IFS=, && echo "${packages[*]}")" \
  --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-exclude=/usr/lib/*/libLLVM*' --dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/llvmjit*' \
  --dpkgopt='path-exclude=/usr/lib/postgresql/*/lib/bitcode/*' \
  --essential-hook='mkdir -p "$1/etc/postgresql-common"' \
  --essential-hook='echo "create_main_cluster = false" >"$1/etc/postgresql-common/createcluster.conf"' \
  --customize-hook='mkdir -p "$1/etc/ssl/private" && rm -f "$1"/etc/ssl/private/*' \
  --customize-hook='chroot "$1" install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data' \
  --customize-hook='chroot "$1" install -d -o postgres -g postgres -m 2775 /run/postgresql' \
  --customize-hook="install -m 755 '$here/postgres/entrypoint.sh' \"\$1/usr/local/bin/lifeboat-postgres\"" \
  --customize-hook='rm -rf "$1"/var/cache/debconf/*-old "$1"/var/log/* "$1"/etc/hostname "$1"/etc/resolv.conf' \
  bookworm "$work/image/layer.tar" "$work/sources.list" >"$work/log" 2>&1 || {
  tail -n 30 "$work/log" >&2
  echo "images: mmdebstrap could not build the root file system; its last lines are above" >&2
  exit 1
}
built=$SECONDS

# config NAME JSON: writes the image configuration with the given "config" object and prints the file's name.
arch=$(dpkg --print-architecture)
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
layer=$(sha256sum "$work/image/layer.tar" | cut -d' ' -f1)
config() {
  {
    printf '{"architecture":"%s","os":"linux","created":"%s",' "$arch" "$now"
    printf '"history":[{"created":"%s","created_by":"ci/images/postgres.sh"}],' "$now"
    printf '"config":%s,"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$2" "$layer"
  } >"$work/$1"
  local name
  name=$(sha256sum "$work/$1" | cut -d' ' -f1).json
  mv "$work/$1" "$work/image/$name"
  printf '%s' "$name"
}
path=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
labels='"Labels":{"lifeboat.inputs":"'$inputs'"}'
postgres=$(config postgres '{"Env":["PATH='$path'","LANG=C.UTF-8","PGDATA=/var/lib/postgresql/data"],'$labels',
  "Entrypoint":["/usr/local/bin/lifeboat-postgres"],"Cmd":["postgres"],"StopSignal":"SIGINT",
  "ExposedPorts":{"5432/tcp":{}},"Volumes":{"/var/lib/postgresql/data":{}}}')
control=$(config control '{"Env":["PATH='$path'","LANG=C.UTF-8"],'$labels',"Cmd":["/bin/bash"],"WorkingDir":"/"}')
cat >"$work/image/manifest.json" <<END
[{"Config":"$postgres","RepoTags":["lifeboat/postgres:15"],"Layers":["layer.tar"]},
 {"Config":"$control","RepoTags":["lifeboat/control:12"],"Layers":["layer.tar"]}]
END
before=$(docker image inspect --format '{{.Id}}' lifeboat/postgres:15 lifeboat/control:12 2>/dev/null) || true
tar -C "$work/image" -cf - . | docker load --quiet >/dev/null
# What the names pointed to before would stay behind without a name; where it is in use it may.
for id in $before; do docker image rm "$id" >/dev/null 2>&1 || true; done
echo "images: built lifeboat/postgres:15 and lifeboat/control:12" \
  "(packages $((built - began)) s, import $((SECONDS - built)) s," \
  "$(($(stat -c %s "$work/image/layer.tar") / 1000000)) MB)"
