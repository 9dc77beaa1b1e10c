package drills

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/fake"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/scenarios"
)

// twoShops are two databases, and an application for each.
const twoShops = `  db: {kind: fake, image: img, load: db-backup, ready: {exec: [up]}}
  db2: {kind: fake, image: img, load: other, ready: {exec: [up]}}
  app: {kind: fake, image: img, needs: [db], ready: {exec: [up]}}
  app2: {kind: fake, image: img, needs: [db2], ready: {exec: [up]}}
`

// many is the simple scenario with more instances than one.
func many(instances string) string {
	return strings.NewReplacer("  db: {kind: fake, image: img, load: db-backup, ready: {exec: [up]}}\n", instances,
		"  db-backup: {store: {kind: fake}, restore: {kind: fake}}\n",
		"  db-backup: {store: {kind: fake}, restore: {kind: fake}}\n  other: {store: {kind: fake}, restore: {kind: fake}}\n").Replace(simple)
}

// spans are when each instance's first boot that was finished began and ended, in seconds.
func spans(r *record.Record) map[string][2]float64 {
	all := map[string][2]float64{}
	for _, b := range r.Boots {
		if _, again := all[b.Subject.Instance]; !again {
			all[b.Subject.Instance] = [2]float64{b.Started.Seconds(), b.Ready.Seconds()}
		}
	}
	return all
}

// Databases are restored at the same time, and so are applications; what needs another one waits for it. A load takes 2 s,
// a boot 1 s.
func TestBootsSideBySide(t *testing.T) {
	for name, tc := range map[string]struct {
		instances string
		most      int
		want      map[string][2]float64
	}{
		"all that can": {twoShops, 4, map[string][2]float64{"db": {0, 3}, "db2": {0, 3}, "app": {3, 4}, "app2": {3, 4}}},
		"a host of one processor": {twoShops, 1,
			map[string][2]float64{"db": {0, 3}, "app": {3, 4}, "db2": {4, 7}, "app2": {7, 8}}},
		"who says nothing of its needs comes after all before it": {
			twoShops + "  web: {kind: fake, image: img, ready: {exec: [up]}}\n  xml: {kind: fake, image: img, needs: [], ready: {exec: [up]}}\n", 4,
			map[string][2]float64{"db": {0, 3}, "db2": {0, 3}, "app": {3, 4}, "app2": {3, 4}, "web": {4, 5}, "xml": {3, 4}}},
		"needs nobody": {strings.NewReplacer("needs: [db], ", "needs: [], ", "needs: [db2], ", "needs: [], ").Replace(twoShops), 4,
			map[string][2]float64{"db": {0, 3}, "db2": {0, 3}, "app": {0, 1}, "app2": {0, 1}}},
		"one backup in two databases": {strings.ReplaceAll(twoShops, "load: other", "load: db-backup"), 4,
			map[string][2]float64{"db": {0, 3}, "app": {3, 4}, "db2": {3, 6}, "app2": {6, 7}}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.change = func(k *Kit) { k.Boots = tc.most }
			text := many(tc.instances)
			if !strings.Contains(text, "load: other") {
				text = strings.Replace(text, "  other: {store: {kind: fake}, restore: {kind: fake}}\n", "", 1)
			}
			res := w.run(text)
			require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			assert.Equal(t, tc.want, spans(res.Record))
		})
	}
}

// usedLoader notes for which machines it was told that nobody can use them.
type usedLoader struct {
	fakeLoader
	unused *sync.Map // by instance, of its first load
}

func (l usedLoader) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	l.unused.LoadOrStore(m.Name(), s.Unused)
	return l.fakeLoader.Load(ctx, s, m)
}

// A database takes its final name at once only where nobody can come up while it is loaded.
func TestUnusedWhileOthersBoot(t *testing.T) {
	var unused sync.Map
	w := newWorld(t)
	w.change = func(k *Kit) {
		k.Boots = 4
		k.Loaders["fake"] = func(scenarios.Settings) (restore.Loader, []scenarios.Problem) {
			return usedLoader{fakeLoader{w}, &unused}, nil
		}
	}
	w.run(many(twoShops))
	first, _ := unused.Load("db")
	second, _ := unused.Load("db2")
	assert.Equal(t, true, first, "db comes first: whoever is no database waits for it")
	assert.Equal(t, false, second, "app comes before db2 in the order, and may be up when db2 is loaded")
}

// crowdedWorld is one in which app does not come up while another one is being booted.
func crowdedWorld(t *testing.T, say func() error) (*world, *atomic.Int32) {
	var tries atomic.Int32
	w := newWorld(t)
	w.machine.Images["weak"] = fake.Script{BootTime: time.Second, Up: func(context.Context, *fake.Machine) error {
		if tries.Add(1) == 1 {
			return say()
		}
		return nil
	}}
	return w, &tries
}

const weakApp = `  db: {kind: fake, image: img, load: db-backup, ready: {exec: [up]}}
  db2: {kind: fake, image: img, load: other, ready: {exec: [up]}}
  app: {kind: fake, image: weak, needs: [], ready: {exec: [up]}}
`

// What did not come up beside others is no finding before it was booted alone.
func TestBootedAgainAlone(t *testing.T) {
	w, tries := crowdedWorld(t, func() error { return errors.New("no connection to db") })
	res := w.run(many(weakApp))
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	assert.EqualValues(t, 2, tries.Load())
	assert.Equal(t, [2]float64{3, 4}, spans(res.Record)["app"], "once the databases were there")
	again := res.Record.Observations[len(res.Record.Observations)-1]
	for _, o := range res.Record.Observations {
		if o.ID == "boot.again" {
			again = o
		}
	}
	assert.Equal(t, "app", again.Args["instance"])
	assert.Contains(t, again.Args["why"], "no connection to db")
}

// Alone, it is what it always was.
func TestBootedAloneIsAFinding(t *testing.T) {
	w, tries := crowdedWorld(t, func() error { return errors.New("it ends") })
	w.change = func(k *Kit) { k.Boots = 1 }
	res := w.run(many(weakApp))
	assert.NotEqual(t, record.StatusPassed, res.Verdict.Status)
	assert.EqualValues(t, 1, tries.Load())
	assert.Len(t, res.Record.Failures, 1)
}

// A limit of a boot is missed only where nobody stood beside it.
func TestSlowBesideOthersIsTimedAlone(t *testing.T) {
	var boots atomic.Int32
	w := newWorld(t)
	w.machine.Images["weak"] = fake.Script{BootTime: time.Second, Up: func(context.Context, *fake.Machine) error {
		if boots.Add(1) == 1 {
			time.Sleep(time.Minute)
		}
		return nil
	}}
	slow := strings.Replace(many(weakApp), "objectives: {", "objectives: {boot: 30s, ", 1)
	w.load = func(int) error { time.Sleep(20 * time.Second); return nil }
	res := w.run(slow)
	require.Equal(t, record.StatusPassed, res.Verdict.Status, "%+v", res.Verdict.Reasons)
	assert.EqualValues(t, 2, boots.Load())

	boots.Store(0)
	w.change = func(k *Kit) { k.Boots = 1 }
	res = w.run(slow)
	assert.Equal(t, record.StatusFailed, res.Verdict.Status, "alone it is the boot that is slow")
}

// nextLoad counts the loads; several may begin at once.
func (w *world) nextLoad() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loads++
	return w.loads
}
