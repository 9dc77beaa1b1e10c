#!/bin/bash
# rootfs.sh SOURCES DIR: makes DIR/rootfs.tar, the file system of the customer's machine, from Debian 12 packages, the
# files under guest/ and what DIR holds: the program shop-pos and orders.ndjson. Downloads Debian's kernel 6.12 (B) to
# DIR/kernel-b, its release to DIR/kernel-b/release; it is not installed. SOURCES is a file of apt's "deb" lines.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$2
mkdir -m 777 "$dir/kernel-b" # a hook of mmdebstrap may run as another user

packages=(linux-image-cloud-amd64 systemd-sysv udev dbus libpam-systemd
  openssh-server qemu-guest-agent kmod initramfs-tools zstd grub2-common grub-pc-bin grub-efi-amd64-bin
  iproute2 procps login passwd less ca-certificates)

# The initramfs gets its compression before the kernel is installed and builds one. What makes the machine one that has
# been running, and not one that boots for the first time, is kept: its SSH host keys, its machine id.
mmdebstrap --variant=minbase --include="$(IFS=, && echo "${packages[*]}")" \
  --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/info/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --essential-hook="mkdir -p \"\$1/etc/initramfs-tools/conf.d\"" \
  --essential-hook="cp '$here/guest/etc/initramfs-tools/conf.d/compress' \"\$1/etc/initramfs-tools/conf.d/\"" \
  --customize-hook="'$here/kernel.sh' linux-image-6.12-cloud-amd64 '$dir/kernel-b' >'$dir/kernel-b/release'" \
  --customize-hook="'$here/customize.sh' \"\$1\" '$dir'" \
  bookworm "$dir/rootfs.tar" "$1"
