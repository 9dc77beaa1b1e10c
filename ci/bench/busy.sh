#!/bin/bash
# busy.sh: a busy host is never a bad backup. The demo runs beside processes that do nothing but burn the processors, so
# many times each, and so does a drill of the same scenario whose dump is cut off: the first must never be failed, the
# second always. BUSY_LOADS ("4:10 40:3") is a list of burners:runs. Prints a table; 1 where a verdict is wrong.
set -euo pipefail
. "$(dirname "$0")/common.sh"
loads=${BUSY_LOADS:-4:10 40:3}
most=7200 # seconds that a burner lives at most, whatever becomes of this script
burners=() wrong=0

quench() {
  for pid in "${burners[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${burners[@]}"; do wait "$pid" 2>/dev/null || true; done
  burners=()
}
trap 'quench; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
need lifeboat/postgres:15
[ -f "$demo/db-unreachable-after-upgrade.yaml" ] || { echo "bench: the demo is missing; run make demo-files first" >&2; exit 2; }

# The same folder, whose dump lacks its second half and whose digest is that of the rest.
truncated=$work/truncated
cp -a "$demo" "$truncated"
dump=$(ls "$truncated"/backups/shop-db/*.dump | tail -1)
truncate -s $(($(stat -c %s "$dump") / 2)) "$dump"
(cd "$(dirname "$dump")" && sed -i "/  $(basename "$dump")\$/d" SHA256SUMS && sha256sum "$(basename "$dump")" >>SHA256SUMS)

light() {
  for _ in $(seq "$1"); do
    timeout "$most" sh -c 'while :; do :; done' &
    burners+=($!)
  done
}

# one WHAT FOLDER WANTED…: a drill; its verdict must be one of those that are wanted.
one() {
  local what=$1 folder=$2 began=$SECONDS verdict ids
  shift 2
  "$lifeboat" drill --json --home "$work/home" "$folder/db-unreachable-after-upgrade.yaml" >"$work/out.json" 2>"$work/log" || true
  verdict=$(jq -r '.verdict // "none"' "$work/out.json" 2>/dev/null || echo none)
  ids=$(jq -r '[.reasons[]? | select(.status == "failed" or .status == "inconclusive") | .id] | unique | join(" ")' \
    "$work/out.json" 2>/dev/null || true)
  local right=NO
  for w in "$@"; do [ "$verdict" = "$w" ] && right=yes; done
  [ $right = yes ] || { wrong=$((wrong + 1)); jq -r '.reasons[]?.text' "$work/out.json" 2>/dev/null || tail -3 "$work/log"; } >&2
  printf '%-10s %-16s %4d s  %-13s %-4s %s\n' "$burning" "$what" $((SECONDS - began)) "$verdict" "$right" "$ids"
}

printf '%-10s %-16s %6s  %-13s %-4s %s\n' burners drill took verdict right reasons
for load in $loads; do
  burning=${load%%:*}
  light "$burning"
  for _ in $(seq "${load##*:}"); do
    one demo "$demo" passed inconclusive
    one 'truncated dump' "$truncated" failed
  done
  quench
done
echo "$(nproc) CPUs; $wrong wrong"
[ "$wrong" = 0 ]
