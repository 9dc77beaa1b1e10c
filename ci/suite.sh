#!/bin/bash
# Runs one suite of tests and remembers its seconds and those of its packages; prints what is remembered.
#
#   suite.sh NAME COMMAND…   runs go test or a shell that does; ends as it ends, and prints the table when it fails
#   suite.sh --print         prints the table of all suites since --begin
#   suite.sh --begin         forgets what is remembered
#
# Suites may run side by side: what they took in all is counted by the clock.
set -euo pipefail
times=build/seconds.txt
mkdir -p build

# A package that took less than a second is one of "the rest". What a cached result took was spent in an earlier run.
print() {
  awk -F'\t' '
    function rest() { if (others) printf "  %7.1f  %d more packages\n", spent, others; others = spent = 0 }
    BEGIN { print "seconds" }
    $1 == "suite" { rest(); printf "%7.1f    %s%s\n", $3, $2, $4; if ($5 > end) end = $5; next }
    $1 == "begin" { begun = $2; next }
    $3 < 1 { others++; spent += $3; next }
    { printf "  %7.1f  %s\n", $3, $2 }
    END { rest(); printf "%7.1f    in all\n", end - begun }' "$times"
}

case "$1" in
--begin) printf 'begin\t%s\n' "$(date +%s.%N)" >"$times"; exit ;;
--print) print; exit ;;
esac

name=$1
shift
began=$(date +%s.%N)
said=$(mktemp)
trap 'rm -f "$said"' EXIT
code=0
"$@" 2>&1 | tee "$said" || code=$?
failed=
[ "$code" = 0 ] || failed=", failed"
took=$(
  awk -v began="$began" -v now="$(date +%s.%N)" -v name="$name" -v failed="$failed" \
    'BEGIN { printf "suite\t%s\t%.1f\t%s\t%s\n", name, now - began, failed, now }'
  awk -F'\t' '($1 ~ /^ok/ || $1 == "FAIL") && $3 ~ /^[0-9.]+s/ { sub(/s.*/, "", $3); printf "package\t%s\t%s\n", $2, $3 }' "$said" |
    sort -t$'\t' -k3,3 -rn
)
printf '%s\n' "$took" >>"$times" # in one piece, since others write there, too
[ "$code" = 0 ] || print
exit "$code"
