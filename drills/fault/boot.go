package fault

import "lifeboat/scenarios"

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
