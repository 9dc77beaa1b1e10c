#!/bin/bash
# formats.sh IMAGE DIR converts the customer's machine, IMAGE (build/vm/shop-pos.qcow2), for tests:
#
#   DIR/shop-pos.raw, .vmdk (stream-optimised), .vdi, .vhd (dynamic), .vhdx
#   DIR/shop-pos-30g.raw, .qcow2    the same machine on a disk of 30 GiB; what was added is a hole
#
# with SHA256SUMS of all but shop-pos-30g.raw, which would take as long to read as a full one, and a copy of IMAGE's
# manifest beside each. Does nothing where DIR has them of this same image. Needs the image of ci/images/qemu.sh.
set -euo pipefail
[ $# = 2 ] || { echo "usage: $0 IMAGE DIR" >&2; exit 2; }
began=$SECONDS
image=$(realpath "$1")
mkdir -p "$2"
dir=$(cd "$2" && pwd)

inputs=$({ cat "$0" && stat -c '%s %Y' "$image"; } | sha256sum | cut -d' ' -f1)
listing() { (cd "$dir" && find . -maxdepth 1 -name 'shop-pos*' -printf '%f %s %T@\n' | LC_ALL=C sort); }
if [ "$(cat "$dir/.formats" 2>/dev/null)" = "$inputs
$(listing)" ]; then
  echo "vm: the other formats in $2 are there already ($((SECONDS - began)) s)"
  exit 0
fi
rm -f "$dir/.formats" "$dir"/shop-pos*

# Stream-optimised and dynamic images are written in order or whole; a virtual size of whole cylinders, as the format
# VPC has it, would not be the disk's.
docker run --rm --network none --cap-drop ALL --user "$(id -u):$(id -g)" -v "$image:/image:ro" -v "$dir:/out" \
  lifeboat/qemu:7.2 /bin/sh -euc '
    convert() { qemu-img convert -q -f qcow2 "$@"; }
    convert -O raw -S 64k /image /out/shop-pos.raw
    convert -O vmdk -o subformat=streamOptimized /image /out/shop-pos.vmdk
    convert -O vdi /image /out/shop-pos.vdi
    convert -O vpc -o subformat=dynamic,force_size=on /image /out/shop-pos.vhd
    convert -O vhdx -o subformat=dynamic /image /out/shop-pos.vhdx
    cp /image /out/shop-pos-30g.qcow2
    qemu-img resize -q -f qcow2 /out/shop-pos-30g.qcow2 30G
    cp --sparse=always /out/shop-pos.raw /out/shop-pos-30g.raw
    truncate -s 30G /out/shop-pos-30g.raw'
cd "$dir"
find . -maxdepth 1 -name 'shop-pos*' ! -name shop-pos-30g.raw -printf '%P\n' | LC_ALL=C sort |
  xargs sha256sum >SHA256SUMS
if [ -e "$image.manifest.yaml" ]; then
  for made in shop-pos*; do cp "$image.manifest.yaml" "$made.manifest.yaml"; done
fi
printf '%s\n%s\n' "$inputs" "$(listing)" >.formats
echo "vm: converted $(basename "$image") to seven others, $(du -sh "$dir" | cut -f1) on the disk" \
  "($((SECONDS - began)) s)"
