package drills

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/record"
)

// Where a fault is to come after the upgrade, a step of it that fails ends the drill, and is not lifeboat's own failure.
func TestUpgradeBeforeAFault(t *testing.T) {
	for name, tc := range map[string]struct{ step, want, error string }{
		"a command says no":             {"{exec: {on: db, run: [upgrade]}}", "upgrade.failed", "exit code 1"},
		"it takes too long":             {"{boot: {instance: db, image: slow}, timeout: 5s}", "upgrade.failed", "not done within its timeout of 5s"},
		"the new version does not boot": {"{boot: {instance: db, image: broken}}", "boot.failed", ""},
		"it is not ready":               {"{boot: {instance: db, image: deaf}}", "boot.failed", ""},
		"the new version is not there":  {"{boot: {instance: db, image: nowhere}}", "harness.broke", ""},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			exits := func(code int) func(context.Context, *fake.Machine, instance.Command) (instance.Result, error) {
				return func(_ context.Context, _ *fake.Machine, c instance.Command) (instance.Result, error) {
					if c.Args[0] == "upgrade" {
						return instance.Result{Exit: 1}, nil
					}
					return instance.Result{Exit: code}, nil
				}
			}
			w.machine.Images["img"] = fake.Script{BootTime: time.Second, Exec: exits(0)}
			w.machine.Images["deaf"] = fake.Script{BootTime: time.Second, Exec: exits(1)}
			w.machine.Images["slow"] = fake.Script{BootTime: time.Hour}
			w.machine.Images["broken"] = fake.Script{Up: func(context.Context, *fake.Machine) error { return errors.New("no such file") }}
			res := w.run(strings.NewReplacer("faults:", "upgrade: ["+tc.step+"]\nfaults:",
				"load: db-backup}", "load: db-backup, ready: {exec: [ready], within: 20s}}").Replace(simple))
			assert.Equal(t, record.StatusInconclusive, res.Verdict.Status, "%v", res.Verdict.Reasons)
			assert.Equal(t, tc.want, res.Verdict.Reasons[0].ID, "%v", res.Verdict.Reasons)
			assert.Contains(t, res.Verdict.Reasons[0].Args["error"], tc.error)
			if tc.want == "upgrade.failed" {
				assert.Equal(t, tc.want, reasons(res.Verdict), "and nothing else is said")
			}
		})
	}
}

// Where the upgrade is what goes wrong, a step that fails is the incident. One that lifeboat could not take is none: the
// business is down because of the harness then, and a rollback from that proves nothing.
func TestUpgradeThatGoesWrong(t *testing.T) {
	for name, tc := range map[string]struct {
		steps string
		want  record.Status
	}{
		"a command says no":             {"{exec: {on: db, run: [upgrade]}}", record.StatusPassed},
		"the machine does not answer":   {"{exec: {on: db, run: [hang]}}", record.StatusPassed},
		"the new version does not boot": {"{boot: {instance: db, image: broken}}", record.StatusPassed},
		"it takes too long":             {"{boot: {instance: db, image: slow}, timeout: 5s}", record.StatusPassed},
		"the new version is not there":  {"{boot: {instance: db, image: nowhere}}", record.StatusInconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.machine.Images["img"] = fake.Script{BootTime: time.Second,
				Exec: func(_ context.Context, _ *fake.Machine, c instance.Command) (instance.Result, error) {
					switch c.Args[0] {
					case "hang":
						return instance.Result{}, errors.New("no channel into the guest answers")
					case "up":
						return instance.Result{}, nil
					}
					return instance.Result{Exit: 1}, nil
				}}
			w.machine.Images["slow"] = fake.Script{BootTime: time.Hour}
			w.machine.Images["broken"] = fake.Script{Up: func(context.Context, *fake.Machine) error { return errors.New("no such file") }}
			var looked atomic.Pointer[fake.Machine]
			w.business = func() bool {
				m := w.driver.Machine("db")
				if m == nil {
					return false
				}
				s, err := m.State(context.Background())
				return err == nil && s.Running && m.Request().Image == "img" &&
					looked.Swap(m) == m // the first look at a machine that comes up may fall into the moment in which the rollback begins
			}
			res := w.run(strings.NewReplacer("trigger: fault", "trigger: upgrade", "faults: [{kind: break, on: db}]\n",
				"upgrade: [{stop: db}, "+tc.steps+"]\n").Replace(simple))
			assert.Equal(t, tc.want, res.Verdict.Status, "%+v %+v", res.Verdict.Reasons, res.Record.Steps)
			if tc.want != record.StatusPassed {
				assert.Contains(t, reasons(res.Verdict), "harness.broke")
			}
		})
	}
}

// A boot on the old data removes the volumes that the step names, and no other.
func TestBootDropsAVolume(t *testing.T) {
	w := newWorld(t)
	var seen instance.Request
	w.machine.Images["img"] = fake.Script{BootTime: time.Second,
		Exec: func(_ context.Context, m *fake.Machine, c instance.Command) (instance.Result, error) {
			if c.Args[0] == "look" {
				seen = m.Request()
			}
			return instance.Result{}, nil
		}}
	w.outline = func(p *Plan) {
		assert.Contains(t, strings.Join(p.Outline().Upgrade, "\n"), "boot db on the old data but for /cache")
	}
	res := w.run(strings.NewReplacer("ready: {exec: [up]}", "ready: {exec: [up]}, data: [/data, /cache]", "faults:",
		"upgrade: [{boot: {instance: db, keep_data: true, drop_data: [/cache]}}, {exec: {on: db, run: [look]}}]\nfaults:").Replace(simple))
	assert.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	assert.Equal(t, []string{"/cache"}, seen.DropData)
	assert.True(t, seen.KeepData)
}

// What kept data hid of an image is told once with the machine that did not see it, and decides nothing.
func TestWhatKeptDataHide(t *testing.T) {
	w := newWorld(t)
	w.machine.Hides = []instance.Hidden{{Instance: "db", Generation: 2, Folder: "/srv", Files: []string{"a", "b/c", "d", "e", "f"}}}
	res := w.run(simple)
	assert.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	assert.Contains(t, res.Record.Observations, record.Observation{ID: "boot.hidden", Args: map[string]string{
		"instance": "db", "folder": "/srv", "files": "/srv/a, /srv/b/c, /srv/d", "more": "2", "generation": "2"}})
	assert.Contains(t, res.Verdict.Weak, record.Reason{ID: "boot.hidden", Args: res.Record.Observations[len(res.Record.Observations)-1].Args})
	assert.Equal(t, map[string]string{"instance": "db", "folder": "/srv", "files": "/srv/a", "more": "", "generation": "0"},
		hiddenBy(instance.Hidden{Instance: "db", Folder: "/srv", Files: []string{"a"}}).Args)
}
