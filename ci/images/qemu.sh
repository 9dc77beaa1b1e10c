#!/bin/bash
# Builds lifeboat/qemu:7.2 from Debian 12 packages: QEMU for x86 machines, qemu-img, the firmware for BIOS and UEFI, and
# in /usr/share/lifeboat/probe the guest (vmlinuz, initrd) that shows whether an accelerator works: it prints
# "lifeboat: ready" on the serial console and powers off.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
vm=$here/../vm
names=(lifeboat/qemu:7.2)
files=("$here/qemu.sh" "$vm/kernel.sh" "$vm/probe/main.go")
. "$here/rootfs.sh"
there_already
begin
# For a user who is not root mmdebstrap's hooks run as another one: probe is where they may write.
chmod 711 "$work"
mkdir -m 777 "$work/probe"

# The initramfs is one file in cpio's "newc" form (Documentation/driver-api/early-userspace/buffer-format.rst of the
# kernel): a header of 110 bytes in hexadecimal, the name, the content, each padded to four bytes. /dev/console is in
# the initramfs that is part of every kernel.
(cd "$vm/probe" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$work/init" .)
entry() { # entry NAME MODE FILE
  local size
  size=$(stat -Lc %s "$3")
  printf '070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x' 0 "$2" 0 0 1 0 "$size" 0 0 0 0 $((${#1} + 1)) 0
  printf '%s\0' "$1" && head -c $(((4 - (110 + ${#1} + 1) % 4) % 4)) /dev/zero
  cat "$3" && head -c $(((4 - size % 4) % 4)) /dev/zero
}
{ entry init $((8#100755)) "$work/init" && entry 'TRAILER!!!' 0 /dev/null; } >"$work/probe/initrd"

# What stays out: QEMU's programs and ROMs for other machines. usr-is-merged with the hook stands in for usrmerge, which
# would bring all of perl (50 MB) along.
unneeded=(/usr/share/{icons,iso-codes,xml}/'*' /usr/lib/'*'/gconv/'*'
  /usr/bin/qemu-system-{i386,x86_64-microvm}
  /usr/share/qemu/{skiboot,slof,vof,openbios,opensbi,s390,hppa,palcode,npcm7xx,QEMU}'*' /usr/share/qemu/'*'.dtb)
root_of usr-is-merged qemu-system-x86 qemu-utils ovmf seabios dash coreutils -- "${unneeded[@]/#/--dpkgopt=path-exclude=}" \
  --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
  --customize-hook="'$vm/kernel.sh' linux-image-cloud-amd64 '$work/probe' >'$work/probe/release'" \
  --customize-hook="dpkg-deb --fsys-tarfile '$work'/probe/*.deb | tar -xO --wildcards './boot/vmlinuz-*' \
    >'$work/probe/vmlinuz'" \
  --customize-hook="install -D -m 644 -t \"\$1/usr/share/lifeboat/probe\" '$work/probe/vmlinuz' '$work/probe/initrd'"

image "${names[0]}" "$path" '"Cmd":["/bin/sh"],"WorkingDir":"/"'
load ", probe kernel $(cat "$work/probe/release")"
