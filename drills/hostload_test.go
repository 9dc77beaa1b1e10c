package drills

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/internal/decoy"
	"lifeboat/internal/pressure"
	"lifeboat/scenarios"
)

// bootable is a machine that is its backup: a good one listens some time after it was started.
const bootable = `scenario: bootable
trigger: none
objectives: {age: 26h}
backups:
  app: {store: {kind: fake}, restore: {kind: image}}
instances:
  app: {kind: fake, boot: app, ready: {tcp: 8080, within: 2m}}
checks:
  service: [{kind: ask, name: service}]
  excluded: {system: none, data: none, business: none}
`

type readyImage struct{}

func (readyImage) Image(context.Context, restore.Source, instance.Driver) (restore.Outcome, error) {
	return restore.Outcome{Image: "img", Digest: "sha256:00", ConsistentTo: time.Now()}, nil
}

// slowDriver has machines into which a way takes its time.
type slowDriver struct {
	*fake.Driver
	way time.Duration
}

func (d slowDriver) Boot(ctx context.Context, r instance.Request) (instance.Machine, error) {
	m, err := d.Driver.Boot(ctx, r)
	if m, ok := m.(*fake.Machine); ok && err == nil {
		return slowMachine{m, d.way}, nil
	}
	return m, err
}

type slowMachine struct {
	*fake.Machine
	way time.Duration
}

func (m slowMachine) Dial(ctx context.Context, port int) (net.Conn, error) {
	if err := instance.Pause(ctx, m.way); err != nil {
		return nil, &instance.UnaskedError{What: "dial", Err: err}
	}
	return m.Machine.Dial(ctx, port)
}

// pressed is a world whose host is held up by others for a share of the time, as the kernel tells it.
func pressedWorld(t *testing.T, share float64, way, listens time.Duration) *world {
	w := newWorld(t)
	began := time.Time{}
	w.machine.Images["img"] = fake.Script{Up: func(ctx context.Context, m *fake.Machine) error {
		time.AfterFunc(listens, func() { m.Serve(8080, func(c net.Conn) { _ = c.Close() }) })
		return nil
	}}
	w.change = func(k *Kit) {
		k.Imagers["image"] = func(scenarios.Settings) (restore.Imager, []scenarios.Problem) { return readyImage{}, nil }
		boots := k.Instances["fake"].New
		k.Instances["fake"] = docker.Kind(func(s instance.Site) (instance.Driver, error) {
			d, err := boots(s)
			return slowDriver{d.(*fake.Driver), way}, err
		})
		k.Host = func() (pressure.Counters, error) {
			if began.IsZero() {
				began = time.Now()
			}
			d := time.Since(began)
			if share < 0 {
				return pressure.Counters{}, errors.New("no pressure here")
			}
			return pressure.Counters{CPU: time.Duration(share * float64(d)), Busy: 2 * d}, nil
		}
	}
	return w
}

func TestReadyOnABusyHost(t *testing.T) {
	const never = 1000 * time.Hour
	for _, c := range []struct {
		name    string
		share   float64 // of the time in which others hold the host up
		way     time.Duration
		listens time.Duration
		want    record.Status
		reason  string
	}{
		{"quiet, and it listens", 0, 0, time.Minute, record.StatusPassed, "passed.check_run"},
		{"quiet, and it listens too late", 0, 0, 121 * time.Second, record.StatusFailed, "backup.bad"},
		{"half held up, and it listens late", 0.5, 0, 235 * time.Second, record.StatusPassed, "passed.check_run"},
		{"half held up, and it listens later than that explains", 0.5, 0, 245 * time.Second, record.StatusFailed, "backup.bad"},
		{"held up all the time, and it never listens", 0.9, 0, never, record.StatusInconclusive, "host.slow_boot"},
		{"every way into it takes 2.3 s", 0, 2300 * time.Millisecond, time.Second, record.StatusPassed, "passed.check_run"},
		{"every way into it takes a minute", 0, time.Minute, time.Second, record.StatusInconclusive, "harness.broke"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := pressedWorld(t, c.share, c.way, c.listens)
			res := w.run(bootable)
			assert.Equal(t, c.want, res.Verdict.Status, "%v", res.Verdict.Reasons)
			assert.Contains(t, reasons(res.Verdict), c.reason)
			if c.reason == "harness.broke" {
				assert.Contains(t, res.Verdict.Reasons[0].Args["error"], "could not be asked")
			}
		})
	}
}

