#!/bin/bash
# run.sh [PART…]: the benchmark: outage, starts, home, way, drill, restore, tools, profile, nights, vm; all of them without a name. Every part can be called
# by itself, too. Ratios are measured in one run, in turns; a machine that is busy with something else makes the
# absolute figures worse and the ratios noisier, so the load is printed with them. Takes about 35 minutes.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
parts=("$@")
[ $# -gt 0 ] || parts=(starts home way outage drill restore tools profile nights vm)
RESULTS=$(mktemp "${TMPDIR:-/var/tmp}/lifeboat-bench-results.XXXXXX")
export RESULTS
trap 'rm -f "$RESULTS"' EXIT
trap 'exit 130' INT TERM
load() { cut -d' ' -f1-3 /proc/loadavg; }
began=$SECONDS before=$(load) failed=()

for part in "${parts[@]}"; do
  echo "== $part (load $(load))"
  case $part in
    outage) (cd "$root" && go run ./ci/bench/outage -k6 "$root/bin/lifeboat-k6") || failed+=("$part") ;;
    starts | home | way | drill | restore | tools | profile | nights | vm) "$here/$part.sh" || failed+=("$part") ;;
    *)
      echo "bench: no part $part; there are outage, starts, home, way, drill, restore, tools, profile, nights and vm" >&2
      exit 2
      ;;
  esac
  echo
done

printf '%-53s %-50s %-11s %s\n' 'what' 'measured' 'target' 'held'
printf '%.0s-' {1..122}
echo
while IFS='|' read -r what measured target held; do
  printf '%-53s %-50s %-11s %s\n' "$what" "$measured" "$target" "$held"
done <"$RESULTS"
echo
echo "$(nproc) CPUs, load before $before, after $(load); $((SECONDS - began)) s in all"
echo "shown elsewhere: a killed harness (go test ./ci -run TestKilled), broken backups (go test ./drills/restore/...)"
[ ${#failed[@]} = 0 ] || {
  echo "bench: could not be measured: ${failed[*]}" >&2
  exit 1
}
