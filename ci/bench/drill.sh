#!/bin/bash
# drill.sh: the whole drill db-unreachable-after-upgrade by lifeboat ÷ the same steps typed by hand (by-hand.sh), in
# turns, on the same images and backups. BENCH_PAIRS (3) is how many pairs. Printed with and without the waits that the
# scenario fixes, which are the same for both and cannot be hurried: 5 s of green baseline, 3 s until the rule fires, 2 s
# of decision, 15 s of staying green.
set -euo pipefail
. "$(dirname "$0")/common.sh"
pairs=${BENCH_PAIRS:-3}
waits=25
trap 'remove_labelled; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
need lifeboat/postgres:15
scenario=$demo/db-unreachable-after-upgrade.yaml
[ -f "$scenario" ] || { echo "bench: $scenario is missing; run make demo-files first" >&2; exit 2; }

export K6_IMAGE=lifeboat-bench/k6:$$ DEMO=$demo
tar -C "$root/bin" -cf - lifeboat-k6 | docker import --change 'ENTRYPOINT ["/lifeboat-k6"]' \
  --change 'LABEL lifeboat.bench=1' --change "LABEL $mine" - "$K6_IMAGE" >/dev/null

# lifeboat's phases, from the record that it wrote itself.
phases() {
  jq -r 'select(.kind == "phase" and .data.outcome != null) | "\(.elapsed_ns) \(.data.phase)"' "$1" 2>/dev/null |
    awk '{ printf "  lifeboat %-9s %7.2f s\n", $2, ($1 - last) / 1e9; last = $1 }' || true
}

by_lifeboat() {
  local home=$work/home.$1
  "$stopwatch" -o "$work/line" "$lifeboat" drill --json --home "$home" "$scenario" >"$work/drill.json" || {
    echo "the drill by lifeboat: $(jq -r '.why // .error' "$work/drill.json" 2>/dev/null)" >&2
    return 1
  }
  phases "$home"/drills/*/journal.ndjson
}
by_hand() { "$stopwatch" -o "$work/line" "$root/ci/bench/by-hand.sh"; }

# A pair counts when both passed: where the machine is so busy that the shop does not answer within its second, neither
# way shows what it costs. Twice as many are tried at most.
lifeboats=() hands=() peaks=() try=0
while [ ${#hands[@]} -lt "$pairs" ]; do
  try=$((try + 1))
  [ "$try" -le $((2 * pairs)) ] || { echo "bench: too few pairs passed; is the machine busy?" >&2; exit 1; }
  order=(by_lifeboat by_hand)
  if [ $((try % 2)) = 0 ]; then order=(by_hand by_lifeboat); fi
  took=() peak=
  for how in "${order[@]}"; do
    seconds= peak_mib=
    $how "$try" || break
    eval "$(cat "$work/line")"
    took+=("$seconds")
    if [ "$how" = by_lifeboat ]; then peak=$peak_mib; fi
    printf 'pair %d: %-12s %7.2f s\n' "$try" "$how" "$seconds"
  done
  [ ${#took[@]} = 2 ] || continue
  if [ "${order[0]}" = by_hand ]; then took=("${took[1]}" "${took[0]}"); fi
  lifeboats+=("${took[0]}") hands+=("${took[1]}") peaks+=("$peak")
done

l=$(median "${lifeboats[@]}") h=$(median "${hands[@]}")
ratio=$(calc "$l / $h") net=$(calc "($l - $waits) / ($h - $waits)")
figure "drill by lifeboat ÷ by hand, $pairs pairs" "$ratio ($l s ÷ $h s)" "<= 1.05" "$(holds "$ratio <= 1.05")"
bl=$(best "${lifeboats[@]}") bh=$(best "${hands[@]}")
figure "the same, the best of each" "$(calc "$bl / $bh") ($bl s ÷ $bh s)" "<= 1.05" "$(holds "$bl / $bh <= 1.05")"
figure "the same without $waits s of fixed waits" "$net, best $(calc "($bl - $waits) / ($bh - $waits)")" "none" "-"
figure "memory of lifeboat during a drill, peak" "$(median "${peaks[@]}") MiB" "<= 64 MiB" \
  "$(holds "$(median "${peaks[@]}") <= 64")"
