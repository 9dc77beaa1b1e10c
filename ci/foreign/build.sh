#!/bin/bash
# build.sh DIR builds both versions of the foreign application (versions.sh) from the Go module proxy, leaves the
# programs in DIR, and imports each as a scratch image, lifeboat-foreign/APP:VERSION. Every version is built in a
# throw-away module of its own, so that none of its dependencies enters ours and none of its source is kept. Beside them
# it builds publisher/, the site whose feeds the application fetches, as lifeboat-foreign/publisher:1.
# Does nothing for a version whose image is there already; LIFEBOAT_REBUILD=1 builds all the same.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/versions.sh"
[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
command -v go >/dev/null || { echo "foreign: Go is missing; install Go 1.26 or later" >&2; exit 2; }
work=$(mktemp -d "${TMPDIR:-/var/tmp}/lifeboat-foreign.XXXXXX")
trap 'rm -rf "$work"' EXIT
inputs=$(cat "$here/build.sh" "$here/versions.sh" "$here"/publisher/*.go | sha256sum | cut -d' ' -f1)

# compile VERSION: the module's own requirements fix every dependency; its own digest is checked against versions.sh.
compile() {
  local mod="$work/$1" sum
  mkdir -p "$mod"
  printf 'module foreign\n\ngo 1.26.0\n\nrequire %s v%s\n' "$module" "$1" >"$mod/go.mod"
  cd "$mod"
  sum=$(GOWORK=off GOFLAGS=-mod=mod go mod download -json "$module@v$1" | sed -n 's/^\t"Sum": "\(.*\)",\{0,1\}$/\1/p')
  if [ "$sum" != "${digest[$1]}" ]; then
    echo "foreign: $module v$1 has the digest $sum, versions.sh expects ${digest[$1]}" >&2
    exit 1
  fi
  GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags "-s -w -X $module/internal/version.Version=$1" -o "$dir/$app-$1" "$module"
  install -D -m 755 "$dir/$app-$1" "$mod/root/usr/bin/$app"
  install -D -m 644 "$(go list -mod=mod -m -f '{{.Dir}}' "$module")/LICENSE" "$mod/root/usr/share/doc/$app/LICENSE"
}

# publish VERSION: the publisher has no version but this one.
publish() {
  local mod="$work/$1"
  mkdir -p "$mod"
  (cd "$here/publisher" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags "-s -w" -o "$dir/publisher" .)
  install -D -m 755 "$dir/publisher" "$mod/root/usr/bin/publisher"
}

# make_image TAG ROOT COMMAND CHANGE…: a scratch image of what is below ROOT, by an unprivileged user, on port 8080.
make_image() {
  local tag=$1 root=$2 command=$3 before changes=()
  shift 3
  for change in "CMD [\"$command\"]" 'USER 65534' 'EXPOSE 8080' 'ENV PATH=/usr/bin' 'LABEL lifeboat.demo=1' \
    "LABEL lifeboat.inputs=$inputs" "$@"; do
    changes+=(--change "$change")
  done
  before=$(docker image inspect --format '{{.Id}}' "$tag" 2>/dev/null) || true
  tar -C "$root" --owner=0 --group=0 --sort=name --mtime=@0 -cf - . | docker import "${changes[@]}" - "$tag" >/dev/null
  # What the tag named before would stay behind without a name; where it is in use it may.
  if [ -n "$before" ]; then docker image rm "$before" >/dev/null 2>&1 || true; fi
}

# build TAG VERSION HOW COMMAND CHANGE…: by HOW VERSION, unless it is there.
build() {
  local tag=$1 version=$2 how=$3 began=$SECONDS have
  have=$(docker image inspect --format '{{index .Config.Labels "lifeboat.inputs"}}' "$tag" 2>/dev/null) || true
  if [ -z "${LIFEBOAT_REBUILD:-}" ] && [ "$have" = "$inputs" ]; then
    echo "foreign: $tag is there already"
    return
  fi
  ("$how" "$version")
  make_image "$tag" "$work/$version/root" "${@:4}"
  echo "foreign: built $tag ($((SECONDS - began)) s)"
}

# As in the application's own image: the same command, the same unprivileged user, the same port.
for version in "$old" "$new"; do
  build "$(image "$version")" "$version" compile /usr/bin/miniflux 'ENV LISTEN_ADDR=0.0.0.0:8080'
done
build lifeboat-foreign/publisher:1 publisher publish /usr/bin/publisher
