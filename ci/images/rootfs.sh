# What the scripts that build an image from Debian packages share. Sourced, after
#   here=…      this folder
#   suite=…     Debian's release; bookworm (12) where it is not set
#   names=(…)   the images that one root file system makes
#   files=(…)   what they are made from beside this file: paths
#
# Not `docker build`: one build step on a large root file system costs more than all the rest (46 s where it was
# measured). Not `docker import`: it cannot set the stop signal, and the server needs SIGINT to stop fast.
began=$SECONDS
suite=${suite:-bookworm}
inputs=$(cat "${files[@]}" "$here/rootfs.sh" "$here/sources.sh" | sha256sum | cut -d' ' -f1)

# there_already says so and ends the script where every image was made from these same inputs; LIFEBOAT_REBUILD=1 builds all
# the same, which is how newer Debian packages get in.
there_already() {
  [ -z "${LIFEBOAT_REBUILD:-}" ] || return 0
  local name
  for name in "${names[@]}"; do
    [ "$(docker image inspect --format '{{index .Config.Labels "lifeboat.inputs"}}' "$name" 2>/dev/null)" = "$inputs" ] || return 0
  done
  echo "images: ${names[*]} there already ($((SECONDS - began)) s)"
  exit 0
}

# begin makes $work, which is gone at the end of the script.
begin() {
  command -v mmdebstrap >/dev/null || {
    echo "images: mmdebstrap is missing; run ci/images/install.sh first" >&2
    exit 2
  }
  work=$(mktemp -d "${TMPDIR:-/var/tmp}/lifeboat-image.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/image"
  "$here/sources.sh" "$suite" >"$work/sources.list"
}

# root_of PACKAGE… -- [OPTION…]: the root file system of these packages, with mmdebstrap's further options.
root_of() {
  local packages=()
  while [ "$1" != -- ]; do
    packages+=("$1")
    shift
  done
  shift
  # Whether lists may be out of date is what this machine's own apt is told; their signatures are verified in any case.
  local valid=()
  readarray -t valid < <(apt-config dump Acquire::Check-Valid-Until | sed 's/^/--aptopt=/')
  mmdebstrap --variant=essential --include="$(IFS=, && echo "${packages[*]}")" \
    --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' "${valid[@]}" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/info/*' --dpkgopt='path-exclude=/usr/share/locale/*' "$@" \
    --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    --customize-hook='rm -rf "$1"/var/cache/debconf/*-old "$1"/var/log/* "$1"/etc/hostname "$1"/etc/resolv.conf' \
    "$suite" "$work/image/layer.tar" "$work/sources.list" >"$work/log" 2>&1 || {
    tail -n 30 "$work/log" >&2
    echo "images: mmdebstrap could not build the root file system; its last lines are above" >&2
    exit 1
  }
  built=$SECONDS
  layer=$(sha256sum "$work/image/layer.tar" | cut -d' ' -f1)
  manifest=
}

# image NAME PATH KEYS: an image of that root file system, with this PATH and these further keys of "config", as JSON.
image() {
  local now file
  now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  {
    printf '{"architecture":"%s","os":"linux","created":"%s",' "$(dpkg --print-architecture)" "$now"
    printf '"history":[{"created":"%s","created_by":"%s"}],' "$now" "ci/images/$(basename "$0")"
    printf '"config":{"Env":["PATH=%s","LANG=C.UTF-8"%s],"Labels":{"lifeboat.inputs":"%s"},%s},' "$2" "${env:+,$env}" "$inputs" "$3"
    printf '"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$layer"
  } >"$work/config"
  file=$(sha256sum "$work/config" | cut -d' ' -f1).json
  mv "$work/config" "$work/image/$file"
  manifest+=${manifest:+,}'{"Config":"'$file'","RepoTags":["'$1'"],"Layers":["layer.tar"]}'
}

# load [WORDS] gives the images to the engine and says so.
load() {
  local before id
  printf '[%s]' "$manifest" >"$work/image/manifest.json"
  before=$(docker image inspect --format '{{.Id}}' "${names[@]}" 2>/dev/null) || true
  tar -C "$work/image" -cf - . | docker load --quiet >/dev/null
  # What the names pointed to before would stay behind without a name; where it is in use it may.
  for id in $before; do docker image rm "$id" >/dev/null 2>&1 || true; done
  echo "images: built ${names[*]} (packages $((built - began)) s, import $((SECONDS - built)) s," \
    "$(($(stat -c %s "$work/image/layer.tar") / 1000000)) MB${1:-})"
}

path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
