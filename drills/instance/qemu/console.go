package qemu

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/internal/lazy"
)

// Classes of what is wrong with a machine. Those of one list are told from the cause to what follows from it.
const (
	classPanic       = "kernel-panic"
	classInitramfs   = "initramfs-shell"
	classEmergency   = "emergency-mode"
	classBootLoader  = "boot-loader"
	classNoDevice    = "no-boot-device"
	classEnded       = "hypervisor-ended"
	classOff         = "powered-off"
	classPaused      = "paused"
	classIOError     = "io-error"
	classReadOnly    = "read-only-root"
	classFull        = "disk-full"
	classMemory      = "out-of-memory"
	classOops        = "kernel-oops"
	classPackage     = "package-conflict"
	classModule      = "module-format"
	classNoModule    = "module-missing"
	classLockedOut   = "ssh-locked-out"
	classUnit        = "unit-failed"
	classUnreachable = "network-unreachable"
	classHung        = "hung-task"
	classPassphrase  = "passphrase"
	classSilent      = "network-silent"
)

// ranks orders classes: the first that is found names the diagnosis, the others are mentioned.
var ranks = []string{classPanic, classPassphrase, classInitramfs, classEmergency, classBootLoader, classNoDevice, classEnded, classOff,
	classPaused, classIOError, classSilent, classReadOnly, classFull, classMemory, classOops, classPackage, classModule,
	classLockedOut, classUnit, classNoModule, classUnreachable, classHung}

// finding is one thing that is wrong.
type finding struct {
	class  string
	words  string // in one line
	source string // as record.Diagnosis has it
	fatal  bool   // it does not come up however long one waits
	held   bool   // the hypervisor holds the guest still
	lack   string // kind of what the scenario does not give, as record.Lack has it, if that is what is wrong
}

// consoleSign is a kind of line on a console. Words are replaced by the groups of the pattern.
type consoleSign struct {
	class   string
	pattern func() *regexp.Regexp
	words   string
	fatal   bool
	reason  bool // not a finding by itself: it says why the next one of its class comes
	lack    string
}

func sign(class, words, pattern string) consoleSign {
	return consoleSign{class: class, words: words, pattern: lazy.Regexp(pattern)}
}

func fatal(class, words, pattern string) consoleSign {
	return consoleSign{class: class, words: words, pattern: lazy.Regexp(pattern), fatal: true}
}

func reason(class, words, pattern string) consoleSign {
	return consoleSign{class: class, words: words, pattern: lazy.Regexp(pattern), reason: true}
}

// lacks makes a sign of what the scenario does not give.
func (s consoleSign) lacks(kind string) consoleSign {
	s.lack = kind
	return s
}

