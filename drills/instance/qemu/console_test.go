package qemu

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// heard is what a console says in the end.
type heard struct {
	class, words string // of the gravest
	fatal, login bool
	lack         string
}

func hear(text string) heard {
	t := readConsole(text)
	h := heard{login: t.login}
	if len(t.findings) > 0 {
		f := slices.MinFunc(t.findings, func(a, b finding) int {
			return slices.Index(ranks, a.class) - slices.Index(ranks, b.class)
		})
		h.class, h.words, h.fatal, h.lack = f.class, f.words, f.fatal, f.lack
	}
	return h
}

// asks is what a console says that asks for the passphrase of a disk.
func asks(disk string) heard {
	return heard{classPassphrase, "passphrase: " + disk, true, false, record.LackPassphrase}
}

// What real boots of a Debian 12 guest printed: TestVMWillNotBoot and TestVMNothingToBoot -update recorded it.
func TestReadConsoleRecorded(t *testing.T) {
	t.Parallel()
	const shell, nothing = "initramfs shell: ", "no boot device: the firmware finds nothing to boot; "
	cases := map[string]heard{
		"good":         {login: true},
		"kernel-panic": {classPanic, "kernel panic: VFS: Unable to mount root fs on unknown-block(0,0)", true, false, ""},
		"init-missing": {classInitramfs, shell + "no init on the root file system", true, false, ""},
		"init-shell":   {classInitramfs, shell + "no init on the root file system", true, false, ""},
		"broken-initramfs": {classInitramfs, shell + "root device UUID=af0abd09-9a00-4a0a-b69a-7057285f9ad3 does not " +
			"exist; initramfs unpacking failed: ZSTD-compressed data is truncated", true, false, ""},
		"wrong-root": {classInitramfs, shell + "root device UUID=00000000-dead-4bad-8000-000000000000 does not exist",
			true, false, ""},
		"bad-fstab": {classEmergency, "emergency mode: timed out waiting for device …00000-dead-4bad-8000-000000000000.; " +
			"Dependency failed for syst…00000-dead-4bad-8000-000000000000.; Dependency failed for data.mount - /data.",
			true, false, record.LackDisk},
		"kernel-missing": {classBootLoader, "boot loader: file `/boot/vmlinuz-6.1.0-56-cloud-amd64' not found", true,
			false, ""},
		"boot-sector-wiped": {classNoDevice, nothing + "not a bootable disk; could not read the boot disk", true, false, ""},
		"silent-panic":      {}, // it is on the screen
		"unit-failed":       {login: true},
		"ssh-locked-out": {classUnit, "unit failed: Failed to start ssh.servic… - OpenBSD Secure Shell server.",
			false, true, ""},
		"empty-bios": {classNoDevice, nothing + "not a bootable disk; could not read the boot disk", true, false, ""},
		"empty-uefi": {classNoDevice, nothing + `failed to load Boot0001 "UEFI Misc Device" from ` +
			"PciRoot(0x0)/Pci(0x7,0x0): Not Found", true, false, ""},
	}
	files, err := filepath.Glob("testdata/console/*.txt")
	require.NoError(t, err)
	assert.Len(t, files, len(cases))
	for name, want := range cases {
		text, err := os.ReadFile(filepath.Join("testdata", "console", name+".txt"))
		require.NoError(t, err)
		assert.Equal(t, want, hear(string(text)), name)
	}
}

// No beginning of a good boot says that waiting is in vain.
func TestReadConsoleGoodAtEveryMoment(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/console/good.txt")
	require.NoError(t, err)
	const step = 37 // bytes, which is no line's length
	for n := 0; n < len(text); n += step {
		h := hear(string(text[:n]))
		require.Empty(t, h.class, "after %d bytes: %s", n, h.words)
	}
}

