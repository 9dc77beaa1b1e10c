#!/bin/bash
# disk.sh DIR: makes DIR/disk.raw, 3 GiB, sparse, bootable by BIOS and UEFI, of DIR/rootfs.tar, DIR/vendordev.ko and
# DIR/kernel-a. Needs neither loop devices nor mounts; needs root's rights over the files that it unpacks, as root or
# in a user namespace.
#
#   sector 0         boot code and partition table (MBR)
#   sector 1         GRUB's core image for BIOS, up to 1 MiB
#   sector 2048      EFI system partition, FAT16, 32 MiB, GRUB as \EFI\BOOT\BOOTX64.EFI
#   sector 67584     / as ext4, label "root"
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$1 disk=$1/disk.raw root=$1/root
export MTOOLSRC=/dev/null MTOOLS_SKIP_CHECK=1
mebibytes=3072 sector=512
esp=2048 esp_sectors=65536
main=$((esp + esp_sectors)) main_sectors=$((mebibytes * 2048 - esp - esp_sectors))
uuid=$(cat /proc/sys/kernel/random/uuid)
kernel=$(cat "$dir/kernel-a")

# The kernel fills /dev; only the first root could make its nodes here.
mkdir "$root"
tar -C "$root" --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*' -xf "$dir/rootfs.tar"
if [ ! -e "$root/boot/vmlinuz-$kernel" ]; then
  echo "vm: the module was built for $kernel and the guest has $(ls "$root/lib/modules")" >&2
  exit 1
fi
install -D -m 644 "$dir/vendordev.ko" "$root/lib/modules/$kernel/updates/vendor/vendordev.ko"
chroot "$root" depmod "$kernel"

# The guest's own GRUB makes its images. early.cfg finds the file system wherever firmware puts the disk.
grub=$root/boot/grub
mkdir -p "$grub"/{i386-pc,x86_64-efi} "$root/tmp/grub"
cp "$root"/usr/lib/grub/i386-pc/*.{mod,lst} "$grub/i386-pc/"
cp "$root"/usr/lib/grub/x86_64-efi/*.{mod,lst} "$grub/x86_64-efi/"
printf 'search --no-floppy --fs-uuid --set=root %s\nset prefix=($root)/boot/grub\n' "$uuid" >"$root/tmp/grub/early.cfg"
image() { # image FORMAT FILE MODULE…
  local format=$1 file=$2
  shift 2
  chroot "$root" grub-mkimage -O "$format" -c /tmp/grub/early.cfg -p /boot/grub -o "/tmp/grub/$file" \
    part_msdos ext2 search search_fs_uuid normal "$@"
  mv "$root/tmp/grub/$file" "$dir/"
}
image i386-pc core.img biosdisk
image x86_64-efi bootx64.efi fat
cp "$root/usr/lib/grub/i386-pc/boot.img" "$dir/"
rm -r "$root/tmp/grub"
sed "s/@UUID@/$uuid/g; s/@KERNEL@/$kernel/g" "$here/grub.cfg" >"$grub/grub.cfg"
chroot "$root" grub-editenv /boot/grub/grubenv create

# GRUB 2.06 reads neither a checksum seed of its own nor orphan files.
truncate -s "${mebibytes}M" "$disk"
sfdisk --quiet "$disk" <<END
label: dos
start=$esp,size=$esp_sectors,type=ef
start=$main,size=$main_sectors,type=83,bootable
END
mke2fs -q -t ext4 -O ^metadata_csum_seed,^orphan_file -E "offset=$((main * sector)),root_owner=0:0" -U "$uuid" -L root \
  -d "$root" "$disk" $((main_sectors / 2))k
mkfs.vfat -F 16 -n ESP --offset "$esp" "$disk" $((esp_sectors / 2)) >/dev/null
mmd -i "$disk@@$((esp * sector))" ::/EFI ::/EFI/BOOT
mcopy -i "$disk@@$((esp * sector))" "$dir/bootx64.efi" ::/EFI/BOOT/BOOTX64.EFI
if [ "$(stat -c %s "$dir/core.img")" -gt $(((esp - 1) * sector)) ]; then
  echo "vm: GRUB's core image does not fit in front of the first partition" >&2
  exit 1
fi
# 440 bytes of boot code; the partition table follows. The core image knows that it continues at sector 2.
dd if="$dir/boot.img" of="$disk" bs=440 count=1 conv=notrunc status=none
dd if="$dir/core.img" of="$disk" bs="$sector" seek=1 conv=notrunc status=none
rm -rf "$root"
