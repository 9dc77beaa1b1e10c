#!/bin/bash
# module.sh SOURCES DIR: compiles module/vendordev.c against the headers of Debian 12's current cloud kernel, in a root
# file system that is thrown away, and leaves DIR/vendordev.ko and DIR/kernel-a, which holds that kernel's release.
# SOURCES is a file of apt's "deb" lines.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$2

mmdebstrap --variant=minbase --include=linux-headers-cloud-amd64,make \
  --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook="mkdir \"\$1/module\" && cp -t \"\$1/module\" '$here/module/vendordev.c' '$here/module/Kbuild'" \
  --customize-hook='chroot "$1" sh -c "make -s -C /usr/src/linux-headers-*-cloud-amd64 M=/module modules"' \
  --customize-hook='chroot "$1" strip --strip-debug /module/vendordev.ko' \
  --customize-hook="basename \"\$1\"/usr/src/linux-headers-*-cloud-amd64 | cut -d- -f3- >'$dir/kernel-a'" \
  --customize-hook="cp \"\$1/module/vendordev.ko\" '$dir/'" \
  --format=null bookworm - "$1"
