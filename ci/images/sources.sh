#!/bin/bash
# sources.sh [SUITE] prints the Debian 12 sources that this machine's own apt uses, one "deb" line each, so that root file
# systems are built from the mirror that the machine was given. LIFEBOAT_APT_SOURCES=FILE takes the lines from a file instead.
# Another suite (bullseye, trixie, sid) is taken from where bookworm comes from.
set -euo pipefail
suite=${1:-bookworm}

of_suite() { # sid has neither updates nor a security archive
  if [ "$suite" = sid ]; then sed '/ bookworm-/d; s/ bookworm / sid /'; else sed "s/ bookworm/ $suite/"; fi
}

if [ -n "${LIFEBOAT_APT_SOURCES:-}" ]; then
  of_suite <"$LIFEBOAT_APT_SOURCES"
  exit
fi
lines=$(apt-get indextargets --format '$(SIGNED_BY)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)' \
  'Created-By: Packages' 'Origin: Debian' "Architecture: $(dpkg --print-architecture)" |
  awk -F'|' '$3 ~ /^bookworm/ && $4 == "main" {
    option = $1 ~ /^\// ? "[signed-by=" $1 "] " : ""
    print "deb " option $2 " " $3 " " $4
  }' | sort -u)
if [ -z "$lines" ]; then
  echo "sources: this machine's apt knows no Debian 12 (bookworm) source;" \
    "put \"deb\" lines into a file and set LIFEBOAT_APT_SOURCES to it" >&2
  exit 2
fi
printf '%s\n' "$lines" | of_suite
