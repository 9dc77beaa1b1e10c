#!/bin/bash
# hostile.sh IMAGE DIR makes disk images that must not be restored, each bad in one way, of IMAGE
# (build/vm/shop-pos.qcow2) or of nothing:
#
#   text.qcow2              a text file
#   truncated.qcow2         the first half of IMAGE
#   backing-shadow.qcow2    has the backing file /etc/shadow
#   backing-missing.qcow2   has a backing file that is not there
#   data-file.qcow2         keeps its data in /etc/shadow
#   ten-tebibytes.qcow2     a virtual size of 10 TiB
#   encrypted.qcow2         encrypted (LUKS); the passphrase is lost
#   aarch64.raw             a disk (GPT) that boots on 64-bit ARM only
#   no-fallback.raw         a disk (GPT) that boots by an entry in the variables of its machine's UEFI only
#   luks.raw                a disk (GPT) whose second partition is encrypted (LUKS)
#   split.vmdk              the description of a VMDK; its data are in other files
#   forged.raw              a raw disk whose guest wrote a qcow2 header with the backing file /etc/shadow over its start
#
# Does nothing where DIR has them of this same image. Needs the image of ci/images/qemu.sh.
set -euo pipefail
[ $# = 2 ] || { echo "usage: $0 IMAGE DIR" >&2; exit 2; }
began=$SECONDS
PATH=$PATH:/usr/sbin:/sbin
image=$(realpath "$1")
mkdir -p "$2"
dir=$(cd "$2" && pwd)

inputs=$({ cat "$0" && stat -c '%s %Y' "$image"; } | sha256sum | cut -d' ' -f1)
if [ "$(cat "$dir/.hostile" 2>/dev/null)" = "$inputs" ]; then
  echo "vm: the hostile images in $2 are there already ($((SECONDS - began)) s)"
  exit 0
fi
rm -f "$dir/.hostile" "$dir"/*.{qcow2,raw,vmdk}

# What a qcow2 names is not looked at when it is made without its size being asked for (-u). A data file is: it is made
# under a name of the same length, which is then changed in the header.
docker run --rm --network none --cap-drop ALL --user "$(id -u):$(id -g)" -v "$dir:/out" lifeboat/qemu:7.2 /bin/sh -euc '
  create() { qemu-img create -q -f qcow2 "$@"; }
  create -u -F raw -b /etc/shadow /out/backing-shadow.qcow2 1G
  create -u -F qcow2 -b /backup/full-of-last-week.qcow2 /out/backing-missing.qcow2 1G
  create -o data_file=/out/shadow,data_file_raw=on /out/data-file.qcow2 1G
  create /out/ten-tebibytes.qcow2 10T
  qemu-img create -q -f vmdk -o subformat=twoGbMaxExtentFlat /out/split.vmdk 3G
  # QEMU times its key derivation by the processor time that its thread was charged with; now and then that reads as none
  # ("Unable to get accurate CPU usage").
  made=
  for try in 1 2 3 4 5 6 7 8 9 10; do
    create --object secret,id=lost,data="$(head -c 24 /dev/urandom | base64)" \
      -o encrypt.format=luks,encrypt.key-secret=lost,encrypt.iter-time=10 /out/encrypted.qcow2 1G && made=1 && break
  done
  [ -n "$made" ]'
rm "$dir/shadow" "$dir"/split-f*.vmdk
LC_ALL=C sed -i 's|/out/shadow|/etc/shadow|g' "$dir/data-file.qcow2"

for day in $(seq 200); do echo "day $day: the backup was put on the other disk"; done >"$dir/text.qcow2"
head -c $(($(stat -c %s "$image") / 2)) "$image" >"$dir/truncated.qcow2"
cp "$dir/backing-shadow.qcow2" "$dir/forged.raw"
truncate -s 64M "$dir/forged.raw"

# An EFI program is a PE file; its machine, after the four bytes "PE", is 0xaa64 for 64-bit ARM (PE format, "Machine
# Types"). Nothing follows: no firmware of an x86 machine looks for this name.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export MTOOLSRC=/dev/null
{ printf 'MZ' && head -c 58 /dev/zero && printf '\x40\0\0\0PE\0\0\x64\xaa' && head -c 512 /dev/zero; } >"$work/loader"
uefi() { # uefi DISK FOLDER LOADER
  rm -f "$work/esp"
  mkfs.vfat -F 16 -n ESP -C "$work/esp" 32768 >/dev/null
  mmd -i "$work/esp" ::/EFI "::/EFI/$2"
  mcopy -i "$work/esp" "$work/loader" "::/EFI/$2/$3"
  truncate -s 64M "$dir/$1"
  printf 'label: gpt\nstart=2048,size=65536,type=uefi\nsize=8192\n' | sfdisk --quiet "$dir/$1"
  dd if="$work/esp" of="$dir/$1" bs=1M seek=1 conv=notrunc,sparse status=none
}
uefi aarch64.raw BOOT BOOTAA64.EFI
uefi no-fallback.raw debian shimx64.efi
uefi luks.raw BOOT BOOTX64.EFI
printf 'LUKS\xba\xbe\x00\x02' | dd of="$dir/luks.raw" bs=512 seek=67584 conv=notrunc status=none

echo "$inputs" >"$dir/.hostile"
echo "vm: made twelve hostile images, $(du -sh "$dir" | cut -f1) on the disk ($((SECONDS - began)) s)"
