package fault

import (
	"context"
	"fmt"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/scenarios"
)

// What goes wrong in a guest that runs, and goes on running.

// newDiskFull: a file system has no room left, for root neither. The room is only reserved, so the
// machine's own disk hardly grows. Key: path (any folder of the file system; default /).
func newDiskFull(s scenarios.Settings) (Fault, []scenarios.Problem) {
	keys := struct {
		Path string `yaml:"path"` // any folder of the file system, absolute; default /
	}{Path: "/"}
	problems := s.Decode(&keys)
	if !strings.HasPrefix(keys.Path, "/") && len(problems) == 0 {
		problems = append(problems, s.Problem("path", "path: /var", "disk-full needs an absolute path"))
	}
	const fill = `f="${1%/}/.lifeboat-fill"
`
	return &inGuest{args: []string{keys.Path},
		needs: `[ -d "$1" ] || { echo "there is no folder $1" >&2; exit 1; }
command -v fallocate >/dev/null || { echo "it has no program fallocate" >&2; exit 1; }`,
		breaks: fill + `n=$(($(stat -f -c '%f * %S' "$1"))) i=0
while [ "$n" -ge 65536 ]; do
  fallocate -l "$n" "$f.$i" 2>/dev/null || n=$((n / 2))
  i=$((i + 1))
done
cat /dev/zero 2>/dev/null >"$f.rest" || :
sync`,
		broken: fill + `if dd if=/dev/zero of="$f.probe" bs=64k count=1 conv=fsync 2>/dev/null; then
  rm -f "$f.probe"
  echo "64 KiB more could be written" >&2
  exit 1
fi
rm -f "$f.probe"`,
		heals: fill + `rm -f "$f".*`,
	}, problems
}

// newServiceFails: a unit of systemd does not start any more, and is restarted. Key: unit.
func newServiceFails(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		Unit string `yaml:"unit"` // of systemd, which is active: nginx.service; needed
	}
	problems := s.Decode(&keys)
	if keys.Unit != "" && !strings.Contains(keys.Unit, ".") {
		keys.Unit += ".service"
	}
	if (keys.Unit == "" || strings.Contains(keys.Unit, "/")) && len(problems) == 0 {
		problems = append(problems, s.Problem("unit", "unit: nginx.service", "service-fails needs a unit of systemd"))
	}
	const dropIn = `d="/etc/systemd/system/$1.d"
`
	return &inGuest{args: []string{keys.Unit},
		needs: `systemctl is-active --quiet "$1" || { echo "$1 is not active" >&2; exit 1; }`,
		breaks: dropIn + `mkdir -p "$d"
printf '[Service]\nExecStartPre=/bin/false\n' >"$d/lifeboat.conf"
systemctl daemon-reload
systemctl restart "$1" 2>/dev/null || :`,
		broken: dropIn + `[ -e "$d/lifeboat.conf" ] || exit 1
if systemctl is-active --quiet "$1"; then echo "$1 is active" >&2; exit 1; fi`,
		heals: dropIn + `if [ -e "$d/lifeboat.conf" ]; then
  rm "$d/lifeboat.conf"
  rmdir "$d" 2>/dev/null || :
  systemctl daemon-reload
  systemctl reset-failed "$1" 2>/dev/null || :
  systemctl start --no-block "$1"
fi`,
	}, problems
}

// lockedOut is ssh-locked-out; a machine that is commanded over SSH would be lost with it.
type lockedOut struct{ inGuest }

// newSSHLockedOut: the SSH server lets nobody in any more. Sessions that are open stay open.
func newSSHLockedOut(s scenarios.Settings) (Fault, []scenarios.Problem) {
	const reload = `systemctl reload ssh.service 2>/dev/null || systemctl reload sshd.service 2>/dev/null || :`
	return &lockedOut{inGuest{args: []string{"/etc/ssh/sshd_config"},
		needs: `[ -w "$1" ] && command -v sshd >/dev/null || { echo "it has no SSH server with $1" >&2; exit 1; }`,
		breaks: `[ -e "$1.lifeboat" ] || cp -a "$1" "$1.lifeboat"
{ echo "DenyUsers *"; cat "$1.lifeboat"; } >"$1"
` + reload,
		broken: `sshd -T 2>/dev/null | grep -qix 'denyusers \*'`,
		heals: `if [ -e "$1.lifeboat" ]; then
  mv -f "$1.lifeboat" "$1"
  ` + reload + `
fi`}}, s.Decode(&struct{}{})
}

// Available implements Fault.
func (f *lockedOut) Available(ctx context.Context, t Target) error {
	if d, ok := instance.As[instance.Described](t.Machine); ok {
		if by := d.Describe(ctx)["control"]; strings.HasPrefix(by, "ssh") {
			return fmt.Errorf("%s is commanded by %s, which would be lost; let its guest agent run", t.Machine.Name(), by)
		}
	}
	return f.inGuest.Available(ctx, t)
}

