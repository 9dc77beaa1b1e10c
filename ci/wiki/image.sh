#!/bin/bash
# Builds lifeboat-wiki/mediawiki:1.39 from Debian 12 packages: MediaWiki behind Apache, on port 80, by an unprivileged user where it can.
# What a wiki's operators back up lies in /srv/wiki, which is a volume: LocalSettings.php and images/ (the uploaded files).
set -euo pipefail
wiki=$(cd "$(dirname "$0")" && pwd)
here=$(cd "$wiki/../images" && pwd)
names=(lifeboat-wiki/mediawiki:1.39)
files=("$wiki/image.sh")
. "$here/rootfs.sh"
there_already
begin

cat >"$work/site.conf" <<'CONF'
ServerName wiki
ErrorLog /dev/stderr
<VirtualHost *:80>
  DocumentRoot /usr/share/mediawiki
  Alias /images /srv/wiki/images
  <Directory /usr/share/mediawiki>
    Options FollowSymLinks
    Require all granted
  </Directory>
  <Directory /srv/wiki/images>
    Require all granted
    php_admin_flag engine off
  </Directory>
</VirtualHost>
CONF
# Without a volume, or with an empty one, the folder is the new wiki's; UPDATE=1 runs the updater first, as an upgrade does.
cat >"$work/start" <<'START'
#!/bin/bash
set -euo pipefail
mkdir -p /srv/wiki/images /run/apache2
chown www-data:www-data /srv/wiki /srv/wiki/images
if [ -n "${UPDATE:-}" ]; then runuser -u www-data -- php /usr/share/mediawiki/maintenance/update.php --quick; fi
set +u # envvars reads what is not set
. /etc/apache2/envvars
exec apache2 -D FOREGROUND
START
chmod 755 "$work/start"

root_of mediawiki apache2 libapache2-mod-php php-mysql php-intl php-cli bash coreutils curl procps util-linux mariadb-client-core -- \
  --customize-hook="install -m 644 '$work/site.conf' \"\$1/etc/apache2/sites-available/000-default.conf\"" \
  --customize-hook="install -m 755 '$work/start' \"\$1/usr/local/bin/wiki\"" \
  --customize-hook='rm -f "$1"/etc/apache2/conf-enabled/other-vhosts-access-log.conf "$1"/etc/apache2/conf-enabled/mediawiki.conf' \
  --customize-hook='mkdir -p "$1"/var/log/apache2 "$1"/srv/wiki && ln -sfn /srv/wiki/LocalSettings.php "$1"/usr/share/mediawiki/LocalSettings.php'

image lifeboat-wiki/mediawiki:1.39 "$path" '"Cmd":["/usr/local/bin/wiki"],"WorkingDir":"/","ExposedPorts":{"80/tcp":{}},"Volumes":{"/srv/wiki":{}}'
load
