#!/bin/bash
# Builds, from Debian 12 packages, lifeboat/chromium:12: Chromium and the fonts in which reports are printed as PDF, Chinese among them.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
names=(lifeboat/chromium:12)
files=("$here/chromium.sh")
. "$here/rootfs.sh"
there_already
begin

root_of chromium fonts-noto-cjk fonts-dejavu-core -- \
  --dpkgopt='path-exclude=/usr/lib/*/dri/*' --dpkgopt='path-exclude=/usr/lib/*/libLLVM*' \
  --customize-hook='rm -rf "$1"/usr/share/icons/*'

image lifeboat/chromium:12 "$path" '"Cmd":["chromium"],"WorkingDir":"/"'
load