// consoleSigns are tried in their order; the first that fits a line counts. Sources: the kernel (kernel/panic.c,
// init/main.c, kernel/module, mm/oom_kill.c), systemd (emergency.service, src/core/job.c), the initramfs of Debian
// (initramfs-tools), of Red Hat and SUSE (dracut), of Arch (mkinitcpio), GRUB 2.06, SeaBIOS (src/boot.c), and EDK II.
var consoleSigns = []consoleSign{
	fatal(classPanic, "$1", `Kernel panic - not syncing: (.*?)(?: \]-+)?$`),
	reason(classPanic, "initramfs unpacking failed: $1", `Initramfs unpacking failed: (.*)`),
	reason(classInitramfs, "root device $1 does not exist", `ALERT!\s+(\S+) does not exist`),
	reason(classInitramfs, "root device $1 does not exist", `dracut.*Warning: (?:"?(/dev/\S+?)"? does not exist)`),
	reason(classInitramfs, "root device $1 does not exist", `ERROR: device '(\S+)' not found`),
	reason(classInitramfs, "no init on the root file system", `No init found|doesn't have requested (?:/sbin/)?init`),
	fatal(classInitramfs, "no init on the root file system", `^run-init: /bin/init: `), // the last but a shell, after /sbin and /etc
	reason(classInitramfs, "the root file system wants a manual fsck",
		`root filesystem on .* requires a manual fsck|requires a manual fsck`),
	reason(classInitramfs, "the root file system cannot be mounted",
		`(?i)failed to mount .* (?:as root|on real root|/sysroot)`),
	fatal(classInitramfs, "", `^\(initramfs\)|^(?:dracut|switch_root|rdsosreport):.*[#>]|rdsosreport\.txt|`+
		`Entering emergency mode\. Exit the shell|dropped into an emergency shell|initramfs emergency recovery shell`),
	// cryptsetup's own, Debian's cryptsetup-initramfs, systemd-cryptsetup, GRUB's cryptodisk, Arch's encrypt hook, ZFS.
	fatal(classPassphrase, "$1$2$3", `(?i)(?:Please unlock disk (.+?)|Please enter (?:passphrase|password|recovery key) for `+
		`(?:disk|volume) (.+?)|\bEnter passphrase for (/dev/\S+|hd\d\S*(?: \(\S+\))?|'\S+'|[\w-]+_crypt))[:!]`).
		lacks(record.LackPassphrase),
	reason(classEmergency, "timed out waiting for device $1", `Timed out waiting for device (.*)`).lacks(record.LackDisk),
	reason(classEmergency, "$1", `\[FAILED\] (Failed to (?:mount|start File System Check).*)`),
	reason(classEmergency, "$1", `\[DEPEND\] (Dependency failed for .*)`),
	fatal(classEmergency, "", `You are in (?:emergency|rescue) mode|Give root password for maintenance|`+
		`Cannot open access to console, the root account is locked`),
	reason(classBootLoader, "$1", `^error: (.*not found|no such .*|unknown filesystem.*|.*not.*ELF magic.*|invalid .*)`),
	// GRUB waits 10 s for a key and goes on with the entry of its variable fallback (grub-core/normal/menu.c).
	sign(classBootLoader, "", `^error: you need to load the kernel first`),
	fatal(classBootLoader, "",
		`^grub(?: rescue)?>|^\s*Failed to boot both default and fallback entries|^Entering rescue mode`),
	reason(classNoDevice, "$1$2", `Boot failed: (not a bootable disk|could not read.*)|BdsDxe: (failed to load .*)`),
	fatal(classNoDevice, "the firmware finds nothing to boot", `^No bootable device|No bootable option or device|^Shell> `+
		`|UEFI Interactive Shell`),
	sign(classOops, "$1", `(BUG: unable to handle .*|BUG: kernel NULL pointer.*|kernel BUG at .*|`+
		`general protection fault.*|Oops: .*)`),
	sign(classModule, "$1", `(\S+: version magic '.*' should be '.*')`),
	sign(classModule, "$1", `(\S+: disagrees about version of symbol \S+|\S+: Unknown symbol \S+)`),
	sign(classModule, "$1", `(Failed to insert module .*: (?:Invalid module format|Exec format error|Unknown symbol.*))`),
	sign(classIOError, "$1", `(I/O error, dev \w+|EXT4-fs error \(device \S+\)|XFS \(\S+\): .*(?:I/O error|corruption).*|`+
		`BTRFS error \(device \S+\)|Buffer I/O error on dev \w+|Remounting filesystem read-only)`),
	sign(classMemory, "$1", `Out of memory: (Kill(?:ed)? process .*?\))`),
	sign(classHung, "$1", `(task \S+ blocked for more than \d+ seconds|soft lockup - .*?[!]|rcu: .* detected stalls)`),
	sign(classUnit, "$1", `\[FAILED\] (Failed to start .*)`),
}

var (
	loginPrompt  = lazy.Regexp(`^(?:\S+ )?login:(?:\s|$)`)
	lastLogin    = lazy.Regexp(`^Last login:`)
	selfRestart  = lazy.Regexp(`Rebooting in \d+ seconds`) // a panic with panic=N ends by itself
	kernelStamp  = lazy.Regexp(`^\[ *\d+\.\d+\] `)
	unitLine     = lazy.Regexp(`^\[ *(?:OK|FAILED|DEPEND|TIME) *\] `)
	firmwareSign = lazy.Regexp(`^SeaBIOS \(version|^BdsDxe: `)
	loaderSign   = lazy.Regexp(`^GRUB loading|^Welcome to GRUB|^GNU GRUB |^SYSLINUX |^ISOLINUX `)
	kernelSign   = lazy.Regexp(`^Linux version \d`)
	// unlockedSign: whoever was asked for a passphrase gave it (cryptsetup-initramfs, systemd, GRUB).
	unlockedSign = lazy.Regexp(`^cryptsetup: \S+ set up successfully|Finished .*[Cc]ryptsetup|` +
		`Finished .*Cryptography Setup|Reached target .*(?:cryptsetup|Local Encrypted Volumes)|^Slot \d+ opened`)
)

// consoleText is what a console shows of the last start of a machine.
type consoleText struct {
	lines    []string // without control sequences and empty lines
	findings []finding
	kernel   bool // a kernel, or what it started, printed something
	login    bool // it asks for a login after everything that was found
}

