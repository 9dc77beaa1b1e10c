#!/bin/bash
# kernel.sh METAPACKAGE DIR, as a hook of mmdebstrap: downloads the Debian package of the kernel that METAPACKAGE (as
# linux-image-cloud-amd64) stands for at present into DIR, and prints that kernel's release. Nothing is installed.
set -euo pipefail
export APT_CONFIG=${MMDEBSTRAP_APT_CONFIG:?"is set by mmdebstrap for its hooks"}
image=$(apt-cache depends --important "$1" | awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }')
if [ -z "$image" ]; then
  echo "kernel: the sources know no kernel behind $1" >&2
  exit 1
fi
cd "$2"
# As root apt would hand the download to a user that may not write here, and warn about it.
apt-get --quiet=2 -o APT::Sandbox::User=root download "$image" >&2
echo "${image#linux-image-}"
