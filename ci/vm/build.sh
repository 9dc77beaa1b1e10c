#!/bin/bash
# build.sh DIR builds the customer's machine of the kernel drill and its upgrade, from Debian 12 packages and our own
# sources:
#
#   DIR/shop-pos.qcow2   the machine's disk as it is backed up, with a manifest and SHA256SUMS: kernel A, the service
#                        shop-pos, which signs orders by the device of the module vendordev, compiled for kernel A
#   DIR/kernel-b/        Debian's package of kernel B, upgrade.sh, which installs it, and SHA256SUMS
#   DIR/kernels          KERNEL_A=release and KERNEL_B=release
#
# Does nothing where DIR has them from these same inputs and whole; LIFEBOAT_REBUILD=1 builds all the same, which is how
# newer Debian packages get in. Needs the image of ci/images/qemu.sh.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
began=$SECONDS

inputs=$(cd "$here" && find {build,module,rootfs,customize,disk,kernel,upgrade}.sh grub.cfg guest module shop-pos \
  ../images/sources.sh -type f ! -name '*_test.go' -print0 |
  LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
current() {
  [ -z "${LIFEBOAT_REBUILD:-}" ] && [ "$(cat "$dir/.inputs" 2>/dev/null)" = "$inputs" ] &&
    (cd "$dir" && sha256sum --check --quiet SHA256SUMS && cd kernel-b && sha256sum --check --quiet SHA256SUMS) \
      >/dev/null 2>&1
}
if current; then
  echo "vm: the customer's machine in $1 is there already, digests checked ($((SECONDS - began)) s)"
  exit 0
fi
docker image inspect lifeboat/qemu:7.2 >/dev/null 2>&1 || {
  echo "vm: the image lifeboat/qemu:7.2 is missing; run ci/images/qemu.sh first" >&2
  exit 2
}

# For a user who is not root mmdebstrap's hooks run as another one: made is where they may write.
work=$(mktemp -d "$dir/.work.XXXXXX")
chmod 711 "$work"
mkdir -m 777 "$work/made"
cleanup() {
  for job in $(jobs -p); do kill "$job" 2>/dev/null || true; done
  wait
  rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT TERM
# Root's rights over files in it, for a user who is not root.
rights=()
[ "$(id -u)" = 0 ] || rights=(unshare --map-root-user --map-auto)

"$here/../images/sources.sh" >"$work/sources.list"
(cd "$here/shop-pos" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$work/shop-pos" .)
"$work/shop-pos" seed 500 'vendordev 1.4: licensed to Shop Ltd' >"$work/orders.ndjson"

# step NAME COMMAND…: shows the last lines of what went wrong.
step() {
  local name=$1
  shift
  "$@" >"$work/$name.log" 2>&1 || {
    tail -n 30 "$work/$name.log" >&2
    echo "vm: $name failed; its last lines are above" >&2
    return 1
  }
}
step module "$here/module.sh" "$work/sources.list" "$work/made" &
module=$!
step rootfs "$here/rootfs.sh" "$work/sources.list" "$work"
wait "$module"
mv "$work"/made/* "$work/"
packages=$SECONDS

consistent=$(date -u +%Y-%m-%dT%H:%M:%SZ)
step disk "${rights[@]}" "$here/disk.sh" "$work"
mkdir "$work/out"
step convert docker run --rm --network none --cap-drop ALL --user "$(id -u):$(id -g)" -v "$work:/disk" \
  lifeboat/qemu:7.2 qemu-img convert -q -c -m 8 -W -f raw -O qcow2 /disk/disk.raw /disk/out/shop-pos.qcow2

cd "$work/out"
printf 'consistent_to: %s\nconsistent_by: %s\n' "$consistent" \
  'the disk was made of the files as they were at that time' >shop-pos.qcow2.manifest.yaml
sha256sum shop-pos.qcow2 shop-pos.qcow2.manifest.yaml >SHA256SUMS
printf 'KERNEL_A=%s\nKERNEL_B=%s\n' "$(cat "$work/kernel-a")" "$(cat "$work/kernel-b/release")" >kernels
mkdir kernel-b
cp "$work"/kernel-b/*.deb "$here/upgrade.sh" kernel-b/
(cd kernel-b && sha256sum ./*.deb upgrade.sh >SHA256SUMS)

rm -rf "$dir/.inputs" "$dir/kernel-b"
mv -- * "$dir/"
echo "$inputs" >"$dir/.inputs"
. "$dir/kernels"
size=$(($(stat -c %s "$dir/shop-pos.qcow2") / 1000000))
echo "vm: built $1/shop-pos.qcow2, $size MB, kernel $KERNEL_A, upgrade to $KERNEL_B" \
  "(packages $((packages - began)) s, everything $((SECONDS - began)) s)"
