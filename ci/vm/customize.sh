#!/bin/bash
# customize.sh ROOT DIR, as a hook of mmdebstrap: makes the Debian system under ROOT the customer's machine "pos-1". DIR
# holds the program shop-pos and orders.ndjson.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$1

tar -C "$here/guest" --owner=0 --group=0 --mode=u=rwX,go=rX -cf - . | tar -C "$root" --no-overwrite-dir -xf -
# What Debian's installer writes for "targeted": an initramfs with the drivers of this machine only. It comes after the
# one for kernel A was built, which found no machine here and therefore has them all.
printf 'MODULES=dep\n' >"$root/etc/initramfs-tools/conf.d/driver-policy"

chroot "$root" useradd --system --no-create-home --shell /usr/sbin/nologin shop-pos
chroot "$root" useradd --create-home --gid operator --shell /bin/bash operator
printf 'root:pos-demo-root\noperator:pos-demo-operator\n' | chroot "$root" chpasswd

install -m 755 "$2/shop-pos" "$root/usr/local/bin/shop-pos"
chroot "$root" install -d -o shop-pos -g shop-pos -m 750 /var/lib/shop-pos
install -m 640 "$2/orders.ndjson" "$root/var/lib/shop-pos/orders.ndjson"
chroot "$root" chown shop-pos:shop-pos /var/lib/shop-pos/orders.ndjson

chroot "$root" systemctl --quiet enable systemd-networkd shop-pos.service shop-report.timer
# Nothing here waits for the network, is on LVM, or is updated behind the drill's back.
chroot "$root" systemctl --quiet disable systemd-networkd-wait-online.service e2scrub_reap.service e2scrub_all.timer \
  apt-daily.timer apt-daily-upgrade.timer
rm -f "$root/etc/machine-id"
chroot "$root" systemd-machine-id-setup >/dev/null