// Words of other systems, from their sources, and what follows upon them.
func TestReadConsole(t *testing.T) {
	t.Parallel()
	const panicked = "[    9.1] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100 ]---\r\n"
	cases := map[string]struct {
		text string
		want heard
	}{
		"nothing":    {"", heard{}},
		"login":      {"Debian GNU/Linux 12 pos-1 ttyS0\r\n\r\npos-1 login: ", heard{login: true}},
		"last login": {"pos-1 login: root\r\nLast login: Fri Nov 20 on ttyS0\r\n", heard{login: true}},
		"a kernel message behind the prompt": {"pos-1 login: [   53.8] kvm: Nested Virtualization enabled\r\n",
			heard{login: true}},
		"panic": {panicked, heard{classPanic, "kernel panic: Attempted to kill init! exitcode=0x00000100", true, false, ""}},
		"a panic that ends by itself": {panicked + "[    9.2] Rebooting in 3 seconds..",
			heard{classPanic, "kernel panic: Attempted to kill init! exitcode=0x00000100", false, false, ""}},
		"a panic before the last start": {panicked + "SeaBIOS (version 1.16.2)\r\nBooting from Hard Disk...\r\n", heard{}},
		"a kernel that started anew by itself": {"[    0.0] Linux version 6.12.1\r\n" + panicked +
			"[    0.0] Linux version 6.1.0\r\n", heard{}},
		"UEFI after a panic": {panicked + "BdsDxe: loading Boot0001\r\nBdsDxe: starting Boot0001\r\n", heard{}},
		"dracut": {"[  134.1] dracut-initqueue[420]: Warning: /dev/disk/by-uuid/dead-beef does not exist\r\n" +
			"         Starting Dracut Emergency Shell...\r\nGenerating \"/run/initramfs/rdsosreport.txt\"\r\n" +
			"Entering emergency mode. Exit the shell to continue.\r\ndracut:/# ",
			heard{classInitramfs, "initramfs shell: root device /dev/disk/by-uuid/dead-beef does not exist", true, false, ""}},
		"mkinitcpio": {"ERROR: device 'UUID=dead' not found. Skipping fsck.\r\nmount: /new_root: can't find UUID=dead.\r\n" +
			"You are now being dropped into an emergency shell.\r\n[rootfs ~]# ",
			heard{classInitramfs, "initramfs shell: root device UUID=dead does not exist", true, false, ""}},
		"a file system check that wants a person": {"/dev/vda1: UNEXPECTED INCONSISTENCY; RUN fsck MANUALLY.\r\n" +
			"The root filesystem on /dev/vda1 requires a manual fsck\r\nBusyBox v1.35\r\n(initramfs) ",
			heard{classInitramfs, "initramfs shell: the root file system wants a manual fsck", true, false, ""}},
		"emergency mode that a person left": {"You are in emergency mode. After logging in, type \"journalctl -xb\"\r\n" +
			"Give root password for maintenance\r\n(or press Control-D to continue): \r\npos-1 login: ", heard{login: true}},
		"a device that nobody needs": {"[ TIME ] Timed out waiting for device dev-vdb.device.\r\n" +
			"[DEPEND] Dependency failed for mnt.mount.\r\npos-1 login: ", heard{login: true}},
		"GRUB without its modules": {"error: file `/boot/grub/i386-pc/normal.mod' not found.\r\nEntering rescue mode...\r\n" +
			"grub rescue> ", heard{classBootLoader,
			"boot loader: file `/boot/grub/i386-pc/normal.mod' not found", true, false, ""}},
		"GRUB that found another kernel": {"error: file `/boot/vmlinuz-9' not found.\r\n" +
			"error: you need to load the kernel first.\r\nPress any key to continue...\r\n" +
			"[    0.0] Linux version 6.1.0\r\n", heard{}},
		"GRUB that goes on with its fallback": {"error: file `/boot/vmlinuz-9' not found.\r\n" +
			"error: you need to load the kernel first.\r\nPress any key to continue...\r\n",
			heard{classBootLoader, "boot loader: file `/boot/vmlinuz-9' not found", false, false, ""}},
		"GRUB that has nothing left": {"error: file `/boot/vmlinuz-9' not found.\r\n" +
			"error: you need to load the kernel first.\r\nPress any key to continue...\r\n" +
			" Failed to boot both default and fallback entries.\r\n",
			heard{classBootLoader, "boot loader: file `/boot/vmlinuz-9' not found", true, false, ""}},
		"a quiet kernel that GRUB found after all": {"error: file `/boot/vmlinuz-9' not found.\r\n" +
			"error: you need to load the kernel first.\r\nPress any key to continue...\r\n" +
			"[  OK  ] Started shop.service - The shop.\r\n", heard{}},
		"oops": {"[  7.1] BUG: kernel NULL pointer dereference, address: 0000000000000008\r\npos-1 login: ", heard{classOops,
			"kernel oops: BUG: kernel NULL pointer dereference, address: 0000000000000008", false, true, ""}},
		"module": {"[  4.2] vendordev: version magic '6.1.0-56 SMP' should be '6.12.1 SMP'\r\n", heard{classModule,
			"module format: vendordev: version magic '6.1.0-56 SMP' should be '6.12.1 SMP'", false, false, ""}},
		"systemd-modules-load": {"[  4.2] systemd-modules-load[241]: Failed to insert module 'vendordev': " +
			"Invalid module format\r\n",
			heard{classModule, "module format: Failed to insert module 'vendordev': Invalid module format", false, false, ""}},
		"disk": {"[  9.0] blk_update_request: I/O error, dev vda, sector 2048 op 0x1:(WRITE)\r\n" +
			"[  9.1] EXT4-fs error (device vda2): ext4_journal_check_start:83\r\n",
			heard{classIOError, "io error: I/O error, dev vda", false, false, ""}},
		"memory": {"[ 90.0] Out of memory: Killed process 412 (mariadbd) total-vm:1871344kB\r\n",
			heard{classMemory, "out of memory: Killed process 412 (mariadbd)", false, false, ""}},
		"lockup": {"[ 60.0] watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [kworker/1:1]\r\n",
			heard{classHung, "hung task: soft lockup - CPU#1 stuck for 26s!", false, false, ""}},
		"hung": {"[243.0] INFO: task jbd2/vda2-8:210 blocked for more than 120 seconds.\r\n",
			heard{classHung, "hung task: task jbd2/vda2-8:210 blocked for more than 120 seconds", false, false, ""}},
		"Debian asks for a passphrase": {"[    3.1] device-mapper: uevent: version 1.0.3\r\nPlease unlock disk vda3_crypt: ",
			asks("vda3_crypt")},
		"systemd asks for a passphrase, and starts other units": {"\r\U0001f510 Please enter passphrase for disk " +
			"QEMU_HARDDISK (cr_data): (press TAB for no echo) \r\n[  OK  ] Started plymouth-start.service.\r\n",
			asks("QEMU_HARDDISK (cr_data)")},
		"an older systemd": {"Please enter passphrase for disk cr_root!:", asks("cr_root")},
		"Arch asks":        {"A password is required to access the root volume:\r\nEnter passphrase for /dev/vda2: ", asks("/dev/vda2")},
		"GRUB asks":        {"GRUB loading.\r\nWelcome to GRUB!\r\nEnter passphrase for hd0,gpt2 (0a1b): ", asks("hd0,gpt2 (0a1b)")},
		"ZFS asks":         {"Enter passphrase for 'rpool/ROOT': ", asks("'rpool/ROOT'")},
		"somebody answered": {"Please unlock disk vda3_crypt: \r\ncryptsetup: vda3_crypt: set up successfully\r\n" +
			"[  OK  ] Started dbus.service.\r\n", heard{}},
		"a key of SSH": {"Enter passphrase for key '/root/.ssh/id_rsa': ", heard{}},
		"unit": {"[\x1b[0;1;31mFAILED\x1b[0m] Failed to start \x1b[0;1;39mshop.service\x1b[0m - The shop.\r\r\n",
			heard{classUnit, "unit failed: Failed to start shop.service - The shop.", false, false, ""}},
	}
	for name, c := range cases {
		assert.Equal(t, c.want, hear(c.text), name)
	}
}

