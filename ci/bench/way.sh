#!/bin/bash
# way.sh: the way into a sandbox: how long its seal takes, a connection into it, one by a process of its own as before
# there was a tunnel, a machine from its stop to its next answer, and the clean-up; beside them what the engine takes for the
# same by itself, in the same turns. Medians of nine machines, 20 dials each.
set -euo pipefail
. "$(dirname "$0")/common.sh"
trap 'rm -rf "$work"' EXIT
(cd "$root" && CGO_ENABLED=0 go test ./drills/instance/docker -run '^$' -bench '^Benchmark(Steps|CleanUp)$' -benchtime 9x) >"$work/out" || {
  cat "$work/out" >&2
  exit 1
}
# ms NAME: the median of one step.
ms() { awk -v unit="$1-ms" '{ for (i = 2; i <= NF; i++) if ($i == unit) print $(i - 1) }' "$work/out"; }
figure "seal of a sandbox" "$(ms seal) ms" "<= 250 ms" "$(holds "$(ms seal) <= 250")"
figure "what the engine takes to start one, unsealed" "$(ms "engine's-own-seal") ms" "-" "-"
figure "dial into a sandbox" "$(ms dial) ms" "<= 3 ms" "$(holds "$(ms dial) <= 3")"
figure "dial into a sandbox by a process of its own" "$(ms dial-by-process) ms" "-" "-"
figure "clean-up of two instances" "$(ms clean) ms" "<= 5000 ms" "$(holds "$(ms clean) <= 5000")"
figure "what the engine takes to remove them" "$(ms "engine's-own") ms" "-" "-"
figure "stop of a machine to its next answer" "$(ms restart-to-ready) ms" "-" "-"
