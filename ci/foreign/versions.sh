# The foreign application: its name, its module, the version in production and the version of the upgrade, each with
# the digest that the Go module proxy must deliver. Sourced by build.sh and backup.sh.
#
# Between these two releases a migration drops the tables "sessions" and "user_sessions" and makes "web_sessions".
# The old program does not look for a schema newer than its own, so on the migrated database it starts, answers its
# health checks, and lets nobody sign in.
# shellcheck shell=bash disable=SC2034
app=miniflux
module=miniflux.app/v2
old=2.2.19
new=2.3.0
declare -A digest=(
  [2.2.19]=h1:0qWGrWiIZLfjFgagZZnpUCkbmnxySqapGNGshIjowOQ=
  [2.3.0]=h1:tB9F67OEsEPfs9mP3a5p8626ZLoPp2v3kVEfm+OGMz4=
)
image() { printf 'lifeboat-foreign/%s:%s' "$app" "$1"; }
