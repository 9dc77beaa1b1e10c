#!/bin/bash
# build.sh DIR builds both versions of the foreign application (versions.sh) from the Go module proxy, leaves the
# programs in DIR, and imports each as a scratch image, lifeboat-foreign/APP:VERSION. Every version is built in a
# throw-away module of its own, so that none of its dependencies enters ours and none of its source is kept.
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
inputs=$(cat "$here/build.sh" "$here/versions.sh" | sha256sum | cut -d' ' -f1)

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

for version in "$old" "$new"; do
  began=$SECONDS
  have=$(docker image inspect --format '{{index .Config.Labels "lifeboat.inputs"}}' \
    "$(image "$version")" 2>/dev/null) || true
  if [ -z "${LIFEBOAT_REBUILD:-}" ] && [ "$have" = "$inputs" ]; then
    echo "foreign: $(image "$version") is there already"
    continue
  fi
  before=$(docker image inspect --format '{{.Id}}' "$(image "$version")" 2>/dev/null) || true
  (compile "$version")
  # As in the application's own image: the same command, the same unprivileged user, the same port.
  tar -C "$work/$version/root" --owner=0 --group=0 --sort=name --mtime=@0 -cf - . |
    docker import --change 'CMD ["/usr/bin/miniflux"]' --change 'USER 65534' --change 'EXPOSE 8080' \
      --change 'ENV LISTEN_ADDR=0.0.0.0:8080' --change 'ENV PATH=/usr/bin' --change 'LABEL lifeboat.demo=1' \
      --change "LABEL lifeboat.inputs=$inputs" - "$(image "$version")" >/dev/null
  # What the tag named before would stay behind without a name; where it is in use it may.
  if [ -n "$before" ]; then docker image rm "$before" >/dev/null 2>&1 || true; fi
  echo "foreign: built $(image "$version") ($((SECONDS - began)) s)"
done