func TestPlainLines(t *testing.T) {
	t.Parallel()
	raw := "\x1bc\x1b[?7l\x1b[2J\x1b[0mSeaBIOS (version 1)\r\n\r\n\x1b[8;1H" +
		"[\x1b[0;32m  OK  \x1b[0m] Started \x1b[0;1;39mdbus.socket\x1b[…D-Bus.\r\r\n" +
		"[**   ] A job is running\r\x1b[K[  OK  ] Done.\r\n\x1b]3008;start\x1b\\tab\there\x07\r\n\xff\xfe \r\n"
	assert.Equal(t, []string{"SeaBIOS (version 1)", "[  OK  ] Started dbus.socket…D-Bus.", "[  OK  ] Done.", "tab here"},
		plainLines(raw))
}

func FuzzReadConsole(f *testing.F) {
	f.Add("")
	f.Add("\x1b[…Kernel panic - not syncing: x")
	f.Add("BdsDxe: a\nLinux version 6\n(initramfs) \npos-1 login: ")
	f.Fuzz(func(t *testing.T, raw string) {
		for _, found := range readConsole(raw).findings {
			assert.NotContains(t, found.words, "\n")
			assert.Contains(t, ranks, found.class)
		}
	})
}

func TestDecodeScreen(t *testing.T) {
	t.Parallel()
	memory := func(first int, rows ...string) []byte {
		cells := make([]byte, textBytes)
		for r, text := range rows {
			for i, c := range []byte(text) {
				at := ((first+r)*textColumns + i) * cellBytes
				cells[at], cells[at+1] = c, 7
			}
		}
		return cells
	}
	assert.Empty(t, decodeScreen(memory(0)))
	assert.Equal(t, "SeaBIOS\n\n    grub", decodeScreen(memory(0, "SeaBIOS", "", "\xc9\xcd\xbb grub")))
	wandered := []string{"[    0.0] Linux version 6"}
	for range 2 * textRows {
		wandered = append(wandered, "[    1.0] a message")
	}
	long := "[    9.5] Kernel panic - not syncing: " + strings.Repeat("x", textColumns)
	wandered = append(wandered, long[:textColumns], long[textColumns:], "[    0.1] left from before")
	got := decodeScreen(memory(7, wandered...))
	assert.True(t, strings.HasSuffix(got, "a message\n"+long), got)
	assert.Len(t, strings.Split(got, "\n"), textRows)
	noise := make([]byte, textBytes)
	for i := range noise {
		noise[i] = byte(i * 7)
	}
	assert.Empty(t, decodeScreen(noise), "memory that is no text")
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	assert.Empty(t, questions("pos-1 login: "))
	assert.Equal(t, []string{"vda3_crypt", "vda3_crypt", "cr_data"}, questions("Please unlock disk vda3_crypt: \r\n"+
		"cryptsetup: ERROR: vda3_crypt: cryptsetup failed, bad password or options?\r\nPlease unlock disk vda3_crypt: \r\n"+
		"[   12.0] \U0001f510 Please enter passphrase for disk cr_data: (press TAB for no echo) "))
}
