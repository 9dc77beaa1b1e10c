package drills

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/instance/qemu"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/system"
)

// Two kernels, of which the vendor's module was built for the first.
const (
	kernelA = "6.1.0-42-amd64"
	kernelB = "6.12.63+deb12-amd64"
)

// guest is a Linux machine as far as the engine looks: files that say what is installed, what the boot
// menu starts next and what runs. Its business is up while the kernel is one for which the module was built.
type guest struct {
	panics    string      // the kernel that panics as it comes up
	hangs     string      // the kernel that never comes up, without a word
	forecast  string      // what the module forecast's script prints; "": it is not understood
	conf      string      // of /etc/app/app.conf; "": the image lacks it
	refused   string      // why its disk is not booted; "": it is
	blames    string      // the backup whose image is at fault then; "": its first
	lack      string      // what the scenario does not give, for which its disk is not booted, or the machine hangs
	booted    func()      // is told of each boot
	stuck     func() bool // its console shows that it will not come up
	diagnosed int
}

func (g *guest) script() fake.Script {
	return fake.Script{BootTime: 5 * time.Second, Up: g.up, Exec: g.exec, Diagnose: g.diagnose,
		Facts: map[string]string{"control": "agent"}}
}

func content(m *fake.Machine, name string) string {
	b, err := m.Get(context.Background(), name)
	if err != nil {
		return ""
	}
	return string(b)
}

// serves tells whether the machine has come up.
func serves(m *fake.Machine) bool {
	c, err := m.Dial(context.Background(), 8080)
	return err == nil && c.Close() == nil
}

func (g *guest) up(_ context.Context, m *fake.Machine) error {
	if g.booted != nil {
		g.booted()
	}
	if g.refused != "" {
		return &instance.BootError{Instance: m.Name(), Reason: g.refused, Lack: g.lack, Backup: g.blames}
	}
	if content(m, "/boot/next") == "" { // the first boot of an image
		m.WriteFile("/boot/next", []byte(kernelA))
		if g.conf != "" {
			m.WriteFile("/etc/app/app.conf", []byte(g.conf))
		}
	}
	m.RemoveFile("/run/release")
	switch next := content(m, "/boot/next"); next {
	case g.panics:
		return fmt.Errorf("Kernel panic - not syncing: VFS: Unable to mount root fs")
	case g.hangs:
	default:
		m.WriteFile("/run/release", []byte(next))
		m.Serve(8080, func(c net.Conn) { _ = c.Close() })
	}
	return nil
}

func (g *guest) exec(_ context.Context, m *fake.Machine, c instance.Command) (r instance.Result, err error) {
	script := strings.Join(c.Args, " ")
	switch {
	case c.Args[0] == "up":
		r.Exit = map[bool]int{false: 1}[serves(m)]
	case c.Args[0] == "uname":
		r.Stdout = content(m, "/run/release") + "\n"
	case c.Args[0] == "upgrade":
		m.WriteFile("/boot/next", []byte(kernelB))
	case c.Args[0] == "dpkg-query":
		r.Stdout = "linux-image " + content(m, "/boot/installed") + "\n"
	case strings.Contains(script, "grub.cfg"):
		r.Stdout = "/boot/grub/grub.cfg\nset default=\"${saved_entry}\"\n"
		for _, k := range []string{kernelA, kernelB} {
			r.Stdout += "menuentry '" + k + "' --id '" + k + "' {\nlinux /boot/vmlinuz-" + k + " ro\n}\n"
		}
	case strings.Contains(script, "editenv"):
		m.WriteFile("/boot/next", []byte(c.Args[4]))
		r.Stdout = "saved_entry=" + c.Args[4] + "\n"
	case strings.Contains(script, "modinfo"):
		r.Stdout = g.forecast
	case strings.Contains(script, "sha256sum"):
		r.Stdout = listed(m, c.Args[4:])
	}
	return r, nil
}

// listed is what the script of state-unchanged prints of single files.
func listed(m *fake.Machine, paths []string) string {
	out := ""
	for _, p := range paths {
		if text := content(m, p); text != "" {
			out += fmt.Sprintf("%064x  %s\nwritten %d  %s\n", len(text), p, time.Now().Unix(), p)
		} else {
			out += "absent  " + p + "\n"
		}
	}
	return out + "end of list\n"
}

func (g *guest) diagnose(m *fake.Machine) instance.Diagnosis {
	g.diagnosed++
	d := instance.Diagnosis{Screen: []byte("PNG")}
	if next := content(m, "/boot/next"); next == g.panics && g.panics != "" {
		d.Class, d.Words, d.Source = "kernel-panic", "kernel panic: VFS: Unable to mount root fs", "console"
		d.Fatal = true
	}
	if next := content(m, "/boot/next"); next == g.hangs && g.lack != "" {
		d.Class, d.Words, d.Lack = "emergency-mode", "timed out waiting for device /dev/vdb1", g.lack
	}
	d.Fatal = d.Fatal || g.stuck != nil && g.stuck()
	return d
}

// vmWorld is a world of one virtual machine, app.
func vmWorld(t *testing.T, g *guest) *world {
	w := newWorld(t)
	w.machine.Images = map[string]fake.Script{"disk-of-app": g.script(), "disk-of-old": g.script()}
	w.business = func() bool {
		m := w.driver.Machine("app")
		if m == nil {
			return false
		}
		return serves(m) && content(m, "/run/release") == kernelA
	}
	return w
}

