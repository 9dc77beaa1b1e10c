#!/bin/bash
# backup.sh DIR makes a real backup of a real wiki: MediaWiki on MariaDB, installed by its own installer, with pages and uploaded files.
# Result: DIR/backups/db/wiki-*.sql.gz (mysqldump) and DIR/backups/files/wiki-*.tar (LocalSettings.php and images/), with their digests.
# Needs the images of image.sh and ci/images/kinds.sh.
set -euo pipefail
[ $# = 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
mkdir -p "$1"
dir=$(cd "$1" && pwd)
for needed in lifeboat/mariadb:10.11 lifeboat-wiki/mediawiki:1.39; do
  docker image inspect "$needed" >/dev/null 2>&1 || {
    echo "wiki: the image $needed is missing; run ci/images/kinds.sh and ci/wiki/image.sh first" >&2
    exit 2
  }
done

run=lifeboat-wiki-backup-$$
cleanup() {
  docker rm -f -v "$run-wiki" "$run-db" >/dev/null 2>&1 || true
  docker volume rm -f "$run-data" "$run-files" >/dev/null 2>&1 || true
  docker network rm "$run" >/dev/null 2>&1 || true
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# production, on a network without a way out.
docker network create --internal --label lifeboat.demo=1 "$run" >/dev/null
docker volume create --label lifeboat.demo=1 "$run-data" >/dev/null
docker volume create --label lifeboat.demo=1 "$run-files" >/dev/null
docker run -d --name "$run-db" --label lifeboat.demo=1 --network "$run" --network-alias db -v "$run-data:/var/lib/mysql" \
  -e MARIADB_ROOT_PASSWORD=wiki-root-pw -e MARIADB_DATABASE=wiki -e MARIADB_USER=wiki -e MARIADB_PASSWORD=wiki-db-pw \
  lifeboat/mariadb:10.11 >/dev/null
docker run -d --name "$run-wiki" --label lifeboat.demo=1 --network "$run" --network-alias wiki -v "$run-files:/srv/wiki" \
  lifeboat-wiki/mediawiki:1.39 >/dev/null
end=$((SECONDS + 90))
until docker exec "$run-db" mariadb -h 127.0.0.1 -u wiki -pwiki-db-pw wiki -e 'select 1' >/dev/null 2>&1; do
  [ $SECONDS -lt $end ] || { docker logs --tail 10 "$run-db" >&2; echo "wiki: the database did not come up" >&2; exit 1; }
  sleep 0.3
done

in_wiki() { docker exec -i -u www-data -w /usr/share/mediawiki "$run-wiki" "$@"; }
in_wiki php maintenance/install.php --dbserver db --dbname wiki --dbuser wiki --dbpass wiki-db-pw --installdbuser wiki --installdbpass wiki-db-pw \
  --confpath /srv/wiki --scriptpath '' --server http://wiki --pass wiki-admin-password --lang zh 运维手册 Admin >/dev/null
in_wiki tee -a /srv/wiki/LocalSettings.php >/dev/null <<'PHP'
$wgEnableUploads = true;
$wgUploadDirectory = '/srv/wiki/images';
$wgUploadPath = '/images';
$wgCacheDirectory = '/tmp';
$wgJobRunRate = 0;
$wgRateLimits = []; // else a guest writes eight times a minute at most, and a drill asks more often
PHP
in_wiki bash -c 'mkdir /tmp/pages && cd /tmp/pages && for n in $(seq 40); do echo "第 $n 条操作规程：先备份，再升级，最后演练回退。" >"规程_$n.txt"; done'
in_wiki bash -c 'php maintenance/importTextFiles.php --user Admin /tmp/pages/*.txt' >/dev/null
in_wiki php maintenance/importImages.php --user Admin --search-recursively --extensions png --limit 24 resources >/dev/null
in_wiki php maintenance/runJobs.php >/dev/null
uploaded=$(docker exec "$run-db" mariadb -N -u root -pwiki-root-pw wiki -e 'select count(*) from image')
[ "$uploaded" -ge 20 ] || { echo "wiki: only $uploaded files were uploaded" >&2; exit 1; }

# save FOLDER FILE COMMAND…: its output as a backup that is complete or not there at all, with its digest and a manifest. Nobody writes while both
# are made, so both are of the moment before.
save() {
  local folder=$dir/backups/$1 file=$2
  shift 2
  rm -rf "$folder"
  mkdir -p "$folder"
  "$@" >"$folder/.part"
  mv "$folder/.part" "$folder/$file"
  (cd "$folder" && sha256sum "$file" >SHA256SUMS)
  printf 'consistent_to: %s\nconsistent_by: the clock before the dump, of a wiki that nobody wrote to\n' "$consistent" >"$folder/$file.manifest.yaml"
  echo "wiki: backups/${folder##*/}/$file ($(stat -c %s "$folder/$file") bytes)"
}
consistent=$(date -u +%Y-%m-%dT%H:%M:%SZ)
now=$(date -u -d "$consistent" +%Y%m%dT%H%M%SZ)
save db "wiki-$now.sql.gz" docker exec "$run-db" bash -c 'set -o pipefail; mariadb-dump -u root -pwiki-root-pw --single-transaction --routines --databases wiki | gzip -1'
save files "wiki-$now.tar" docker exec -w /srv/wiki "$run-wiki" tar -cf - LocalSettings.php images
echo "wiki: 40 pages, $uploaded uploaded files"
