#!/bin/bash
# make audit-demo: a quarter is replayed out of the journals of ci/vectors, signed and exported, and verified in another folder by somebody who has public keys and nothing else.
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
"$lifeboat" audit keygen "$keys/zhao" --comment 'Zhao Min'
bad=$("$lifeboat" history --json | python3 -c 'import json,sys; print(next(d["drill"] for d in map(json.loads, sys.stdin) if d["verdict"] == "failed"))')
"$lifeboat" audit addendum finding "$bad" --role reviewer --key "$keys/zhao" --severity high --owner storage --due 2027-01-31 --text 'The image lacks its configuration files'
"$lifeboat" audit addendum sign-off "$bad" --role reviewer --key "$keys/zhao"
"$lifeboat" audit export --from 2026-07-01 --to 2026-09-30 --key "$keys/ops" --out "$dir/auditor/2026-q3.tar.gz"
cat >"$dir/auditor/trust.yaml" <<YAML
keys:
  - {name: operations, public: "$(cat "$keys/ops.pub")", roles: [log, operator]}
  - {name: Zhao Min, public: "$(cat "$keys/zhao.pub")", roles: [reviewer]}
require: {operator: 1}
YAML
cd "$dir/auditor"
export LIFEBOAT_HOME=/nonexistent TZ=UTC
"$lifeboat" audit verify 2026-q3.tar.gz --trust trust.yaml --checkpoint checkpoint --format html >page.html
"$lifeboat" audit verify 2026-q3.tar.gz --trust trust.yaml --checkpoint checkpoint --lang zh --format html >page.zh.html
"$lifeboat" audit verify 2026-q3.tar.gz --trust trust.yaml --checkpoint checkpoint