// fakeImager boots the disk of its backup.
type fakeImager struct{ w *world }

func (i fakeImager) Image(ctx context.Context, s restore.Source, _ instance.Driver) (restore.Outcome, error) {
	out := restore.Outcome{Image: "disk-of-" + s.Backup, Digest: s.Point.Digest.String(), Verifying: time.Second}
	time.Sleep(out.Verifying)
	if s.OpenAt == nil {
		return out, nil
	}
	disk, err := s.OpenAt(ctx)
	if err != nil {
		return out, err
	}
	i.w.opened = append(i.w.opened, disk)
	if i.w.unfit != nil {
		return restore.Outcome{}, errors.Join(i.w.unfit, disk.Close())
	}
	_, err = disk.ReadAt(make([]byte, 600), 0)
	return out, err
}

// lazyStore can be read at any offset, from elsewhere.
type lazyStore struct {
	fakeStore
	w *world
}

func (s lazyStore) OpenAt(ctx context.Context, _ store.Point, _ string) (store.Random, error) {
	k := &lazyDisk{ctx: ctx}
	s.w.lazy = append(s.w.lazy, k)
	return k, nil
}

type lazyDisk struct {
	ctx     context.Context
	fetched int64
	closed  bool
	changed error
	fails   error // every read
}

func (k *lazyDisk) ReadAt(p []byte, _ int64) (int, error) {
	if k.fails != nil {
		return 0, k.fails
	}
	k.fetched += int64(len(p))
	return len(p), k.ctx.Err()
}

func (k *lazyDisk) Close() error   { k.closed = true; return nil }
func (k *lazyDisk) Size() int64    { return 3 << 30 }
func (k *lazyDisk) Path() string   { return "" }
func (k *lazyDisk) Fetched() int64 { return k.fetched }

// Same implements store.Random; a file that was closed cannot be looked at.
func (k *lazyDisk) Same() error {
	if k.closed {
		return fs.ErrClosed
	}
	return k.changed
}

// virtual machines of a world.
func virtual(make instance.Factory) instance.Kind {
	return qemu.Kind(func(s instance.Site) (instance.Driver, error) {
		d, err := make(s)
		if err != nil {
			return nil, err
		}
		return fake.Virtual{Driver: d.(*fake.Driver)}, nil
	})
}

// vmKit adds what virtual machines need to the kit of a world.
func (w *world) vmKit(k Kit) Kit {
	k.Instances["qemu"] = virtual(k.Instances["fake"].New)
	k.Imagers = map[string]func(scenarios.Settings) (restore.Imager, []scenarios.Problem){
		"disk": func(scenarios.Settings) (restore.Imager, []scenarios.Problem) { return fakeImager{w}, nil }}
	k.Stores["lazy"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) {
		return lazyStore{w: w}, nil
	}
	k.Checks["system/state-unchanged"] = func(s scenarios.CheckSpec, dir string) (verifier.Check, []scenarios.Problem) {
		return system.New(s, dir)
	}
	return k
}

// vmScenario is a kernel upgrade after which the business is down, and three ways back.
const vmScenario = `scenario: kernel
service: shop
trigger: upgrade
objectives: {start_rollback: 30m, restored: 2h, outage: 30m}
backups:
  app: {store: {kind: fake}, restore: {kind: disk}}
instances:
  app: {kind: qemu, boot: app, ready: {exec: [up], within: 1m}}
flow: {script: flow.js, pulse: 10/s, timeout: 1s}
upgrade:
  - snapshot: {on: app, name: before}
  - exec: {on: app, run: [upgrade]}
  - snapshot: {on: app, name: upgraded}
  - reboot: app
incidents:
  - name: snapshot
    detect: {when: "flow.failed > 5% for 3s", within: 2m}
    decide: {by: simulated, after: 2s}
    rollback: [{revert: {on: app, name: before}}]
  - name: old kernel
    upgrade: [{revert: {on: app, name: upgraded}}]
    detect: {when: "flow.failed > 5% for 3s", within: 2m}
    decide: {by: simulated, after: 3s}
    rollback: [{select-kernel: {on: app, release: before}}, {reboot: app}]
  - name: rebuild
    upgrade: [{revert: {on: app, name: upgraded}}]
    detect: {when: "flow.failed > 5% for 3s", within: 2m}
    decide: {by: simulated, after: 4s}
    rollback: [{destroy: app}, {boot: app}]
stable_for: 10s
verify: {within: 1m}
checks:
  system: [{kind: state-unchanged, name: state, on: app, kernel: true}]
  service: [{kind: ask, name: service}]
  business: [{kind: ask, name: business}]
  excluded: {data: the business reads it}
`

// oneIncident keeps the first way back alone.
func oneIncident(rollback string, change ...string) string {
	text := vmScenario[:strings.Index(vmScenario, "  - name: old kernel")] +
		vmScenario[strings.Index(vmScenario, "stable_for: 10s"):]
	change = append(slices.Clone(change), "[{revert: {on: app, name: before}}]", rollback)
	return strings.NewReplacer(change...).Replace(text)
}

// clocksOf are the clocks of an incident in their order.
func clocksOf(t *testing.T, in record.Incident) []time.Duration {
	var all []time.Duration
	for i, c := range []*record.Moment{in.T0, in.T1, in.T2, in.T3, in.T4, in.T5, in.T7} {
		require.NotNil(t, c, "clock %d of incident %d", i, in.ID)
		all = append(all, c.Late)
	}
	return all
}
