package drills

import (
	"context"
	"errors"
	"strings"
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

const pair = `scenario: pair
service: shop
trigger: none
objectives: {}
backups:
  db-backup: {store: {kind: fake}, restore: {kind: fake}}
  app-backup: {store: {kind: fake}, restore: {kind: image}}
instances:
  db: {kind: fake, image: pg, load: db-backup}
  app: {kind: fake, boot: app-backup, needs: [db], ready: {tcp: 8080}}
checks:
  service: [{kind: ask, name: service}]
  excluded: {system: none, data: none, business: none}
egress: {expected: ["metrics.example.com:443"]}
`

// pairWorld has an application that ends after a second, as one does that meets a schema of another version.
func pairWorld(t *testing.T) *world {
	w := newWorld(t)
	w.machine.Images["pg"] = fake.Script{BootTime: time.Second}
	w.machine.Images["img"] = fake.Script{Up: func(_ context.Context, m *fake.Machine) error {
		m.Print("starting\nschema version 42 is newer than 40\n")
		time.AfterFunc(time.Second, func() { m.Crash(instance.State{Exit: 3, Reason: "ended with exit code 3"}) })
		return nil
	}}
	w.change = func(k *Kit) {
		k.Imagers["image"] = func(scenarios.Settings) (restore.Imager, []scenarios.Problem) { return readyImage{}, nil }
	}
	return w
}

// An instance that ends after it met another one is not known to be a bad backup; one that met nobody is.
func TestWhoMetWhom(t *testing.T) {
	tried := func(protocol, target, host string, last time.Duration) []record.EgressFact {
		return []record.EgressFact{{Subject: record.Subject{Instance: "app"},
			Egress: record.Egress{Protocol: protocol, Target: target, Host: host, Last: last}}}
	}
	for name, tc := range map[string]struct {
		links  []record.Link
		broken error // of the question who met whom
		tried  []record.EgressFact
		app    string // of the engine instead
		reason string
		says   map[string]string
	}{
		"it met nobody":             {reason: "backup.bad"},
		"somebody else met the db":  {links: []record.Link{{From: "cron", To: "db"}, {Flow: "f.js", To: "db"}}, reason: "backup.bad"},
		"it met the database":       {links: []record.Link{{From: "app", To: "db", Port: 5432}}, reason: "boot.failed", says: map[string]string{"met": "db (db-backup)", "backup": "app-backup"}},
		"it looked for another":     {tried: tried("dns", "db.prod.example.com.", "db.prod.example.com", time.Hour), reason: "boot.failed", says: map[string]string{"sought": "db.prod.example.com"}},
		"as the scenario expects":   {tried: tried("tcp", "192.0.2.7:443", "metrics.example.com", time.Hour), reason: "backup.bad"},
		"what an address is called": {tried: tried("dns", "7.2.0.10.in-addr.arpa.", "7.2.0.10.in-addr.arpa", time.Hour), reason: "backup.bad"},
		"nobody can tell":           {broken: instance.ErrUnmeasured, reason: "boot.failed", says: map[string]string{"unknown": instance.ErrUnmeasured.Error()}},
		"an image of the engine":    {app: "image: img", reason: "boot.failed", says: map[string]string{"image": "img", "backup": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			w := pairWorld(t)
			w.machine.Attempts = tc.tried
			w.machine.Links = func() ([]record.Link, error) { return tc.links, tc.broken }
			yaml := pair
			if tc.app != "" {
				yaml = strings.NewReplacer("boot: app-backup", tc.app, "  app-backup: {store: {kind: fake}, restore: {kind: image}}\n", "").Replace(pair)
			}
			res := w.run(yaml)
			require.NotEmpty(t, res.Verdict.Reasons)
			first := res.Verdict.Reasons[0]
			assert.Equal(t, tc.reason, first.ID, "%v", res.Verdict.Reasons)
			assert.Equal(t, map[bool]record.Status{true: record.StatusFailed, false: record.StatusInconclusive}[tc.reason == "backup.bad"],
				res.Verdict.Status)
			assert.Contains(t, first.Args["why"], "schema version 42 is newer than 40", "its last words")
			assert.Equal(t, 1, strings.Count(first.Args["why"], "exit code 3"), "once: %s", first.Args["why"])
			assert.NotContains(t, reasons(res.Verdict), "harness.broke")
			for arg, want := range tc.says {
				assert.Equal(t, want, first.Args[arg], arg)
			}
		})
	}
}

// A sandbox tells what it saw a moment later: an instance that ended at once is asked for then.
func TestWhoMetWhomIsAskedLater(t *testing.T) {
	w := pairWorld(t)
	var ended atomic.Int64
	w.machine.Images["img"] = fake.Script{Up: func(context.Context, *fake.Machine) error {
		ended.Store(time.Now().UnixNano())
		return errors.New("ended with exit code 3")
	}}
	w.machine.Links = func() ([]record.Link, error) {
		if at := ended.Load(); at == 0 || time.Since(time.Unix(0, at)) < 400*time.Millisecond {
			return nil, nil
		}
		return []record.Link{{From: "app", To: "db", Port: 5432}}, nil
	}
	res := w.run(pair)
	assert.Equal(t, "boot.failed", res.Verdict.Reasons[0].ID, "%v", res.Verdict.Reasons)
}

// An upgrade whose new version does not come up keeps what it printed.
func TestLastWordsOfAnUpgrade(t *testing.T) {
	w := newWorld(t)
	var up atomic.Bool
	w.machine.Images["img"] = fake.Script{BootTime: time.Second, Up: func(context.Context, *fake.Machine) error { up.Store(true); return nil }}
	w.machine.Images["broken"] = fake.Script{Up: func(_ context.Context, m *fake.Machine) error {
		up.Store(false)
		m.Print("migrating\nERROR: relation \"orders\" does not exist\n")
		return errors.New("ended with exit code 1")
	}}
	w.business = up.Load
	res := w.run(strings.NewReplacer("trigger: fault", "trigger: upgrade", "faults: [{kind: break, on: db}]\n",
		"upgrade: [{boot: {instance: db, image: broken}}]\n").Replace(simple))
	assert.Equal(t, record.StatusPassed, res.Verdict.Status, "%v", res.Verdict.Reasons)
	require.Len(t, res.Record.Failures, 1)
	f := res.Record.Failures[0]
	assert.Equal(t, []string{"migrating", `ERROR: relation "orders" does not exist`}, f.Lines)
	assert.Equal(t, "upgrade", f.During)
	assert.Equal(t, "db", f.Subject.Instance)
	assert.Contains(t, res.Record.Steps[0].Error, `relation "orders" does not exist`)
}

// A business that works again shows that what was booted serves it, where its readiness gives no answer; where the
// readiness says no, one of them is wrong, and nobody's backup.
func TestReadyByThePulse(t *testing.T) {
	for name, tc := range map[string]struct {
		refuses bool
		want    record.Status
	}{
		"no answer":           {false, record.StatusPassed},
		"the answer is wrong": {true, record.StatusInconclusive},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			var boots atomic.Int32
			w.machine.Images["img"] = fake.Script{BootTime: time.Second,
				Up: func(context.Context, *fake.Machine) error { boots.Add(1); return nil },
				Exec: func(ctx context.Context, _ *fake.Machine, _ instance.Command) (instance.Result, error) {
					switch {
					case boots.Load() < 2:
						return instance.Result{}, nil
					case tc.refuses:
						return instance.Result{Exit: 1}, nil
					}
					<-ctx.Done()
					return instance.Result{}, ctx.Err()
				}}
			w.business = func() bool {
				m := w.driver.Machine("db")
				s, err := m.State(context.Background())
				w.mu.Lock()
				defer w.mu.Unlock()
				return err == nil && s.Running && (boots.Load() > 1 || !w.broken["db"])
			}
			res := w.run(strings.Replace(simple, "load: db-backup}", "load: db-backup, ready: {exec: [ready]}}", 1))
			assert.Equal(t, tc.want, res.Verdict.Status, "%v", res.Verdict.Reasons)
			if tc.refuses {
				assert.Contains(t, res.Verdict.Reasons[0].Args["error"], "correct ready: of db")
				return
			}
			var seen []string
			for _, o := range res.Record.Observations {
				seen = append(seen, o.ID)
			}
			assert.Contains(t, seen, "boot.by_pulse")
		})
	}
}
