# What a machine's modules of third parties are, and what another kernel expects of them.
#   $1 packages or release   $2 the folder or the .deb file, or the release   $3 the root: empty in a machine
# Prints one fact a line, its fields separated by tabs, and "end" as the last line.
# Exit code 44: a tool is missing. 46: there is no such kernel.
LC_ALL=C PATH=$PATH:/usr/sbin:/sbin
export LC_ALL PATH
how=$1 what=$2 root=$3
for tool in modinfo modprobe; do
  command -v $tool >/dev/null || { echo "$tool is missing" >&2; exit 44; }
done
now=$(uname -r)
work=$(mktemp -d) || exit
trap 'rm -rf "$work"' EXIT

# name FILE: of the module in it; the kernel writes _ for -
name() { n=${1##*/}; n=${n%%.ko*}; printf '%s' "$n" | tr - _; }

# layout FILE: the checksum of the structures that this file was compiled against
layout() {
  modprobe --dump-modversions "$1" 2>/dev/null | while read -r sum symbol; do
    case $symbol in module_layout) printf '%s' "$sum"; break ;; esac
  done
}

# say KIND NAME FILE WHY
say() {
  printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$2" "${3#"$root"}" "$4" \
    "$([ -z "$3" ] || modinfo -F vermagic "$3" 2>/dev/null)" "$([ -z "$3" ] || layout "$3")"
}

printf 'running\t%s\n' "$now"

# The next kernel, and one module of its own tree to read from what it expects.
next='' ref=''
if [ "$how" = release ]; then
  next=$what
  ref=$(find "$root/lib/modules/$next/kernel" -name '*.ko*' -type f 2>/dev/null | head -n 1)
  [ -n "$ref" ] || { echo "there is no kernel $next: /lib/modules/$next holds no module" >&2; exit 46; }
  [ -e "$root/lib/modules/$next/build" ] && printf 'headers\n'
else
  command -v dpkg-deb >/dev/null || { echo "dpkg-deb is missing" >&2; exit 44; }
  [ -d "$root$what" ] && set -- "$root$what"/*.deb || set -- "$root$what"
  for deb; do
    [ -e "$deb" ] || { echo "there is no package at $what" >&2; exit 46; }
    package=$(dpkg-deb -f "$deb" Package) || exit
    case $package in
    linux-image-* | linux-modules-*)
      # The first module alone: unpacking all of a kernel takes minutes where the processor is emulated.
      mkdir "$work/one" "$work/one/$package"
      dpkg-deb --fsys-tarfile "$deb" 2>/dev/null |
        tar -x -C "$work/one/$package" --wildcards --occurrence=1 '*lib/modules/*/kernel/*.ko*' 2>/dev/null
      file=$(find "$work/one/$package" -name '*.ko*' | head -n 1)
      if [ -n "$file" ]; then
        found=${file#*/lib/modules/}
        found=${found%%/*}
        if [ -n "$next" ] && [ "$next" != "$found" ]; then
          echo "$what holds two kernels, $next and $found: name one of the packages" >&2
          exit 46
        fi
        next=$found ref=$work/own/${file##*/}
        mkdir -p "$work/own" && mv "$file" "$ref"
      fi
      rm -rf "$work/one"
      ;;
    linux-headers-*) printf 'headers\n' ;;
    linux-* | firmware-*) ;;
    *)
      mkdir -p "$work/other"
      dpkg-deb --fsys-tarfile "$deb" 2>/dev/null |
        tar -x -C "$work/other" --wildcards '*lib/modules/*.ko*' 2>/dev/null
      ;;
    esac
  done
  [ -n "$next" ] || { echo "no package at $what holds the modules of a kernel" >&2; exit 46; }
fi
say target "$next" "$ref" ''

# Modules of third parties: loaded ones, which the kernel has marked; those that are asked for at boot and
# are not of its tree; and whatever lies beside the tree.
{
  for mark in $(grep -ls O "$root"/sys/module/*/taint); do
    m=${mark%/taint}
    m=${m##*/}
    say module "$m" "$(modinfo -n "$m" 2>/dev/null)" loaded
  done
  sed -n 's/^[[:space:]]*\([A-Za-z0-9_-]\{1,\}\).*/\1/p' "$root/etc/modules" "$root"/etc/modules-load.d/*.conf \
    "$root"/usr/lib/modules-load.d/*.conf 2>/dev/null | sort -u | while read -r m; do
    file=$(modinfo -n "$m" 2>/dev/null)
    case $file in
    /*) [ "$(modinfo -F intree "$m" 2>/dev/null)" = Y ] || say module "$(name "$file")" "$file" asked ;;
    esac
  done
  find "$root/lib/modules/$now" -name '*.ko*' ! -path "$root/lib/modules/$now/kernel/*" 2>/dev/null |
    while read -r file; do say module "$(name "$file")" "$file" installed; done
} >"$work/modules"
cat "$work/modules"

# What the next kernel has under these names, of anybody, or will have from the packages.
cut -f 2 "$work/modules" | sort -u | while read -r m; do
  like=$(printf '%s' "$m" | sed 's/_/[-_]/g')
  find "$root/lib/modules/$next" "$work/other" -name "$like.ko*" 2>/dev/null | while read -r file; do
    case $file in */lib/modules/"$next"/*) say build "$m" "$file" '' ;; esac
  done
done
find "$root/var/lib/dkms" -path '*/module/*.ko*' 2>/dev/null | while read -r file; do
  printf 'dkms\t%s\n' "$(name "$file")"
done
echo end
