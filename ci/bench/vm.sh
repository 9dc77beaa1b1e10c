#!/bin/bash
# vm.sh: a check run of the customer's machine on a disk of 3 GiB and on one of 30 GiB (what was added is a hole), in
# turns: time from "start" to the first green answer of the business, with and without the digest's own pass, and
# lifeboat's memory. Then an overlay on the image against a full copy of it, in one run. BENCH_PAIRS (3) is how often.
set -euo pipefail
part=vm
. "$(dirname "$0")/common.sh"
pairs=${BENCH_PAIRS:-3}
trap 'remove_labelled; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
need lifeboat/qemu:7.2
folder=${DEMO_VM:-$root/build/demo-vm}
[ -f "$folder/kernel-module-conflict.yaml" ] || { echo "bench: $folder is missing; run make vm-files first" >&2; exit 2; }
"$root/ci/vm/formats.sh" "$root/build/vm/shop-pos.qcow2" "$root/build/vm/formats"

# A check run with the business alone: what comes before upgrade:, without objectives, and one check.
mkdir -p "$work/backups" "$work/flows"
cp "$root"/scenarios/library/flows/pos-order.js "$work/flows/"
sed -e '/^upgrade:/,$d' -e '/^objectives:/d' -e 's/^trigger: upgrade/trigger: none/' \
  -e "/restore: {kind: disk/a\\    consistent_to: $(date -u -d '1 hour ago' +%FT%TZ)" \
  "$folder/kernel-module-conflict.yaml" >"$work/check.yaml"
cat >>"$work/check.yaml" <<'END'
checks:
  business:
    - {kind: k6, name: "log in, order, read back", script: flows/pos-order.js, iterations: 1}
  excluded: {system: measured here is the time, service: measured here is the time, data: measured here is the time}
END
image_3() { echo "$root/build/vm/shop-pos.qcow2"; }
image_30() { echo "$root/build/vm/formats/shop-pos-30g.qcow2"; }

# check GIB TURN: one check run; prints the time to the first green answer and the digest's part of it, seconds.
check() {
  local home=$work/home.$1.$2
  mkdir -p "$work/backups"
  rm -rf "$work/backups/shop-pos"
  mkdir "$work/backups/shop-pos"
  cp --link "$(image_"$1")" "$work/backups/shop-pos/disk.qcow2" 2>/dev/null ||
    cp "$(image_"$1")" "$work/backups/shop-pos/disk.qcow2"
  "$stopwatch" -o "$work/line" "$lifeboat" drill --json --home "$home" "$work/check.yaml" >"$work/drill.json" || {
    echo "the check run by lifeboat: $(jq -r '.why // .error' "$work/drill.json" 2>/dev/null)" >&2
    return 1
  }
  jq -r '[([.checks[] | select(.layer == "business")] | sort_by(.ended_ns)[0].ended_ns),
    ([.restores[].verifying_ns // 0] | add)] | map(. / 1e9) | @tsv' "$home"/drills/*/record.json
}

threes=() thirties=() nets=() peaks=()
for turn in $(seq "$pairs"); do
  order=(3 30)
  if [ $((turn % 2)) = 0 ]; then order=(30 3); fi
  for gib in "${order[@]}"; do
    line=$(check "$gib" "$turn")
    read -r seconds digest <<<"$line"
    eval "$(cat "$work/line")"
    peaks+=("$peak_mib")
    printf 'turn %d: %2d GiB %7.2f s, of which digest %.2f s\n' "$turn" "$gib" "$seconds" "$digest"
    if [ "$gib" = 3 ]; then threes+=("$seconds"); else thirties+=("$seconds"); fi
    nets+=("$digest")
  done
done
a=$(median "${threes[@]}") b=$(median "${thirties[@]}")
ratio=$(calc "$b / $a")
figure "start to first green answer, 30 GiB ÷ 3 GiB" "$ratio ($b s ÷ $a s)" "0.8 to 1.2" \
  "$(holds "$ratio >= 0.8 && $ratio <= 1.2")"
figure "of which the digest's own pass" "$(median "${nets[@]}") s" "none" "-"
figure "memory of lifeboat during it, peak" "$(median "${peaks[@]}") MiB" "<= 64 MiB" \
  "$(holds "$(median "${peaks[@]}") <= 64")"

# An overlay on the raw image against a copy of it, both by the same container.
docker volume create "${labels[@]}" "lifeboat-bench-vm-$$" >/dev/null
times=$(docker run --rm "${labels[@]}" --network none -v "$root/build/vm/formats:/image:ro" -v "lifeboat-bench-vm-$$:/disk" \
  lifeboat/qemu:7.2 /bin/sh -euc '
    now() { date +%s.%N; }
    for turn in 1 2 3; do
      rm -f /disk/*
      a=$(now)
      qemu-img create -q -f qcow2 -F raw -b /image/shop-pos.raw /disk/overlay.qcow2
      b=$(now)
      cp --sparse=always /image/shop-pos.raw /disk/copy.raw
      c=$(now)
      echo "$a $b $c"
    done')
overlay=$(median $(awk '{ print $2 - $1 }' <<<"$times")) copy=$(median $(awk '{ print $3 - $2 }' <<<"$times"))
figure "an overlay against a full copy of the disk" "$overlay s against $copy s" "none" "-"
