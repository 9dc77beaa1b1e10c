#!/bin/bash
# Builds, from Debian 12 packages, lifeboat/libreoffice:12: the spreadsheet in which make test-long opens the population of an audit.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
names=(lifeboat/libreoffice:12)
files=("$here/libreoffice.sh")
. "$here/rootfs.sh"
there_already
begin

root_of libreoffice-calc-nogui fonts-dejavu-core -- \
  --dpkgopt='path-exclude=/usr/lib/*/dri/*' --dpkgopt='path-exclude=/usr/lib/*/libLLVM*' \
  --customize-hook='rm -rf "$1"/usr/share/icons/* "$1"/usr/lib/libreoffice/share/gallery/*'

image lifeboat/libreoffice:12 "$path" '"Cmd":["soffice"],"WorkingDir":"/"'
load
