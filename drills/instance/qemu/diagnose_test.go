package qemu

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/internal/needs"
)

var update = flag.Bool("update", false, "record testdata/console anew from real boots; with LIFEBOAT_VM=all")

// detectLimit: the slowest case waits 30 s in the initramfs for its root device, after a boot under emulation.
const detectLimit = 4 * time.Minute

// breakage is one way for a machine not to come up, or not whole.
type breakage struct {
	name   string
	script string // run in the guest
	boots  bool   // it shows after a reboot
	mend   string // undoes it without a boot
	quick  bool   // part of every run
	class  string
	words  string // part of the words
	lines  string // part of the evidence
	fatal  bool
}

// breakages are issue 5's eight cases of a machine that does not boot, and some neighbours.
var breakages = []breakage{
	{name: "package-conflict", script: conflictScript, mend: "dpkg --purge lifeboat-app lifeboat-lib", quick: true,
		class: classPackage, words: "lifeboat-app : Depends: lifeboat-lib (= 1.0) but 2.0 is installed"},
	{name: "package-unpacked", script: unpackedScript, mend: "dpkg --purge lifeboat-half",
		class: classPackage, words: "lifeboat-half 1.0 is unpacked and not configured: lifeboat-half depends on nowhere"},
	// The machine's own timers may have failed on it meanwhile.
	{name: "full-root", mend: "rm /var/fill; sync; systemctl reset-failed", quick: true, class: classFull, words: "/ has 0 KiB of ",
		script: `fallocate -l $(($(stat -f -c '%a * %S' /))) /var/fill; cat /dev/zero >>/var/fill; sync`},
	{name: "kernel-panic", boots: true, quick: true, fatal: true, script: `sed -i '/initrd/d' /boot/grub/grub.cfg`,
		class: classPanic, words: "VFS: Unable to mount root fs on unknown-block(0,0)", lines: "Kernel panic"},
	{name: "init-missing", boots: true, fatal: true,
		script: `rm /sbin/init /bin/sh`, // Debian's initramfs would take a shell
		class:  classInitramfs, words: "no init on the root file system", lines: "(initramfs)"},
	{name: "broken-initramfs", boots: true, fatal: true,
		script: `for f in /boot/initrd.img-*; do truncate -s $(($(stat -c %s $f) / 2)) $f; done`,
		class:  classInitramfs, words: "initramfs unpacking failed", lines: "(initramfs)"},
	{name: "wrong-root", boots: true, fatal: true, lines: "(initramfs)",
		script: `sed -i 's/root=UUID=[^ ]*/root=UUID=00000000-dead-4bad-8000-000000000000/' /boot/grub/grub.cfg`,
		class:  classInitramfs, words: "root device UUID=00000000-dead-4bad-8000-000000000000 does not exist"},
	{name: "bad-fstab", boots: true, fatal: true, lines: "emergency mode", class: classEmergency, words: "/data",
		script: `echo 'UUID=00000000-dead-4bad-8000-000000000000 /data ext4 x-systemd.device-timeout=10s 0 2' >>/etc/fstab`},
	{name: "kernel-missing", boots: true, fatal: true, script: `mv /boot/vmlinuz-* /var/`,
		class: classBootLoader, words: "/boot/vmlinuz-", lines: "you need to load the kernel first"},
	{name: "boot-sector-wiped", boots: true, fatal: true, script: `dd if=/dev/zero of=/dev/vda bs=512 count=1 conv=fsync`,
		class: classNoDevice, words: "not a bootable disk", lines: "No bootable device"},
	{name: "silent-panic", boots: true, fatal: true, class: classPanic, words: "VFS: Unable to mount root fs",
		script: `sed -i '/initrd/d; s/console=ttyS0,115200//; /^serial/d; /^terminal/d' /boot/grub/grub.cfg`},
	{name: "unit-failed", boots: true, class: classUnit, words: "usage: shop-pos serve",
		script: `sed -i 's|^ExecStart=.*|ExecStart=/usr/local/bin/shop-pos nonsense|' /etc/systemd/system/shop-pos.service`},
	// In a unit of its own: systemd stops all of a unit in which something was killed, so also the agent.
	{name: "out-of-memory", script: "systemd-run --wait -q tail /dev/zero || true", class: classMemory,
		words: "Killed process", lines: "Out of memory"},
	{name: "ssh-locked-out", boots: true, class: classLockedOut, words: "Bad configuration option: NoSuchOption",
		script: `echo 'NoSuchOption yes' >>/etc/ssh/sshd_config`},
}

// A conflict that needs a downgrade: the new library does what its package says, and the application wants the old one.
const conflictScript = `set -e
make() {
  mkdir -p /var/tmp/$1/DEBIAN
  printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: shop\nDescription: test\n%s' "$1" "$2" "$3" \
    >/var/tmp/$1/DEBIAN/control
  dpkg-deb -b /var/tmp/$1 /var/tmp/$1_$2.deb
}
make lifeboat-lib 1.0
make lifeboat-lib 2.0
make lifeboat-app 1.0 'Depends: lifeboat-lib (= 1.0)
'
dpkg -i /var/tmp/lifeboat-lib_1.0.deb /var/tmp/lifeboat-app_1.0.deb
dpkg -i --force-depends /var/tmp/lifeboat-lib_2.0.deb`

const unpackedScript = `mkdir -p /var/tmp/half/DEBIAN
printf 'Package: lifeboat-half\nVersion: 1.0\nArchitecture: all\nMaintainer: shop\nDescription: test\n%s\n' \
  'Depends: nowhere (>= 2)' \
  >/var/tmp/half/DEBIAN/control
dpkg-deb -b /var/tmp/half /var/tmp/half.deb && ! dpkg -i /var/tmp/half.deb`

