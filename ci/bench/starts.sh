#!/bin/bash
# starts.sh [HOME]: how long any command takes to start, the median of ten, and the CPU time of one start, which a busy
# machine does not stretch.
set -euo pipefail
. "$(dirname "$0")/common.sh"
trap 'rm -rf "$work"' EXIT
home=${1:-$work/home} # a home with drills in it may be named

start() { # start WHAT COMMAND…
  local what=$1 seconds= user= system=
  shift
  "$stopwatch" -n 10 -o "$work/line" "$@" >/dev/null
  eval "$(cat "$work/line")"
  figure "$what" "$(printf '%.1f ms (%.1f ms of CPU)' "$(calc "$seconds * 1000")" "$(calc "($user + $system) * 100")")" "<= 50 ms" "$(holds "$seconds <= 0.050")"
}
start "start of lifeboat --version" "$lifeboat" --version
start "start of lifeboat history ($(find "$home/drills" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l) drills)" \
  "$lifeboat" --home "$home" history
