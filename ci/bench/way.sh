#!/bin/bash
# way.sh: the way into a sandbox: how long its seal takes, and for how much of that the boots of real proofs waited; a connection
# into it, one by a process of its own as before there was a tunnel, a machine from its stop to its next answer, and the clean-up;
# beside them what the engine takes for the same by itself, in the same turns. Medians of nine machines, 20 dials each; of BENCH_PROOFS
# (5) proofs of the demo's backup, and as many of a lone dump of which nothing has to be looked at before it boots: there the most is left to wait for.
set -euo pipefail
. "$(dirname "$0")/common.sh"
trap 'rm -rf "$work"' EXIT
need lifeboat/postgres:15
[ -f "$demo/backup-with-config.yaml" ] || { echo "bench: $demo is missing; run make demo-files first" >&2; exit 2; }
(cd "$root" && CGO_ENABLED=0 go test ./drills/instance/docker -run '^$' -bench '^Benchmark(Steps|CleanUp)$' -benchtime 9x) >"$work/out" || {
  cat "$work/out" >&2
  exit 1
}
# ms NAME: the median of one step.
ms() { awk -v unit="$1-ms" '{ for (i = 2; i <= NF; i++) if ($i == unit) print $(i - 1) }' "$work/out"; }
# waits WHAT SCENARIO: for how long its boots waited for a sealed sandbox, by their journals.
waits() {
  local run all
  for run in $(seq "${BENCH_PROOFS:-5}"); do
    "$lifeboat" drill --json --home "$work/home.$1" "$2" >"$work/drill.json" || {
      echo "the proof of $2: $(jq -r '.why // .error' "$work/drill.json")" >&2
      exit 1
    }
  done
  all=$(cat "$work/home.$1"/drills/*/journal.ndjson | jq -r 'select(.kind == "instance.booted") | .data.seal_wait_ns / 1e6 | round')
  middle=$(median $all) worst=$(printf '%s\n' $all | sort -n | tail -n 1)
}
cat >"$work/lone.yaml" <<END
scenario: lone
trigger: none
objectives: {age: 100000h}
backups:
  lone: {store: {kind: dir, path: $demo/backups/shop-db}, restore: {kind: postgres, database: shop}, timezone: UTC}
instances:
  db: {kind: docker, image: "lifeboat/postgres:15", load: lone, env: {POSTGRES_PASSWORD: bench}, data: [/var/lib/postgresql/data], ready: {tcp: 5432}}
checks:
  service: [{kind: tcp, to: "db:5432"}]
  excluded: {system: what is measured is the boot, data: the same, business: the same}
END
middle= worst=
figure "seal of a sandbox" "$(ms seal) ms" "-" "-"
waits demo "$demo/backup-with-config.yaml"
figure "what a boot waits for it, the demo's backup" "$middle ms, at most $worst ms" "<= 250 ms" "$(holds "$middle <= 250")"
waits lone "$work/lone.yaml"
figure "what a boot waits for it, a lone dump" "$middle ms, at most $worst ms" "<= 250 ms" "$(holds "$middle <= 250")"
figure "what the engine takes to start one, unsealed" "$(ms "engine's-own-seal") ms" "-" "-"
figure "dial into a sandbox" "$(ms dial) ms" "<= 3 ms" "$(holds "$(ms dial) <= 3")"
figure "dial into a sandbox by a process of its own" "$(ms dial-by-process) ms" "-" "-"
figure "clean-up of two instances" "$(ms clean) ms" "<= 5000 ms" "$(holds "$(ms clean) <= 5000")"
figure "what the engine takes to remove them" "$(ms "engine's-own") ms" "-" "-"
figure "stop of a machine to its next answer" "$(ms restart-to-ready) ms" "-" "-"
