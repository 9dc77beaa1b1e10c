package drills

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/fake"
	"lifeboat/scenarios"
)

// What a drill takes is what it asks for, with what runs its machines and asks its business.
func TestNeeds(t *testing.T) {
	const mib = 1 << 20
	scripted := "  - script: {file: x.sh, backups: [db-backup]}\n  - boot: {instance: db, from: old}\n"
	for name, tc := range map[string]struct {
		change       []string
		memory, disk int64
	}{
		"a small instance":    {[]string{"image: img, load", "image: img, memory: 128MiB, load"}, 128*mib + 2*512*mib, 60},
		"one that names none": {nil, 1024*mib + 2*512*mib, 60},
		"one check, no pulse": {[]string{"trigger: fault", "trigger: none", "objectives: {start_rollback: 30m, restored: 2h, outage: 30m}\n", "",
			"flow: {script: flow.js, pulse: 10/s, timeout: 1s}\n", "", "faults: [{kind: break, on: db}]\n", "",
			"detect: {when: \"flow.failed > 5% for 3s\", within: 1m}\ndecide: {by: simulated, after: 2s}\n", "",
			"rollback:\n  - destroy: db\n  - boot: db\n", ""}, 1024*mib + 512*mib, 60},
		"a virtual machine": {[]string{"db: {kind: fake, image: img, load: db-backup, ready: {exec: [up]}}", "db: {kind: qemu, boot: disk}",
			"db-backup: {store: {kind: fake}, restore: {kind: fake}}", "disk: {store: {kind: fake}, restore: {kind: disk}}"},
			1024*mib + 768*mib + 2*512*mib, 1 << 30},
		"another image in the rollback, and a script": {[]string{"  db-backup:",
			"  old: {store: {kind: fake}, restore: {kind: disk}}\n  db-backup:", "  - boot: db\n", scripted},
			1024*mib + 2*512*mib, 60 + 60 + 10},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.files = map[string]string{"x.sh": "#!/bin/sh\n"}
			w.machine.Images["disk-of-disk"] = (&guest{}).script()
			w.change = func(k *Kit) {
				k.Capacity = func(context.Context) (int64, int64, error) { return 1 << 40, 1 << 40, nil }
			}
			seen := false
			w.outline = func(p *Plan) {
				seen = true
				assert.Equal(t, tc.memory, p.Needs.Memory, "%d MiB", p.Needs.Memory>>20)
				assert.Equal(t, tc.disk, p.Needs.Disk)
			}
			w.run(strings.NewReplacer(tc.change...).Replace(simple))
			require.True(t, seen)
		})
	}
}

// untried is a driver whose host turns out not to carry a drill.
type untried struct {
	*fake.Driver
	why error
}

func (u untried) Try(context.Context) error   { return u.why }
func (u untried) Tried(context.Context) error { return u.why }

// An engine that cannot carry a drill is said before the drill takes a number, in its own words.
func TestTriedBeforeTheNumber(t *testing.T) {
	w := newWorld(t)
	why := errors.New("it does not do sysctls")
	w.change = func(k *Kit) {
		plain := k.Instances["fake"].New
		k.Instances["fake"] = docker.Kind(func(s instance.Site) (instance.Driver, error) {
			_, err := plain(s)
			return untried{w.driver, why}, err
		})
	}
	file := filepath.Join(t.TempDir(), "s.yaml")
	require.NoError(t, os.WriteFile(file, []byte(simple), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(file), "flow.js"), []byte("export default function () {}\n"), 0o600))
	s, err := scenarios.Load(file)
	require.NoError(t, err)
	plan, err := NewPlan(t.Context(), w.kit(), s)
	require.NoError(t, err)
	require.Empty(t, plan.Refusals, "a plan starts nothing")
	_, err = Run(t.Context(), w.kit(), plan, Options{Home: w.home, Tool: "test"})
	var refused *RefusedError
	require.ErrorAs(t, err, &refused)
	require.ErrorContains(t, err, why.Error())
	left, err := os.ReadDir(w.home)
	require.NoError(t, err)
	require.Empty(t, left)
}

// A kind that does not promise to seal its instances boots none.
func TestUnsealedKindIsRefused(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) {
		kind := k.Instances["fake"]
		kind.Isolation = ""
		k.Instances["fake"] = kind
	}
	file := filepath.Join(t.TempDir(), "s.yaml")
	require.NoError(t, os.WriteFile(file, []byte(simple), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(file), "flow.js"), []byte("export default function () {}\n"), 0o600))
	s, err := scenarios.Load(file)
	require.NoError(t, err)
	plan, err := NewPlan(t.Context(), w.kit(), s)
	require.NoError(t, err)
	assert.Equal(t, []string{"fake: nothing keeps such instances from production; no drill boots them"}, plan.Refusals)
}
