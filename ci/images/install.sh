#!/bin/bash
# Installs what building and drilling need on a Debian 12 machine and is not there yet: a Docker engine, mmdebstrap,
# zstd, make, curl, a C compiler for the race detector, and what writes the disk of a virtual machine: sfdisk, mke2fs,
# mkfs.vfat, mtools; and Python for the second judge. With --browser also what shows and prints a report: chromium, a
# Chinese font, pdftotext. Changes nothing where all of it is there. Go is what a person installs, because Debian 12's
# own is too old to build lifeboat; without it this script says so and ends with exit code 2.
set -euo pipefail
began=$SECONDS
want=1.26

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

engine_answers() {
  command -v docker >/dev/null && docker version --format '{{.Server.Version}}' >/dev/null 2>&1
}

go_version=$(go env GOVERSION 2>/dev/null || true)
if [ "$(printf 'go%s\n%s\n' "$want" "${go_version%% *}" | sort -V | head -n 1)" != "go$want" ]; then
  echo "install: Go $want or newer is needed and ${go_version:-no go command} was found: install it from go.dev/dl" >&2
  exit 2
fi

missing=()
command -v docker >/dev/null || missing+=(docker.io)
command -v mmdebstrap >/dev/null || missing+=(mmdebstrap)
command -v zstd >/dev/null || missing+=(zstd)
command -v make >/dev/null || missing+=(make)
command -v curl >/dev/null || missing+=(curl)
command -v gcc >/dev/null || missing+=(gcc libc6-dev)
python3 -c 'import json' 2>/dev/null || missing+=(python3) # Debian's python3-minimal alone knows no JSON
# Some of these are where only root's path leads.
PATH=$PATH:/usr/sbin:/sbin
command -v sfdisk >/dev/null || missing+=(fdisk)
command -v mke2fs >/dev/null || missing+=(e2fsprogs)
command -v mkfs.vfat >/dev/null || missing+=(dosfstools)
command -v mcopy >/dev/null || missing+=(mtools)
# For a user who is not root file systems are made in a user namespace.
[ "$(id -u)" = 0 ] || command -v newuidmap >/dev/null || missing+=(uidmap)
if [ "${1:-}" = --browser ]; then # reports are looked at by make test-long alone
  command -v chromium >/dev/null || missing+=(chromium)
  command -v pdftotext >/dev/null || missing+=(poppler-utils)
  [ -n "$(fc-list :lang=zh 2>/dev/null)" ] || missing+=(fonts-noto-cjk)
fi
# Images are built from where this machine's apt has its packages from, which it does not say before it has lists of them.
listed() {
  [ -n "${LIFEBOAT_APT_SOURCES:-}" ] || ! command -v apt-get >/dev/null || [ -n "$(apt-get indextargets 'Created-By: Packages')" ]
}

log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { # WHAT OPTION…: apt-get as root, whose last lines are shown where it could not do what it was to do
  as_root env DEBIAN_FRONTEND=noninteractive apt-get "${@:2}" >"$log" 2>&1 && return
  tail -n 20 "$log" >&2
  echo "install: apt-get could not $1; its last lines are above" >&2
  exit 1
}
if [ ${#missing[@]} -gt 0 ] || ! listed; then apt "fetch its lists" update; fi
if [ ${#missing[@]} -gt 0 ]; then apt "install ${missing[*]}" install -y --no-install-recommends "${missing[@]}"; fi

# The service manager starts the engine where there is one; nothing here ever stops or restarts it.
if ! engine_answers; then
  as_root service docker start >/dev/null 2>&1 || as_root systemctl start docker >/dev/null 2>&1 || true
  for _ in $(seq 60); do
    engine_answers && break
    sleep 0.5
  done
fi
if ! engine_answers; then
  echo "install: no Docker engine answers as user $(id -un):" \
    "start it (service docker start), or join the docker group and log in again" >&2
  exit 2
fi
if [ ${#missing[@]} -gt 0 ]; then
  echo "install: installed ${missing[*]} ($((SECONDS - began)) s)"
else
  echo "install: everything needed is there ($((SECONDS - began)) s)"
fi
