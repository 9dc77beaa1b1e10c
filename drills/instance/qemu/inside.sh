# What a Linux guest says of itself, as lines "key<tab>words". Run by the guest's /bin/sh; changes nothing.
LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL PATH
exec 2>/dev/null
has() { command -v "$1" >/dev/null; }
say() { printf '%s\t%s\n' "$1" "$2"; }
limit() { if has timeout; then timeout 4 "$@"; else "$@"; fi; }
one_line() { tr -s '\r\n\t ' ' '; }

# File systems on disks that take no more data, or that an error has made read-only.
while read -r device point type options _; do
  case $type in ext[234] | xfs | btrfs | f2fs | jfs | reiserfs | zfs) ;; *) continue ;; esac
  case $point,$options, in
  /,ro,*)
    # Not where /etc/fstab wants it so, or does not know it.
    awk '$1 !~ /^#/ && $2 == "/" { known = 1; wanted = ("," $4 "," ~ /,ro,/) } END { exit !(known && !wanted) }' \
      /etc/fstab && say read-only "$device"
    ;;
  *,ro,*) ;;
  *) points="$points $point" ;;
  esac
done </proc/mounts
[ -n "$points" ] && df -P -k $points | awk 'NR > 1 && $2 > 0 && $4 < 65536 && $4 * 1000 < $2 {
  print "full\t" $6 " has " $4 " KiB of " $2 " KiB left" }'
[ -n "$points" ] && df -P -i $points | awk 'NR > 1 && $2 > 0 && $4 == 0 {
  print "full\t" $6 " has no inode of " $2 " left" }'

if has systemctl; then
  state=$(limit systemctl is-system-running)
  say state "$state"
  failed=$(limit systemctl list-units --state=failed,auto-restart --plain --no-legend --no-pager | awk '{ print $1 }')
  [ -n "$failed" ] && limit systemctl show -p Id -p Result -p ExecMainStatus -p NRestarts $failed | awk -F= '
    { of[$1] = $2 }
    function tell(result) {
      if (!of["Id"]) return
      result = of["Result"] == "success" ? "does not stay up" : of["Result"]
      if (of["ExecMainStatus"] + 0) result = result " " of["ExecMainStatus"]
      if (of["NRestarts"] + 0) result = result ", restarted " of["NRestarts"] " times"
      print "unit\t" of["Id"] ": " result
      of["Id"] = ""
    }
    NF == 0 { tell() } END { tell() }'
  for unit in $failed; do
    has journalctl && say said "$(limit journalctl -b -q -n 1 -o cat --no-pager "_SYSTEMD_UNIT=$unit" | one_line)"
    break
  done
  # A socket stands for its service.
  case $state in running | degraded)
    limit systemctl show -p Id -p UnitFileState -p ActiveState \
      ssh.service sshd.service ssh.socket sshd.socket | awk -F= '
      $1 == "Id" { id = $2 } $1 == "UnitFileState" { file = $2 } $1 == "ActiveState" { active = $2 }
      function tell() { if (file == "enabled" && !sshd) sshd = (active == "active" ? "up" : "down") "\t" id; file = "" }
      NF == 0 { tell() } END { tell(); if (sshd) print "sshd-" sshd }'
    [ -e /etc/nologin ] && say locked "/etc/nologin keeps everybody but root out"
    [ -e /etc/ssh/sshd_config ] && has sshd && { wrong=$(sshd -t 2>&1) ||
      case $wrong in *'privilege separation directory'*) ;; *) say sshd-wrong "$(echo "$wrong" | one_line)" ;; esac; }
    ;;
  esac
fi

# Addresses beyond those of bridges to its own containers and guests, and the cards that there are.
if has ip; then
  ip -o -4 address show scope global | awk '$2 !~ /^(docker|br-|virbr|cni|flannel|cali|veth|lxc|podman)/ {
    print "address\t" $4 " on " $2 }'
  ip -4 route show default | awk '{ for (i = 1; i < NF; i++) if ($i == "via") print "router\t" $(i + 1) }'
  for card in /sys/class/net/*/device; do
    card=${card%/device}
    [ -e "$card" ] && say card "${card##*/}"
  done
fi

# Modules that the machine asks for at its start and does not have. That fails no unit.
kernel=$(uname -r)
cat /etc/modules /etc/modules-load.d/*.conf | grep -v '^ *[#;]' | while read -r name _; do
  m=$(printf '%s' "$name" | tr - _)
  [ -z "$m" ] || [ -e "/sys/module/$m" ] || grep -q "/$name\.ko" "/lib/modules/$kernel/modules.builtin" ||
    say module "$name, which is to be loaded at the start of $kernel"
done

# Packages that are half there, and dependencies that are not met.
if has dpkg-query; then
  limit dpkg-query -W -f='${db:Status-Abbrev}|${binary:Package}|${Version}\n' | awk -F'|' '$1 ~ /^.[UFHWt]|R/' | {
    while IFS='|' read -r status name version; do
      case $status in
        ?U*) how='unpacked and not configured' ;;
        ?F*) how='half configured' ;;
        ?H*) how='half installed' ;;
        ?W* | ?t*) how='waiting for triggers' ;;
        *) how='in need of a new installation' ;;
      esac
      why=$(limit dpkg --no-act --configure "$name" 2>&1 | grep -E ' depends on | is not |conflicts with' | one_line)
      say package "$name $version is $how${why:+:$why}"
    done
  }
  has apt-get && limit apt-get -s \
    -o Debug::NoLocking=1 -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= check 2>&1 |
    awk '/^ +[^ ]+ : / { $1 = $1; print "package\t" $0 }'
elif has rpm; then
  limit rpm -Va --nofiles --nodigest --nosignature |
    awk '/is needed by|conflicts with/ { $1 = $1; print "package\t" $0 }'
fi
exit 0
