#!/bin/bash
# backup.sh DIR makes a real backup of a real wiki: MediaWiki on MariaDB, installed by its own installer, with pages and uploaded files.
# Result: DIR/backups/db/wiki-*.sql.gz (mysqldump) and DIR/backups/files/wiki-*.tar (LocalSettings.php and images/), with their digests.
# Needs the images of image.sh and ci/images/kinds.sh.
set -euo pipefail
say=wiki
. "$(dirname "$0")/../production.sh"
into "$@"
needs "ci/images/kinds.sh and ci/wiki/image.sh" lifeboat/mariadb:10.11 lifeboat-wiki/mediawiki:1.39

network data files
docker run -d --name "$run-db" --label lifeboat.demo=1 --network "$run" --network-alias db -v "$run-data:/var/lib/mysql" \
  -e MARIADB_ROOT_PASSWORD=wiki-root-pw -e MARIADB_DATABASE=wiki -e MARIADB_USER=wiki -e MARIADB_PASSWORD=wiki-db-pw \
  lifeboat/mariadb:10.11 >/dev/null
docker run -d --name "$run-app" --label lifeboat.demo=1 --network "$run" --network-alias wiki -v "$run-files:/srv/wiki" \
  lifeboat-wiki/mediawiki:1.39 >/dev/null
await "$run-db" docker exec "$run-db" mariadb -h 127.0.0.1 -u wiki -pwiki-db-pw wiki -e 'select 1'

in_wiki() { docker exec -i -u www-data -w /usr/share/mediawiki "$run-app" "$@"; }
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

# Nobody writes while both are made, so both are of the moment before.
consistent=$(date -u +%Y-%m-%dT%H:%M:%SZ)
now=$(date -u -d "$consistent" +%Y%m%dT%H%M%SZ)
save db "wiki-$now.sql.gz" docker exec "$run-db" bash -c 'set -o pipefail; mariadb-dump -u root -pwiki-root-pw --single-transaction --routines --databases wiki | gzip -1'
save files "wiki-$now.tar" docker exec -w /srv/wiki "$run-app" tar -cf - LocalSettings.php images
for file in "db/wiki-$now.sql.gz" "files/wiki-$now.tar"; do
  printf 'consistent_to: %s\nconsistent_by: the clock before the dump, of a wiki that nobody wrote to\n' "$consistent" >"$dir/backups/$file.manifest.yaml"
done
echo "wiki: 40 pages, $uploaded uploaded files"
