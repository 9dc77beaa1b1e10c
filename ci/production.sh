# Sourced by scripts that run somebody else's application and back it up, with $say set (what their messages begin with): into DIR sets $dir,
# needs SCRIPTS IMAGE… ends where an image is missing, network VOLUME… makes both, sets $run, and has them and $run's containers removed at the end.

into() {
  [ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
  mkdir -p "$1"
  dir=$(cd "$1" && pwd)
}

needs() {
  local scripts=$1 needed
  shift
  for needed; do
    docker image inspect "$needed" >/dev/null 2>&1 || {
      echo "$say: the image $needed is missing; run $scripts first" >&2
      exit 2
    }
  done
}

# The network has no way out.
network() {
  run=lifeboat-$say-backup-$$
  volumes=("${@/#/$run-}")
  trap 'docker rm -f -v "$run-app" "$run-db" >/dev/null 2>&1 || true
    docker volume rm -f "${volumes[@]}" >/dev/null 2>&1 || true
    docker network rm "$run" >/dev/null 2>&1 || true' EXIT
  trap 'exit 130' INT TERM
  docker network create --internal --label lifeboat.demo=1 "$run" >/dev/null
  for volume in "${volumes[@]}"; do docker volume create --label lifeboat.demo=1 "$volume" >/dev/null; done
}

# await CONTAINER COMMAND…: until the command succeeds, for at most 90 s.
await() {
  local container=$1 end=$((SECONDS + 90))
  shift
  until "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ] || [ "$(docker inspect -f '{{.State.Running}}' "$container")" != true ]; then
      docker logs --tail 10 "$container" >&2
      echo "$say: $container did not come up; its last lines are above" >&2
      exit 1
    fi
    sleep 0.2
  done
}

# save FOLDER FILE COMMAND…: its output as a backup that is complete or not there at all, with its digest.
save() {
  local folder=$dir/backups/$1 file=$2
  shift 2
  rm -rf "$folder"
  mkdir -p "$folder"
  "$@" >"$folder/.part"
  mv "$folder/.part" "$folder/$file"
  (cd "$folder" && sha256sum "$file" >SHA256SUMS)
  echo "$say: backups/${folder##*/}/$file ($(stat -c %s "$folder/$file") bytes)"
}
