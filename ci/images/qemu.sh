#!/bin/bash
# Builds lifeboat/qemu:7.2 from Debian 12 packages: QEMU for x86 machines, qemu-img, the firmware for BIOS and UEFI, and
# in /usr/share/lifeboat/probe the guest (vmlinuz, initrd) that shows whether an accelerator works: it prints
# "lifeboat: ready" on the serial console and powers off. Does nothing where the image exists and was made from these
# same inputs; LIFEBOAT_REBUILD=1 builds all the same, which is how newer Debian packages get in.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
vm=$here/../vm
began=$SECONDS
name=lifeboat/qemu:7.2

packages=(usr-is-merged qemu-system-x86 qemu-utils ovmf seabios dash coreutils)
inputs=$(cat "$here/qemu.sh" "$here/sources.sh" "$vm/kernel.sh" "$vm/probe/main.go" | sha256sum | cut -d' ' -f1)

made_from=$(docker image inspect --format '{{index .Config.Labels "lifeboat.inputs"}}' "$name" 2>/dev/null) || true
if [ -z "${LIFEBOAT_REBUILD:-}" ] && [ "$made_from" = "$inputs" ]; then
  echo "images: $name is there already ($((SECONDS - began)) s)"
  exit 0
fi
command -v mmdebstrap >/dev/null || {
  echo "images: mmdebstrap is missing; run ci/images/install.sh first" >&2
  exit 2
}

work=$(mktemp -d "${TMPDIR:-/var/tmp}/lifeboat-image.XXXXXX")
trap 'rm -rf "$work"' EXIT
# For a user who is not root mmdebstrap's hooks run as another one: probe is where they may write.
chmod 711 "$work"
mkdir "$work/image"
mkdir -m 777 "$work/probe"
"$here/sources.sh" >"$work/sources.list"

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

# What stays out: documentation, and QEMU's programs and ROMs for other machines. usr-is-merged with the hook stands in
# for usrmerge, which would bring all of perl (50 MB) along.
unneeded=(/usr/share/{doc,man,info,locale,icons,iso-codes,xml}/'*' /usr/lib/'*'/gconv/'*'
  /usr/bin/qemu-system-{i386,x86_64-microvm}
  /usr/share/qemu/{skiboot,slof,vof,openbios,opensbi,s390,hppa,palcode,npcm7xx,QEMU}'*' /usr/share/qemu/'*'.dtb)
exclude=("${unneeded[@]/#/--dpkgopt=path-exclude=}" '--dpkgopt=path-include=/usr/share/doc/*/copyright')
mmdebstrap --variant=essential --include="$(IFS=, && echo "${packages[*]}")" \
  --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
  --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr "${exclude[@]}" \
  --customize-hook="'$vm/kernel.sh' linux-image-cloud-amd64 '$work/probe' >'$work/probe/release'" \
  --customize-hook="dpkg-deb --fsys-tarfile '$work'/probe/*.deb | tar -xO --wildcards './boot/vmlinuz-*' \
    >'$work/probe/vmlinuz'" \
  --customize-hook="install -D -m 644 -t \"\$1/usr/share/lifeboat/probe\" '$work/probe/vmlinuz' '$work/probe/initrd'" \
  --customize-hook='rm -rf "$1"/var/cache/debconf/*-old "$1"/var/log/* "$1"/etc/hostname "$1"/etc/resolv.conf' \
  bookworm "$work/image/layer.tar" "$work/sources.list" >"$work/log" 2>&1 || {
  tail -n 30 "$work/log" >&2
  echo "images: mmdebstrap could not build the root file system; its last lines are above" >&2
  exit 1
}
built=$SECONDS

now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
layer=$(sha256sum "$work/image/layer.tar" | cut -d' ' -f1)
cat >"$work/config" <<END
{"architecture":"$(dpkg --print-architecture)","os":"linux","created":"$now",
 "history":[{"created":"$now","created_by":"ci/images/qemu.sh"}],
 "config":{"Env":["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin","LANG=C.UTF-8"],
  "Labels":{"lifeboat.inputs":"$inputs"},"Cmd":["/bin/sh"],"WorkingDir":"/"},
 "rootfs":{"type":"layers","diff_ids":["sha256:$layer"]}}
END
config=$(sha256sum "$work/config" | cut -d' ' -f1).json
mv "$work/config" "$work/image/$config"
echo "[{\"Config\":\"$config\",\"RepoTags\":[\"$name\"],\"Layers\":[\"layer.tar\"]}]" >"$work/image/manifest.json"
before=$(docker image inspect --format '{{.Id}}' "$name" 2>/dev/null) || true
tar -C "$work/image" -cf - . | docker load --quiet >/dev/null
# What the name pointed to before would stay behind without a name; where it is in use it may.
if [ -n "$before" ]; then docker image rm "$before" >/dev/null 2>&1 || true; fi
echo "images: built $name (packages $((built - began)) s, import $((SECONDS - built)) s," \
  "$(($(stat -c %s "$work/image/layer.tar") / 1000000)) MB, probe kernel $(cat "$work/probe/release"))"