// readConsole tells what a console says of the machine's last start. raw is what was printed since the start that
// lifeboat knows of; the machine may have started anew since, by itself.
func readConsole(raw string) consoleText {
	t := consoleText{lines: lastStart(plainLines(raw))}
	reasons := reasonsOf{}
	for _, line := range t.lines {
		if kernelStamp().MatchString(line) || unitLine().MatchString(line) {
			t.kernel = true
			t.loaded()
		}
		line = kernelStamp().ReplaceAllString(line, "")
		switch {
		case loginPrompt().MatchString(line) && !lastLogin().MatchString(line):
			t.takeBack()
			t.kernel, t.login = true, true
		case kernelSign().MatchString(line):
			t.takeBack() // a boot loader that complained and found a kernel after all
		case selfRestart().MatchString(line):
			t.patience()
		case unlockedSign().MatchString(line):
			t.drop(classPassphrase)
		default:
			t.match(line, reasons)
		}
	}
	return t
}

// reasonsOf a class, in the order in which they were seen.
type reasonsOf map[string][]reasonSeen

type reasonSeen struct{ words, lack string }

// match adds what a line says.
func (t *consoleText) match(line string, reasons reasonsOf) {
	for _, s := range consoleSigns {
		at := s.pattern().FindStringSubmatchIndex(line)
		if at == nil {
			continue
		}
		words := strings.TrimSpace(string(s.pattern().ExpandString(nil, s.words, line, at)))
		if s.reason {
			reasons[s.class] = append(reasons[s.class], reasonSeen{words, s.lack})
			return
		}
		t.add(finding{class: s.class, words: words, source: sourceConsole, fatal: s.fatal, lack: s.lack}, reasons)
		return
	}
}

// add keeps the first finding of a class, with its reasons. A reason of a panic explains an initramfs shell, too.
func (t *consoleText) add(f finding, reasons reasonsOf) {
	seen := slices.Clone(reasons[f.class])
	if f.class == classInitramfs {
		seen = append(seen, reasons[classPanic]...)
	}
	var why []string
	for _, r := range seen {
		why, f.lack = append(why, r.words), cmp.Or(f.lack, r.lack)
	}
	if f.words != "" {
		why = append([]string{f.words}, why...)
	}
	const most = 3
	why = unique(why)
	why = why[:min(most, len(why))]
	f.words = strings.ReplaceAll(f.class, "-", " ")
	if len(why) > 0 {
		f.words += ": " + strings.Join(why, "; ")
	}
	if f.fatal {
		t.login = false
	}
	for i, old := range t.findings {
		if old.class == f.class {
			t.findings[i].fatal, t.findings[i].lack = f.fatal, f.lack
			return
		}
	}
	t.findings = append(t.findings, f)
}

// takeBack drops what did not keep the machine from coming further.
func (t *consoleText) takeBack() {
	t.findings = slices.DeleteFunc(t.findings, func(f finding) bool { return f.fatal })
}

// loaded: whatever the firmware and the boot loader complained about, a kernel runs.
func (t *consoleText) loaded() { t.drop(classBootLoader, classNoDevice) }

func (t *consoleText) drop(classes ...string) {
	t.findings = slices.DeleteFunc(t.findings, func(f finding) bool { return slices.Contains(classes, f.class) })
}

// patience: what was fatal ends by itself, so it may come up yet.
func (t *consoleText) patience() {
	for i := range t.findings {
		t.findings[i].fatal = false
	}
}

// lastStart cuts off everything before the machine last began to start: the firmware comes before the boot loader, and
// that before the kernel.
func lastStart(lines []string) []string {
	const firmware, loader, kernel = 1, 2, 3
	stage, from := 0, 0
	for i, line := range lines {
		stamped := kernelStamp().MatchString(line) || unitLine().MatchString(line)
		line = kernelStamp().ReplaceAllString(line, "")
		next, once := stage, false
		switch {
		case firmwareSign().MatchString(line):
			next, once = firmware, strings.HasPrefix(line, "SeaBIOS")
		case loaderSign().MatchString(line):
			next = loader
		case kernelSign().MatchString(line):
			next, once = kernel, true
		case stamped:
			stage = kernel
			continue
		default:
			continue
		}
		// SeaBIOS and a kernel say so once in a start; the others repeat themselves.
		if next < stage || once && (next == stage || next == firmware) {
			from = i
		}
		stage = next
	}
	return lines[from:]
}

func unique(words []string) []string {
	var all []string
	for _, w := range words {
		if !slices.Contains(all, w) {
			all = append(all, w)
		}
	}
	return all
}