// newPackageConflict: an upgrade brings a package of a vendor that conflicts with one that is installed, by
// force, as vendors' installers do it: from then on apt refuses everything. lifeboat-addon 1.0, without the conflict,
// lies in apt's cache: a rollback downgrades to it with dpkg -i, or removes the package. Key: package (installed).
func newPackageConflict(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		Package string `yaml:"package"` // that is installed, as dpkg names it; needed
	}
	problems := s.Decode(&keys)
	if keys.Package == "" && len(problems) == 0 {
		problems = append(problems, s.Problem("package", "an installed package, package: openssh-server",
			"package-conflict needs a package"))
	}
	const addon = "lifeboat-addon"
	return &inGuest{args: []string{keys.Package, addon, "/var/cache/apt/archives"},
		needs: `command -v dpkg-deb >/dev/null && command -v apt-get >/dev/null ||
  { echo "it has no packages of Debian's kind" >&2; exit 1; }
dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed ||
  { echo "the package $1 is not installed" >&2; exit 1; }
apt-get check >/dev/null 2>&1 || { echo "its packages conflict already: apt-get check" >&2; exit 1; }`,
		breaks: `work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make() { # version, and one more field
  mkdir -p "$work/$1/DEBIAN"
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: lifeboat <root@localhost>\nDescription: %s\n%s' \
    "$2" "$1" "made by lifeboat to rehearse a conflict" "$4" >"$work/$1/DEBIAN/control"
  dpkg-deb --build "$work/$1" "$3/$2_$1_all.deb" >/dev/null
}
make 1.0 "$2" "$3" ""
make 2.0 "$2" "$3" "Conflicts: $1
"
dpkg -i "$3/$2_1.0_all.deb" >/dev/null
dpkg --force-conflicts -i "$3/$2_2.0_all.deb" >/dev/null 2>&1`,
		broken: `dpkg-query -W -f '${Version} ${db:Status-Status}' "$2" 2>/dev/null | grep -qx '2.0 installed' || exit 1
if apt-get check >/dev/null 2>&1; then echo "apt sees no conflict" >&2; exit 1; fi`,
		heals: `if dpkg-query -W "$2" >/dev/null 2>&1; then dpkg --purge "$2" >/dev/null; fi
rm -f "$3/$2"_*_all.deb`,
	}, problems
}

// What stands in the way of the next boot. Each keeps the file that it changes beside it, as FILE.lifeboat.

// putBack puts every file back that $files names.
const putBack = `for f in $files; do if [ -e "$f.lifeboat" ]; then mv -f "$f.lifeboat" "$f"; fi; done; sync`

// initrds finds every initramfs, as Debian, SUSE and Red Hat name them; which one boots next is not asked.
const initrds = `files=
for f in /boot/initrd.img-* /boot/initrd-* /boot/initramfs-*.img; do
  f=${f%.lifeboat}
  case " $files " in *" $f "*) continue ;; esac
  if [ -e "$f" ] || [ -e "$f.lifeboat" ]; then files="$files $f"; fi
done
`

// newInitramfsBroken: every initramfs is cut in the middle, as by a full /boot during an upgrade, and the
// machine boots.
func newInitramfsBroken(s scenarios.Settings) (Fault, []scenarios.Problem) {
	return &inGuest{boots: true,
		needs: initrds + `[ -n "$files" ] || { echo "there is no initramfs below /boot" >&2; exit 1; }`,
		breaks: initrds + `for f in $files; do
  [ -e "$f.lifeboat" ] || mv "$f" "$f.lifeboat"
  head -c "$(($(stat -c %s "$f.lifeboat") / 2))" "$f.lifeboat" >"$f"
done`,
		broken: initrds + `[ -n "$files" ] || exit 1
for f in $files; do [ "$(stat -c %s "$f")" -lt "$(stat -c %s "$f.lifeboat")" ] || exit 1; done`,
		heals: initrds + putBack,
	}, s.Decode(&struct{}{})
}

// entries finds the boot loader's files that name the root device: GRUB's menu, or boot loader entries.
const entries = `files=$(grep -lE '^[[:space:]]*(linux|linux16|linuxefi|options)[[:space:]].*[[:space:]]root=' \
  /boot/grub/grub.cfg /boot/grub2/grub.cfg /boot/loader/entries/*.conf 2>/dev/null || :)
`

const noDevice = "UUID=00000000-dead-beef-0000-000000000000"

// newRootDeviceWrong: the boot loader names a root device that is not there, in every entry, and the
// machine boots.
func newRootDeviceWrong(s scenarios.Settings) (Fault, []scenarios.Problem) {
	return &inGuest{args: []string{noDevice}, boots: true,
		needs: entries + `[ -n "$files" ] || { echo "no boot entry below /boot names a root device" >&2; exit 1; }`,
		breaks: entries + `for f in $files; do
  [ -e "$f.lifeboat" ] || cp -a "$f" "$f.lifeboat"
  sed -E "/^[[:space:]]*(linux|linux16|linuxefi|options)[[:space:]]/s/([[:space:]])root=[^[:space:]]+/\1root=$1/" \
    "$f.lifeboat" >"$f"
done`,
		broken: entries + `[ -n "$files" ] && grep -q "root=$1" $files`,
		heals:  entries + putBack,
	}, s.Decode(&struct{}{})
}

// newFstabBadEntry: /etc/fstab names a file system that is not there and must be mounted, and the machine
// boots. systemd waits for it for 15 s and then for a person, in emergency mode.
func newFstabBadEntry(s scenarios.Settings) (Fault, []scenarios.Problem) {
	return &inGuest{args: []string{noDevice}, boots: true,
		needs: `[ -w /etc/fstab ] || { echo "there is no /etc/fstab that can be changed" >&2; exit 1; }`,
		breaks: `[ -e /etc/fstab.lifeboat ] || cp -a /etc/fstab /etc/fstab.lifeboat
{ cat /etc/fstab.lifeboat; echo "$1 /srv/lifeboat-missing ext4 defaults,x-systemd.device-timeout=15s 0 2"; } >/etc/fstab`,
		broken: `grep -q "^$1 " /etc/fstab`,
		heals:  `files=/etc/fstab; ` + putBack,
	}, s.Decode(&struct{}{})
}