// Counters that could not be read once are no pressure: they had grown since the host was started.
func TestUnreadOnce(t *testing.T) {
	w := pressedWorld(t, 0, 0, 123*time.Second)
	change := w.change
	w.change = func(k *Kit) {
		change(k)
		began := time.Now()
		failed := false
		k.Host = func() (pressure.Counters, error) {
			if !failed && time.Since(began) > 115*time.Second {
				failed = true
				return pressure.Counters{}, errors.New("no file can be opened")
			}
			return pressure.Counters{CPU: 10 * time.Hour}, nil
		}
	}
	res := w.run(bootable)
	assert.Equal(t, record.StatusFailed, res.Verdict.Status, "%v", res.Verdict.Reasons)
}

// An image that ends by itself has said so, however busy the host is; so has a dump that is cut off.
func TestBadOnABusyHost(t *testing.T) {
	w := pressedWorld(t, 1, 0, 0)
	w.machine.Images["img"] = fake.Script{Up: func(_ context.Context, m *fake.Machine) error {
		time.AfterFunc(time.Minute, func() { m.Crash(instance.State{Exit: 1}) })
		return nil
	}}
	res := w.run(bootable)
	assert.Equal(t, record.StatusFailed, res.Verdict.Status, "%v", res.Verdict.Reasons)

	w = pressedWorld(t, 1, 0, 0)
	w.machine.Images["img"] = fake.Script{Up: func(_ context.Context, m *fake.Machine) error {
		m.Serve(8080, func(c net.Conn) { decoy.Serve(c, decoy.Failing) })
		return nil
	}}
	res = w.run(strings.Replace(bootable, "tcp: 8080", `http: "http://:8080/"`, 1))
	assert.Equal(t, record.StatusFailed, res.Verdict.Status, "a status is an answer: %v", res.Verdict.Reasons)

	w = pressedWorld(t, 1, 0, 0)
	w.load = func(int) error { return &restore.BackupError{Backup: "db-backup", Reason: "cut off"} }
	res = w.run(simple)
	assert.Equal(t, record.StatusFailed, res.Verdict.Status, "%v", res.Verdict.Reasons)
	assert.Contains(t, reasons(res.Verdict), "backup.bad")
}

// What was measured of the host stands in the record: whole, in few lines, and the same for whoever computes it again.
func TestHostIsMeasured(t *testing.T) {
	w := pressedWorld(t, 0.4, 0, 0)
	res := w.run(strings.Replace(simple, "verify: {within: 1m}", "verify: {within: 1m}\ndeadline: 1h", 1))
	loads := res.Record.Loads
	require.NotEmpty(t, loads)
	var sum, last time.Duration
	for i, l := range loads {
		if i > 0 {
			assert.Equal(t, last, l.From, "no gap")
		}
		last, sum = l.To, sum+l.CPU
		assert.LessOrEqual(t, l.To-l.From, 7*time.Second, "a pressed host is told every few seconds")
	}
	assert.InDelta(t, 0.4, sum.Seconds()/last.Seconds(), 0.01)
	assert.InDelta(t, 4, res.Record.HeldUp(10*time.Second, 20*time.Second).CPU.Seconds(), 0.1)

	quiet := pressedWorld(t, 0, 0, 0).run(simple)
	assert.LessOrEqual(t, len(quiet.Record.Loads), 2, "a quiet one every minute")

	none := pressedWorld(t, -1, 0, 0).run(simple)
	require.NotEmpty(t, none.Record.Loads)
	assert.Equal(t, "no pressure here", none.Record.Loads[0].Without)
}

// A backup that cannot be loaded into a machine that somebody else took away is no bad one, and neither is its rollback.
func TestForeignHands(t *testing.T) {
	for name, first := range map[string]int{"at first": 1, "in the rollback": 2} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.load = func(n int) error {
				if n < first {
					return nil
				}
				w.machine.Torn = func() error { return errors.New("the container of db was removed by somebody else") }
				return &restore.BackupError{Backup: "db-backup", Reason: "cut off"}
			}
			res := w.run(simple)
			assert.Equal(t, record.StatusInconclusive, res.Verdict.Status, "%v", res.Verdict.Reasons)
			assert.Contains(t, reasons(res.Verdict), "harness.broke")
		})
	}
}
