package fault_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/instancetest"
	"lifeboat/drills/instance/qemu"
	"lifeboat/drills/ledger"
	"lifeboat/internal/needs"
	"lifeboat/scenarios"
)

// awake is a virtual machine that is asked to reboot and does not: a boot under emulation costs 20 s.
type awake struct {
	*qemu.Machine
	asked int
}

func (m *awake) Reboot(context.Context) error { m.asked++; return nil }

// disk is a file of this host.
type disk struct {
	*os.File
	size int64
}

func (d disk) Size() int64    { return d.size }
func (d disk) Path() string   { return d.Name() }
func (d disk) Fetched() int64 { return 0 }
func (d disk) Same() error    { return nil }

// bootVM boots the customer's machine that ci/vm builds, and waits until it has settled.
func bootVM(t *testing.T) (*awake, func(ledger.Undo) error) {
	t.Helper()
	needs.EveryVM(t)
	path, err := filepath.Abs("../../build/vm/shop-pos.qcow2")
	require.NoError(t, err)
	file, err := os.Open(path)
	if err != nil {
		needs.Skip(t, "make vm-images builds the guest:", err)
	}
	t.Cleanup(func() { _ = file.Close() })
	stat, err := file.Stat()
	require.NoError(t, err)
	site, notes := instancetest.NewSite(t, fmt.Sprintf("faultvm%d", os.Getpid()), instancetest.Program(t))
	base, err := docker.New(site)
	require.NoError(t, err)
	d := qemu.New(site, base)
	if err := d.Ready(t.Context()); err != nil {
		needs.Skip(t, err)
	}
	undoers := docker.Undoers(site.Log)
	maps.Copy(undoers, qemu.Undoers())
	t.Cleanup(func() { notes.UndoAll(t, site.Scope, undoers) })
	ref, err := d.LoadDisk(t.Context(), instance.DiskImage{Name: "pos", Format: "qcow2", Disk: disk{file, stat.Size()}})
	require.NoError(t, err)
	m, err := d.Boot(t.Context(), instance.Request{Name: "pos", Generation: 1, Image: ref})
	require.NoError(t, err)
	vm := &awake{Machine: m.(*qemu.Machine)}
	vm.settle(t)
	return vm, func(u ledger.Undo) error {
		return undoers[u.Kind](context.Background(), site.Scope, ledger.Entry{Name: "x", Undo: u})
	}
}

func (m *awake) settle(t *testing.T) {
	t.Helper()
	require.Eventually(t, func() bool { return strings.HasPrefix(m.say("systemctl is-system-running"), "running") },
		4*time.Minute, 2*time.Second)
}

// say runs a line of shell in the guest; nothing when nobody answers.
func (m *awake) say(script string) string {
	r, err := m.Exec(context.Background(), instance.Command{Args: []string{"/bin/sh", "-c", script}})
	if err != nil {
		return ""
	}
	return r.Stdout + r.Stderr
}

