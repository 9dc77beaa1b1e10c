# Sourced by the parts of the benchmark, with $part set: where things are, and how figures get into the closing table.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
lifeboat=${LIFEBOAT:-$root/bin/lifeboat}
demo=${DEMO:-$root/build/demo}
work=$(mktemp -d "${TMPDIR:-/var/tmp}/lifeboat-bench.XXXXXX")
stopwatch=$work/stopwatch
[ -x "$lifeboat" ] && [ -x "$root/bin/lifeboat-k6" ] || {
  echo "bench: bin/lifeboat is missing; run make build first" >&2
  exit 2
}
(cd "$root" && CGO_ENABLED=0 go build -o "$stopwatch" ./ci/bench/stopwatch)

# figure WHAT MEASURED TARGET HELD: one line of the closing table; HELD is yes, NO or -.
figure() {
  printf '%-52s %-44s target %-12s %s\n' "$1" "$2" "$3" "$4"
  if [ -n "${RESULTS:-}" ]; then printf '%s|%s|%s|%s\n' "$1" "$2" "$3" "$4" >>"$RESULTS"; fi
}

# calc EXPRESSION: awk's arithmetic, three decimals. holds CONDITION: yes or NO.
calc() { awk "BEGIN { printf \"%.3f\", $1 }"; }
holds() { awk "BEGIN { print ($1) ? \"yes\" : \"NO\" }"; }

# median NUMBER…
median() { printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

# best NUMBER…: what else a machine does only ever adds.
best() { printf '%s\n' "$@" | sort -n | sed -n 1p; }

# need IMAGE…: they are made by make images.
need() {
  for image in "$@"; do
    docker image inspect "$image" >/dev/null 2>&1 || {
      echo "bench: the image $image is missing; run make images first" >&2
      exit 2
    }
  done
}

# Whatever a part makes on the engine carries both labels; remove_labelled removes what this run made, and nothing else.
mine=lifeboat.bench.run=$$
labels=(--label lifeboat.bench=1 --label "$mine")
remove_labelled() {
  local list
  list=$(docker ps -aq --filter "label=$mine") && [ -z "$list" ] || docker rm -f -v $list >/dev/null 2>&1 || true
  list=$(docker volume ls -q --filter "label=$mine") && [ -z "$list" ] || docker volume rm -f $list >/dev/null 2>&1 || true
  list=$(docker network ls -q --filter "label=$mine") && [ -z "$list" ] || docker network rm $list >/dev/null 2>&1 || true
  list=$(docker image ls -q --filter "label=$mine") && [ -z "$list" ] || docker image rm $list >/dev/null 2>&1 || true
}
