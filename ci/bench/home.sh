#!/bin/bash
# home.sh: what a drill's start costs in a home of 10,000 drills against an empty one.
set -euo pipefail
. "$(dirname "$0")/common.sh"
trap 'rm -rf "$work"' EXIT
(cd "$root" && CGO_ENABLED=0 TMPDIR=$work go test -vet=off ./drills -run '^$' -bench '^BenchmarkStart$' -count 3) | tee "$work/out"
took() { best $(awk -v name="/drills=$1(-[0-9]+)?\$" '$1 ~ name { print $3 }' "$work/out"); }
empty=$(took 0) full=$(took 10000)
figure "a drill's start in a home of 10,000 / an empty one" \
  "$(printf '%.2f (%.1f ms, %.1f ms)' "$(calc "$full / $empty")" "$(calc "$full / 1000000")" "$(calc "$empty / 1000000")")" \
  "<= 1.2" "$(holds "$full <= 1.2 * $empty")"