// Machines that do not come up, each broken in a real guest, told in words within the limit; and the good one, about
// which nothing is said.
func TestVMWillNotBoot(t *testing.T) {
	needs.VM(t)
	d := newBench(t)
	m := d.bootGuest(t, openFile(t, guestImage(t)), VM{})
	awaitGood(t, m)
	keepConsole(t, m, "good")
	require.NoError(t, m.Snapshot(t.Context(), "good"))
	dirty := false
	for _, b := range breakages {
		if !b.quick && !needs.AllVMs() {
			continue
		}
		t.Run(b.name, func(t *testing.T) {
			if dirty {
				back(t, m)
			}
			dirty = true
			b.run(t, m)
			if b.mend != "" && !needs.AllVMs() {
				require.NoError(t, m.guestScript(t.Context(), b.mend))
				after, err := m.Diagnose(t.Context())
				require.NoError(t, err)
				assert.Empty(t, after.Words)
				dirty = false
			}
		})
	}
	if !needs.AllVMs() {
		return
	}
	back(t, m)
	require.NoError(t, m.Stop(t.Context()))
	off, err := m.Diagnose(t.Context())
	require.NoError(t, err)
	assert.Equal(t, classOff, off.Class)
	assert.NotEmpty(t, off.Lines)
}

// run breaks the guest and waits for the diagnosis.
func (b breakage) run(t *testing.T, m *Machine) {
	ctx := t.Context()
	require.NoError(t, m.guestScript(ctx, b.script+"\nsync"))
	if b.boots {
		require.NoError(t, m.Reboot(ctx))
	}
	began := time.Now()
	var got instance.Diagnosis
	for (got.Class != b.class || b.fatal && !got.Fatal) && time.Since(began) < detectLimit {
		var err error
		asked := time.Now()
		got, err = m.Diagnose(ctx)
		require.NoError(t, err)
		assert.LessOrEqual(t, time.Since(asked), diagnoseLimit+2*time.Second, "a diagnosis is bounded")
		if got.Fatal && got.Class != b.class {
			break
		}
		time.Sleep(500 * time.Millisecond)
	}
	t.Logf("| %s | %s | %s | %s | %.1f s |", b.name, got.Class, got.Words, got.Source, time.Since(began).Seconds())
	if b.boots {
		keepConsole(t, m, b.name)
	}
	assert.Equal(t, b.class, got.Class)
	assert.Contains(t, got.Words, b.words)
	assert.NotContains(t, got.Words, "\n")
	assert.Equal(t, b.fatal, got.Fatal)
	assert.Contains(t, strings.Join(got.Lines, "\n"), b.lines)
	assert.NotEmpty(t, got.Lines)
	_, err := png.Decode(bytes.NewReader(got.Screen))
	require.NoError(t, err)
	if b.class == classFull { // the health check sees nothing, and whoever writes does
		assert.Equal(t, http.StatusOK, awaitHTTP(t, m, "/healthz", time.Minute))
		r, err := m.Exec(ctx, instance.Command{User: "shop-pos", Args: []string{"sh", "-c",
			"head -c 8192 /dev/zero >/var/lib/shop-pos/orders.new"}})
		require.NoError(t, err)
		assert.NotZero(t, r.Exit)
	}
}

// back at the good snapshot, up and without a complaint.
func back(t *testing.T, m *Machine) {
	t.Helper()
	began := time.Now()
	require.NoError(t, m.Revert(t.Context(), "good"))
	awaitGood(t, m)
	t.Logf("rolled back to the good snapshot and up after %.1f s", time.Since(began).Seconds())
}

// awaitGood waits for the service and asks for diagnoses meanwhile: none may say that waiting is in vain.
func awaitGood(t *testing.T, m *Machine) {
	t.Helper()
	up, stop := context.WithCancel(t.Context())
	polled := make(chan error, 1)
	go func() {
		for up.Err() == nil {
			d, err := m.Diagnose(up)
			if err == nil && d.Fatal {
				polled <- fmt.Errorf("%s: %s", d.Class, d.Words)
				return
			}
			_ = instance.Pause(up, time.Second)
		}
		polled <- nil
	}()
	assert.Equal(t, http.StatusOK, awaitHTTP(t, m, "/healthz", detectLimit))
	require.Eventually(t, func() bool {
		r, err := m.Exec(t.Context(), instance.Command{Args: []string{"systemctl", "is-system-running"}})
		return err == nil && strings.TrimSpace(r.Stdout) == "running"
	}, detectLimit, time.Second)
	stop()
	require.NoError(t, <-polled, "a false alarm")
	d, err := m.Diagnose(t.Context())
	require.NoError(t, err)
	assert.Equal(t, instance.ClassNone, d.Class, d.Words)
	assert.False(t, d.Fatal)
}

// keepConsole keeps the console of a real boot for TestReadConsole: its beginning and its end.
func keepConsole(t *testing.T, m *Machine, name string) {
	t.Helper()
	if !*update {
		return
	}
	text, err := m.sinceStart(t.Context())
	require.NoError(t, err)
	const head, tail = 2 << 10, 8 << 10
	if len(text) > head+tail {
		begin, _, _ := strings.Cut(text[:head], "\n[")
		_, end, _ := strings.Cut(text[len(text)-tail:], "\n")
		text = begin + "\n" + end
	}
	require.NoError(t, os.WriteFile(filepath.Join("testdata", "console", name+".txt"), []byte(text), 0o644))
}
