#!/bin/bash
# Builds the demo shop as scratch images: lifeboat/shop:1, the release that is backed up; lifeboat/shop:2, the upgrade
# with its schema migration; and lifeboat/shop:1-without-config, a copy of the first that lacks its configuration file.
# Does nothing for an image that was made from these same inputs; LIFEBOAT_REBUILD=1 builds all the same.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/inputs.sh"
began=$SECONDS
inputs=$(image_inputs)

have() {
  [ "$(docker image inspect --format '{{index .Config.Labels "lifeboat.inputs"}}' "$1" 2>/dev/null)" = "$inputs" ]
}
if [ -z "${LIFEBOAT_REBUILD:-}" ] && have lifeboat/shop:1 && have lifeboat/shop:2 &&
  have lifeboat/shop:1-without-config; then
  echo "demo: the images of the shop are there already ($((SECONDS - began)) s)"
  exit 0
fi

work=$(mktemp -d "${TMPDIR:-/var/tmp}/lifeboat-shop.XXXXXX")
trap 'rm -rf "$work"' EXIT

# image TAG RELEASE CONFIGURATION: imports one image; CONFIGURATION is "with" or "without".
image() {
  local root=$work/$1 before
  install -D -m 755 "$work/shop-$2" "$root/shop"
  install -d -m 755 "$root/etc/shop" "$root/tmp"
  if [ "$3" = with ]; then install -m 644 "$here/shop/shop.conf" "$root/etc/shop/shop.conf"; fi
  before=$(docker image inspect --format '{{.Id}}' "lifeboat/shop:$1" 2>/dev/null) || true
  tar -C "$root" --owner=0 --group=0 --sort=name --mtime=@0 -cf - . |
    docker import --change 'ENTRYPOINT ["/shop"]' --change 'CMD ["serve"]' --change 'USER 65534' \
      --change 'EXPOSE 8080' --change "LABEL lifeboat.inputs=$inputs" - "lifeboat/shop:$1" >/dev/null
  # What the tag named before would stay behind without a name; where it is in use it may.
  if [ -n "$before" ]; then docker image rm "$before" >/dev/null 2>&1 || true; fi
}

cd "$here/shop"
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$work/shop-1" .
CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -tags shop2 -o "$work/shop-2" .
image 1 1 with
image 2 2 with
image 1-without-config 1 without
echo "demo: built lifeboat/shop:1, :2 and :1-without-config ($((SECONDS - began)) s)"
