# Sourced by images.sh and backup.sh, with $here set: what the demo's images and backups are made of, as digests.

# image_inputs covers the shop's sources and the version of its one dependency.
image_inputs() {
  (cd "$here" && {
    cat images.sh inputs.sh shop/shop.conf
    find shop -name '*.go' ! -name '*_test.go' -o -name '*.sql' | LC_ALL=C sort | xargs cat
    grep 'jackc/pgx' ../../go.mod | tr -d '\t' | cut -d' ' -f1,2
  }) | sha256sum | cut -d' ' -f1
}

# backup_inputs EXTRA covers the images as they are on this engine, how the backups are made, and EXTRA.
backup_inputs() {
  {
    cat "$here/backup.sh" "$here/customers.sh" "$here/backups.md"
    docker image inspect --format '{{index .Config.Labels "lifeboat.inputs"}}' lifeboat/postgres:15 lifeboat/shop:1 \
      lifeboat/shop:1-without-config
    echo "$1"
  } | sha256sum | cut -d' ' -f1
}
