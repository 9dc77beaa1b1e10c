#!/bin/bash
# files.sh VM DIR makes DIR a folder in which virtual machines are drilled: the scenario, its flow, the backup and the
# upgrade, all by relative path. VM is what build.sh made. Files are linked where that is possible and copied where not.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# = 2 ] || { echo "usage: $0 VM DIR" >&2; exit 2; }
mkdir -p "$2/flows" "$2/backups/shop-pos" "$2/kernel-b"
# What an earlier state of the sources wrote.
rm -f "$2/kernel-module-conflict.yaml" "$2/flows/pos-order.js"
"$here/../../bin/lifeboat" new --from kernel-module-conflict "$2" >/dev/null
link() { cp --link --force "$1" "$2" 2>/dev/null || cp --force "$1" "$2"; }
for f in shop-pos.qcow2 shop-pos.qcow2.manifest.yaml SHA256SUMS; do link "$1/$f" "$2/backups/shop-pos/$f"; done
rm -f "$2"/kernel-b/*
for f in "$1"/kernel-b/*; do link "$f" "$2/kernel-b/$(basename "$f")"; done
