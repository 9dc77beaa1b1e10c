#!/bin/bash
# make audit-demo: a quarter is replayed out of the journals of ci/vectors, signed and exported, and verified in another folder by somebody who has a public key and nothing else.
set -euo pipefail
lifeboat=$PWD/bin/lifeboat dir=$(realpath -m "${1:-build/audit-demo}")
rm -rf "$dir"
mkdir -p "$dir/auditor"
keys=$(mktemp -d)
trap 'rm -rf "$keys"' EXIT
go run ./ci/replay/quarter ci/vectors "$dir/home" 2026-07-01
export LIFEBOAT_HOME=$dir/home
"$lifeboat" audit keygen "$keys/ops" --comment operations
"$lifeboat" audit checkpoint --key "$keys/ops" >"$dir/auditor/checkpoint"
for d in "$LIFEBOAT_HOME"/drills/*; do "$lifeboat" audit sign "$(basename "$d")" --key "$keys/ops" >/dev/null; done
"$lifeboat" audit export --from 2026-07-01 --to 2026-09-30 --key "$keys/ops" --out "$dir/auditor/2026-q3.tar.gz"
cp "$keys/ops.pub" "$dir/auditor/"
cd "$dir/auditor"
export LIFEBOAT_HOME=/nonexistent TZ=UTC
"$lifeboat" audit verify 2026-q3.tar.gz --trust ops.pub --checkpoint checkpoint --format html >page.html
"$lifeboat" audit verify 2026-q3.tar.gz --trust ops.pub --checkpoint checkpoint --lang zh --format html >page.zh.html
"$lifeboat" audit verify 2026-q3.tar.gz --trust ops.pub --checkpoint checkpoint
