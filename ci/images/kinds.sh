#!/bin/bash
# Builds, from Debian 12 packages, the images that backups of other kinds are restored into: lifeboat/mariadb:10.11,
# lifeboat/redis:7.0, lifeboat/etcd:3.4, and lifeboat/kinds:12 (their clients, restic, borg, pgBackRest, Barman). One root file
# system, one shared layer. Does nothing where all exist and were made from these same inputs; LIFEBOAT_REBUILD=1 builds all
# the same, which is how newer Debian packages get in.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
began=$SECONDS

names=(lifeboat/kinds:12 lifeboat/mariadb:10.11 lifeboat/redis:7.0 lifeboat/etcd:3.4)
packages=(mariadb-server mariadb-client mariadb-backup redis-server redis-tools etcd-server etcd-client restic borgbackup
  pgbackrest barman bash coreutils curl ca-certificates gzip zstd tar attr acl procps util-linux)
inputs=$(cat "$here/kinds.sh" "$here/kinds/mariadb.sh" "$here/sources.sh" | sha256sum | cut -d' ' -f1)

there=0
for name in "${names[@]}"; do
  made=$(docker image inspect --format '{{index .Config.Labels "lifeboat.inputs"}}' "$name" 2>/dev/null) || true
  [ "$made" != "$inputs" ] || there=$((there + 1))
done
if [ -z "${LIFEBOAT_REBUILD:-}" ] && [ "$there" = "${#names[@]}" ]; then
  echo "images: ${names[*]} are there already ($((SECONDS - began)) s)"
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
mmdebstrap --variant=essential --include="$(IFS=, && echo "${packages[*]}")" \
  --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/lib/*/libLLVM*' \
  --customize-hook='rm -rf "$1"/var/lib/mysql/* "$1"/var/lib/redis/* "$1"/var/lib/etcd/*' \
  --customize-hook='chroot "$1" install -d -o redis -g redis -m 750 /data' \
  --customize-hook='chroot "$1" install -d -o mysql -g mysql -m 755 /run/mysqld' \
  --customize-hook="install -m 755 '$here/kinds/mariadb.sh' \"\$1/usr/local/bin/lifeboat-mariadb\"" \
  --customize-hook='rm -rf "$1"/var/cache/debconf/*-old "$1"/var/log/*.log "$1"/etc/hostname "$1"/etc/resolv.conf' \
  bookworm "$work/image/layer.tar" "$work/sources.list" >"$work/log" 2>&1 || {
  tail -n 30 "$work/log" >&2
  echo "images: mmdebstrap could not build the root file system; its last lines are above" >&2
  exit 1
}
built=$SECONDS

arch=$(dpkg --print-architecture)
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
layer=$(sha256sum "$work/image/layer.tar" | cut -d' ' -f1)
manifest=
image() { # image NAME JSON: an image with these keys of "config"
  {
    printf '{"architecture":"%s","os":"linux","created":"%s",' "$arch" "$now"
    printf '"history":[{"created":"%s","created_by":"ci/images/kinds.sh"}],' "$now"
    printf '"config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","LANG=C.UTF-8"],'
    printf '"Labels":{"lifeboat.inputs":"%s"},%s},' "$inputs" "$2"
    printf '"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$layer"
  } >"$work/config"
  local file
  file=$(sha256sum "$work/config" | cut -d' ' -f1).json
  mv "$work/config" "$work/image/$file"
  manifest+=${manifest:+,}'{"Config":"'$file'","RepoTags":["'$1'"],"Layers":["layer.tar"]}'
}
image lifeboat/kinds:12 '"Cmd":["/bin/bash"],"WorkingDir":"/"'
image lifeboat/mariadb:10.11 '"Entrypoint":["/usr/local/bin/lifeboat-mariadb"],"Cmd":["mariadbd"],
  "ExposedPorts":{"3306/tcp":{}},"Volumes":{"/var/lib/mysql":{}}'
image lifeboat/redis:7.0 '"Cmd":["redis-server"],"WorkingDir":"/data","User":"redis",
  "ExposedPorts":{"6379/tcp":{}},"Volumes":{"/data":{}}'
image lifeboat/etcd:3.4 '"Cmd":["etcd"],"WorkingDir":"/","ExposedPorts":{"2379/tcp":{},"2380/tcp":{}}'
printf '[%s]' "$manifest" >"$work/image/manifest.json"
before=$(docker image inspect --format '{{.Id}}' "${names[@]}" 2>/dev/null) || true
tar -C "$work/image" -cf - . | docker load --quiet >/dev/null
# What the names pointed to before would stay behind without a name; where it is in use it may.
for id in $before; do docker image rm "$id" >/dev/null 2>&1 || true; done
echo "images: built ${names[*]} (packages $((built - began)) s, import $((SECONDS - built)) s," \
  "$(($(stat -c %s "$work/image/layer.tar") / 1000000)) MB)"