// Every fault that a few lines of shell make in a guest is made in a real one, seen, and healed from data.
func TestVMFaults(t *testing.T) {
	m, heal := bootVM(t)
	for _, c := range []struct {
		kind, keys string
		sign       string // a line of shell
		well, ill  string // what it says
	}{
		{"initramfs-broken", "{}", `zstd -tq /boot/initrd.img-$(uname -r) 2>/dev/null && echo whole || echo cut`,
			"whole", "cut"},
		{"root-device-wrong", "{}", `grep -c 'root=UUID=0*-dead' /boot/grub/grub.cfg`, "0", "2"},
		{"fstab-bad-entry", "{}", `findmnt --verify >/dev/null 2>&1 && echo good || echo bad`, "good", "bad"},
		{"disk-full", "{path: /var}", `dd if=/dev/zero of=/root/x bs=1M count=1 2>/dev/null && echo room || echo full
rm -f /root/x`, "room", "full"},
		{"service-fails", "{unit: shop-pos}", `systemctl is-active -q shop-pos && echo up || echo down`, "up", "down"},
		{"ssh-locked-out", "{}", `grep -c '^DenyUsers' /etc/ssh/sshd_config`, "0", "1"},
		{"package-conflict", "{package: openssh-server}", `apt-get check >/dev/null 2>&1 && echo fine || echo conflict`,
			"fine", "conflict"},
	} {
		t.Run(c.kind, func(t *testing.T) {
			s, err := scenarios.ParseSettings(c.kind, c.keys)
			require.NoError(t, err)
			f, problems := fault.Catalogue()[c.kind](s)
			require.Empty(t, problems)
			target := fault.Target{Machine: m}
			before := m.say(files)
			require.Equal(t, c.well, strings.TrimSpace(m.say(c.sign)))
			require.NoError(t, f.Available(t.Context(), target))
			undo, err := f.Prepare(t.Context(), target)
			require.NoError(t, err)
			require.NoError(t, heal(undo), "nothing is broken yet")
			require.Error(t, f.Effective(t.Context(), target))
			began, asked := time.Now(), m.asked
			require.NoError(t, f.Inject(t.Context(), target))
			injected := time.Since(began)
			if m.asked > asked {
				require.ErrorContains(t, f.Effective(t.Context(), target), "came up with the change on its disk")
			} else {
				require.NoError(t, f.Effective(t.Context(), target))
			}
			t.Logf("injected in %s, seen after %s", injected, time.Since(began))
			assert.Equal(t, c.ill, strings.TrimSpace(m.say(c.sign)))
			for range 2 {
				require.NoError(t, heal(undo))
			}
			require.Error(t, f.Effective(t.Context(), target), "it is healed")
			require.Eventually(t, func() bool { return strings.TrimSpace(m.say(c.sign)) == c.well },
				30*time.Second, time.Second)
			assert.Equal(t, before, m.say(files), "everything is as it was")
		})
	}
	assert.Equal(t, 3, m.asked)

	for kind, c := range map[string]struct{ keys, why string }{
		"disk-full":        {"{path: /none}", "there is no folder /none"},
		"service-fails":    {"{unit: none}", "none.service is not active"},
		"package-conflict": {"{package: none}", "the package none is not installed"},
	} {
		s, err := scenarios.ParseSettings(kind, c.keys)
		require.NoError(t, err)
		f, _ := fault.Catalogue()[kind](s)
		assert.EqualError(t, f.Available(t.Context(), fault.Target{Machine: m}), "the guest of pos: "+c.why)
	}
}

// What stops a machine from booting really does: it is rebooted, shows it on its console, cannot be healed
// any more, and is whole again after a rollback.
func TestVMDoesNotBoot(t *testing.T) {
	m, heal := bootVM(t)
	require.NoError(t, m.Snapshot(t.Context(), "well"))
	for _, c := range []struct {
		kind string
		says []string // one of these
	}{
		{"initramfs-broken", []string{"Kernel panic - not syncing", "(initramfs)"}},
		{"root-device-wrong", []string{"Gave up waiting for root file system device"}},
		{"fstab-bad-entry", []string{"You are in emergency mode", "Cannot open access to console"}},
		{"kernel-panic", []string{"Kernel panic - not syncing: NMI"}},
	} {
		t.Run(c.kind, func(t *testing.T) {
			s, err := scenarios.ParseSettings(c.kind, "{}")
			require.NoError(t, err)
			f, _ := fault.Catalogue()[c.kind](s)
			target := fault.Target{Machine: m.Machine} // which reboots
			require.NoError(t, f.Available(t.Context(), target))
			undo, err := f.Prepare(t.Context(), target)
			require.NoError(t, err)
			before, err := instance.Console(t.Context(), m)
			require.NoError(t, err)
			began := time.Now()
			require.NoError(t, f.Inject(t.Context(), target))
			injected := time.Since(began)
			require.NoError(t, effective(t, f, target))
			seen := time.Since(began)
			said := ""
			require.Eventually(t, func() bool {
				now, err := instance.Console(t.Context(), m)
				said = strings.TrimPrefix(now, before)
				return err == nil && slices.ContainsFunc(c.says, func(s string) bool { return strings.Contains(said, s) })
			}, 4*time.Minute, time.Second)
			t.Logf("down after %s, effective after %s, on the console after %s", injected, seen, time.Since(began))
			require.ErrorIs(t, heal(undo), ledger.ErrGone, "nobody is there to heal it")
			began = time.Now()
			require.NoError(t, m.Revert(t.Context(), "well"))
			m.settle(t)
			t.Logf("back and settled after %s", time.Since(began))
			if c.kind != "kernel-panic" {
				require.NoError(t, heal(undo))
			}
			assert.Error(t, f.Effective(t.Context(), target))
		})
	}
}

// files are those that faults change, and their digests.
const files = `find /boot/initrd* /boot/grub/grub.cfg /etc/fstab* /etc/ssh /etc/systemd/system \
  /var/cache/apt/archives \
  /.lifeboat* /var/.lifeboat* -type f 2>/dev/null | sort | xargs sha256sum; dpkg-query -W`
