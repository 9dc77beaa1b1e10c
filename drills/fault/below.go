package fault

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/ledger"
	"lifeboat/scenarios"
)

// below is a fault that a virtual machine's hypervisor makes. Nothing in the guest is changed, and it ends
// with the hypervisor's process: a machine that was reverted or booted anew is healed.
type below struct {
	impairment instance.Impairment
	// witness asks the guest itself where that is cheap; nil: the hypervisor's word is enough.
	witness func(ctx context.Context, m instance.Machine) error
}

// hypervised is the machine's hypervisor, or a sentence that says that it has none.
func hypervised(m instance.Machine) (instance.Hypervised, error) {
	h, ok := instance.As[instance.Hypervised](m)
	if !ok {
		return nil, fmt.Errorf("%s is not a virtual machine; name one under the key on", m.Name())
	}
	return h, nil
}

// Available implements Fault.
func (f *below) Available(ctx context.Context, t Target) error {
	h, err := hypervised(t.Machine)
	if err != nil {
		return err
	}
	return h.Impairable(ctx, f.impairment)
}

// Fits implements Fitting.
func (f *below) Fits(of instance.Traits) error { return virtualOnly(of) }

// Prepare implements Fault.
func (f *below) Prepare(_ context.Context, t Target) (ledger.Undo, error) {
	h, err := hypervised(t.Machine)
	if err != nil {
		return ledger.Undo{}, err
	}
	return h.UndoImpairment(f.impairment), nil
}

// Inject implements Fault.
func (f *below) Inject(ctx context.Context, t Target) error {
	h, err := hypervised(t.Machine)
	if err != nil {
		return err
	}
	return h.Impair(ctx, f.impairment)
}

// Effective implements Fault.
func (f *below) Effective(ctx context.Context, t Target) error {
	h, err := hypervised(t.Machine)
	if err == nil {
		err = h.Impaired(ctx, f.impairment)
	}
	if err != nil || f.witness == nil {
		return err
	}
	return f.witness(ctx, t.Machine)
}

// checked adds what is wrong with an impairment at the key that it was made of.
func checked(i instance.Impairment, s scenarios.Settings, key, hint string,
	problems []scenarios.Problem) []scenarios.Problem {
	if err := i.Valid(); err != nil && len(problems) == 0 {
		if !s.Has(key) {
			err = fmt.Errorf("%s needs it", s.Kind)
		}
		problems = append(problems, s.Problem(key, hint, "%v", err))
	}
	return problems
}

// newDiskSlow: the disk moves few bytes a second, reads and writes together, as storage of too few IOPS or
// a snapshot that is still being restored does. Key: rate ("2MB/s").
func newDiskSlow(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		Rate scenarios.Rate `yaml:"rate"` // bytes per second, reads and writes together, such as 2MB/s; at least 4KiB/s
	}
	problems := s.Decode(&keys)
	i := instance.Impairment{BytesPerSecond: keys.Rate.BytesPerSecond()}
	return &below{impairment: i}, checked(i, s, "rate", "bytes per second of the disk, rate: 2MB/s", problems)
}

// newDiskLatency: the disk takes this long for each request where they come one after the other.
// Key: latency ("80ms").
func newDiskLatency(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		Latency scenarios.Duration `yaml:"latency"` // of each request, 1ms to 1s
	}
	problems := s.Decode(&keys)
	i := instance.Impairment{Latency: keys.Latency.Std()}
	return &below{impairment: i}, checked(i, s, "latency", "between 1ms and 1s, latency: 80ms", problems)
}

// newDiskError: requests to the disk fail with EIO. A guest may go on with a read-only file system when the
// disk is well again, until it boots. Key: requests (reads, writes, or all, the default).
func newDiskError(s scenarios.Settings) (Fault, []scenarios.Problem) {
	keys := struct {
		Requests string `yaml:"requests"` // that fail: reads, writes or all (default)
	}{Requests: string(instance.DiskAll)}
	problems := s.Decode(&keys)
	i := instance.Impairment{IOError: instance.DiskIO(keys.Requests)}
	return &below{impairment: i}, checked(i, s, "requests", "requests: reads, writes or all", problems)
}

// newLinkDown: the network cable is pulled.
func newLinkDown(s scenarios.Settings) (Fault, []scenarios.Problem) {
	return &below{impairment: instance.Impairment{LinkDown: true}, witness: noCarrier}, s.Decode(&struct{}{})
}

// noCarrier asks the guest whether a link of it is down. One that cannot be asked any more is commanded
// over that link, or by nothing.
func noCarrier(ctx context.Context, m instance.Machine) error {
	r, err := m.Exec(ctx, shell("", `cat /sys/class/net/*/carrier 2>/dev/null || :`))
	if err != nil {
		return ctx.Err()
	}
	if !strings.Contains(r.Stdout, "0") {
		return instance.NotInForce("no network card of %s says that its link is down", m.Name())
	}
	return nil
}

// newMemoryBalloon: the guest keeps only so much of its memory. Key: leaves ("256MiB").
func newMemoryBalloon(s scenarios.Settings) (Fault, []scenarios.Problem) {
	var keys struct {
		Leaves scenarios.Size `yaml:"leaves"` // memory that the guest keeps, such as 256MiB
	}
	problems := s.Decode(&keys)
	i := instance.Impairment{Balloon: keys.Leaves.Bytes()}
	return &below{impairment: i, witness: func(ctx context.Context, m instance.Machine) error {
		return lessMemory(ctx, m, i.Balloon)
	}}, checked(i, s, "leaves", "the memory that is left to the guest, leaves: 256MiB", problems)
}

// lessMemory asks the guest how much it has. One that cannot be asked may have run out of it.
func lessMemory(ctx context.Context, m instance.Machine, most int64) error {
	said, err := m.Get(ctx, "/proc/meminfo")
	if err != nil {
		return ctx.Err()
	}
	for line := range strings.Lines(string(said)) {
		words := strings.Fields(line)
		if len(words) < 2 || words[0] != "MemTotal:" {
			continue
		}
		if kib, err := strconv.ParseInt(words[1], 10, 64); err == nil && kib<<10 > most {
			return instance.NotInForce("%s still has %d MiB of memory", m.Name(), kib>>10)
		}
		return nil
	}
	return nil // no Linux: the hypervisor's word stands
}

// newMachinePaused: the processors stand still, as under a hypervisor that is frozen or moves the machine.
// When they go on, the guest's clock lags.
func newMachinePaused(s scenarios.Settings) (Fault, []scenarios.Problem) {
	return &below{impairment: instance.Impairment{Pause: true}}, s.Decode(&struct{}{})
}

// newClockSkewed: the guest's clock is wrong against its hardware clock. Keys: by ("1h"), direction (ahead, the
// default, or behind).
func newClockSkewed(s scenarios.Settings) (Fault, []scenarios.Problem) {
	const ahead, behind = "ahead", "behind"
	keys := struct {
		By        scenarios.Duration `yaml:"by"`        // whole seconds, at least 10s
		Direction string             `yaml:"direction"` // ahead (default) or behind
	}{Direction: ahead}
	problems := s.Decode(&keys)
	i := instance.Impairment{ClockSkew: keys.By.Std()}
	switch keys.Direction {
	case ahead:
	case behind:
		i.ClockSkew = -i.ClockSkew
	default:
		problems = append(problems, s.Problem("direction", "ahead or behind", "a clock is not wrong %q", keys.Direction))
	}
	return &below{impairment: i}, checked(i, s, "by", "whole seconds, 10s at least, by: 1h", problems)
}
