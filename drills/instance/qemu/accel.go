package qemu

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lifeboat/drills/instance"
)

// accel is how the guest's instructions are run.
type accel string

const (
	accelKVM  accel = "kvm"
	accelTCG  accel = "tcg"
	kvmDevice       = "/dev/kvm"
	// kvmLimit: a tiny kernel says that it is ready within 2 s under KVM; where KVM is broken it hangs.
	kvmLimit = 8 * time.Second
	kvmReady = "lifeboat: ready"
)

// argument of -accel. tb-size bounds the memory of the translated code, MiB: without it a guest takes up
// to 1.7 GiB more.
func (a accel) argument() string {
	if a == accelTCG {
		return "tcg,thread=multi,tb-size=128"
	}
	return "kvm"
}

// accelerator chooses once for a drill. That /dev/kvm exists proves nothing, so a tiny guest has to boot.
type accelerator struct {
	mu     sync.Mutex
	chosen accel
}

// accelVariable of the environment forces an acceleration (kvm or tcg) without a probe.
const accelVariable = "LIFEBOAT_ACCEL"

func (x *accelerator) choose(ctx context.Context, d *Driver) (accel, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.chosen != "" {
		return x.chosen, nil
	}
	switch forced := accel(os.Getenv(accelVariable)); {
	case forced == accelKVM || forced == accelTCG:
		x.chosen = forced
		return forced, nil
	case forced != "":
		return "", fmt.Errorf("%s is %q; it takes kvm or tcg", accelVariable, forced)
	}
	if _, err := os.Stat(kvmDevice); err != nil || !d.base.Local() {
		x.chosen = accelTCG
		return x.chosen, nil
	}
	if x.chosen = remembered(); x.chosen != "" {
		return x.chosen, nil
	}
	return x.settle(ctx, d.site.Log, d.probeKVM)
}

// settle takes the answer of a probe. One that did not come as far as booting anything holds for this drill alone.
func (x *accelerator) settle(ctx context.Context, log *slog.Logger,
	probe func(context.Context) (works, booted bool, err error)) (accel, error) {
	works, booted, err := probe(ctx)
	if err != nil {
		return "", err
	}
	x.chosen = accelTCG
	if works {
		x.chosen = accelKVM
	}
	if booted {
		err = remember(x.chosen)
	}
	if !booted || err != nil {
		log.Info("the next drill probes hardware virtualisation again", "error", err)
	}
	return x.chosen, nil
}

// answerFile holds the answer of a probe until the host boots again: a KVM that hangs costs 8 s each time.
func answerFile() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "lifeboat", "acceleration-"+strings.TrimSpace(string(boot))), nil
}

func remembered() accel {
	path, err := answerFile()
	if err != nil {
		return ""
	}
	b, err := os.ReadFile(path)
	if a := accel(b); err == nil && (a == accelKVM || a == accelTCG) {
		return a
	}
	return ""
}

func remember(a accel) error {
	path, err := answerFile()
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o700)
	}
	if err == nil {
		err = os.WriteFile(path, []byte(a), 0o600)
	}
	return err
}

// probeKVM boots a tiny guest under KVM, in a container as a drill's are. booted: QEMU was there to do so.
func (d *Driver) probeKVM(ctx context.Context) (works, booted bool, err error) {
	const script = `exec timeout -s KILL %d qemu-system-x86_64 -accel kvm -cpu max -m 128 -nodefaults -no-user-config \
-display none -serial stdio -no-reboot -kernel /usr/share/lifeboat/probe/vmlinuz -initrd /usr/share/lifeboat/probe/initrd \
-append "console=ttyS0 panic=-1 quiet"`
	said := &lineFinder{want: kvmReady}
	p, err := d.base.RunAlone(ctx, instance.Program{Name: "kvm-probe", Image: Image, Memory: headroom, Stdout: said, Stderr: said,
		Args: []string{"/bin/sh", "-c", fmt.Sprintf(script, int(kvmLimit.Seconds()))}}, kvmDevice)
	if ctx.Err() != nil {
		return false, false, context.Cause(ctx)
	}
	if err != nil { // the engine does not hand out the device, or is busy with something else
		d.site.Log.Info("no hardware virtualisation", "error", err)
		return false, false, nil
	}
	if _, err := p.Wait(ctx); err != nil {
		return false, false, fmt.Errorf("probe hardware virtualisation: %w", err)
	}
	return said.found(), true, nil
}

// lineFinder looks for a text in an output, across the borders of its writes.
type lineFinder struct {
	want string
	mu   sync.Mutex
	tail []byte
	seen bool
}

// Write implements io.Writer.
func (f *lineFinder) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tail = append(f.tail, p...)
	f.seen = f.seen || bytes.Contains(f.tail, []byte(f.want))
	if over := len(f.tail) - len(f.want); over > 0 {
		f.tail = f.tail[over:]
	}
	return len(p), nil
}

func (f *lineFinder) found() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.seen
}
