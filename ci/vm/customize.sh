#!/bin/bash
# customize.sh ROOT DIR, as a hook of mmdebstrap: makes the Debian system under ROOT the customer's machine "pos-1". DIR
# holds the program shop-pos and orders.ndjson.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$1

tar -C "$here/guest" --owner=0 --group=0 --mode=u=rwX,go=rX -cf - . | tar -C "$root" --no-overwrite-dir -xf -
chroot "$root" useradd --system --no-create-home --shell /usr/sbin/nologin shop-pos
chroot "$root" useradd --create-home --gid operator --shell /bin/bash operator
printf 'root:pos-demo-root\noperator:pos-demo-operator\n' | chroot "$root" chpasswd

install -m 755 "$2/shop-pos" "$root/usr/local/bin/shop-pos"
chroot "$root" install -d -o shop-pos -g shop-pos -m 750 /var/lib/shop-pos
install -m 640 "$2/orders.ndjson" "$root/var/lib/shop-pos/orders.ndjson"
chroot "$root" chown shop-pos:shop-pos /var/lib/shop-pos/orders.ndjson

chroot "$root" systemctl --quiet enable systemd-networkd shop-pos.service shop-report.timer
# Nothing here asks for the network to be "online", and no updates happen behind the drill's back.
chroot "$root" systemctl --quiet disable systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer
rm -f "$root/etc/resolv.conf" "$root/etc/machine-id"
ln -s ../run/systemd/resolve/stub-resolv.conf "$root/etc/resolv.conf"
chroot "$root" systemd-machine-id-setup >/dev/null
