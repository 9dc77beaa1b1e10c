package drills

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// grove is a loader of trees: its machine is not started yet.
type grove struct {
	fakeLoader
	folder string
	told   *[]string
}

func (g grove) Beforehand() string { return g.folder }
func (g grove) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	return noted(ctx, s, m, g.told, g.fakeLoader)
}

// server is a loader of a server's data, which may hold its machine and start it by itself.
type server struct {
	fakeLoader
	holds bool
	told  *[]string
}

func (l server) Prepare(r *instance.Request) error { r.Hold = r.Hold || l.holds; return nil }
func (l server) Load(ctx context.Context, s restore.Source, m instance.Machine) (restore.Outcome, error) {
	out, err := noted(ctx, s, m, l.told, l.fakeLoader)
	if err == nil && l.holds {
		err = m.Start(ctx)
	}
	return out, err
}

func noted(ctx context.Context, s restore.Source, m instance.Machine, all *[]string, l fakeLoader) (restore.Outcome, error) {
	state, err := m.State(ctx)
	if err != nil {
		return restore.Outcome{}, err
	}
	how := s.Backup + " stopped"
	if state.Running {
		how = s.Backup + " running"
	}
	*all = append(*all, how)
	return l.Load(ctx, s, m)
}

// with are the kinds of these tests, and what their loaders saw.
func (w *world) with(holds bool) *[]string {
	var seen []string
	w.change = func(k *Kit) {
		for _, name := range []string{"a", "b"} {
			k.Loaders["tree-"+name] = func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) {
				return grove{fakeLoader{w}, "/srv/" + name, &seen}, s.Decode(&struct{}{})
			}
		}
		k.Loaders["server"] = func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) {
			return server{fakeLoader{w}, holds, &seen}, s.Decode(&struct{}{})
		}
	}
	return &seen
}

// Several backups make one instance: trees before it is started, its server's data when it can take them; and how far apart they are is judged.
func TestLoadsOfOneInstance(t *testing.T) {
	const several = `  files: {store: {kind: fake}, restore: {kind: tree-a}, consistent_to: "2026-01-01T02:00:00Z"}
  more: {store: {kind: fake}, restore: {kind: tree-b}, consistent_to: "2026-01-01T02:04:00Z"}
  db-backup: {store: {kind: fake}, restore: {kind: server}, consistent_to: "2026-01-01T02:01:00Z"}`
	text := strings.Replace(simple, "  db-backup: {store: {kind: fake}, restore: {kind: fake}}", several, 1)
	text = strings.Replace(text, "load: db-backup", "load: [db-backup, files, more]", 1)
	for name, c := range map[string]struct {
		holds  bool
		limit  string
		status record.Status
		says   string
		loads  []string
	}{
		"one that runs": {false, "4m", record.StatusPassed, "", []string{"files stopped", "more stopped", "db-backup running"}},
		"one that is held": {true, "3m59s", record.StatusFailed, "skew.exceeded",
			[]string{"files stopped", "more stopped", "db-backup stopped"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			seen := w.with(c.holds)
			res := w.run(strings.Replace(text, "trigger: fault", "trigger: fault\nmax_skew: "+c.limit, 1))
			require.Equal(t, c.status, res.Verdict.Status, "%+v", res.Verdict.Reasons)
			if c.says != "" {
				assert.Equal(t, c.says, res.Verdict.Reasons[0].ID)
				assert.Equal(t, "files", res.Verdict.Reasons[0].Args["older"])
				assert.Equal(t, "more", res.Verdict.Reasons[0].Args["newer"])
			}
			assert.Equal(t, append(c.loads, c.loads...), *seen, "and again in the rollback")
			assert.Equal(t, []string{"db-backup", "files", "more"}, res.Record.Header.Instances[0].Backups())
		})
	}
}

// What cannot be one instance is said before anything is asked.
func TestLoadsThatCannotBe(t *testing.T) {
	w := newWorld(t)
	w.with(false)
	k := w.kit()
	k.Loaders["tree-deep"] = func(s scenarios.Settings) (restore.Loader, []scenarios.Problem) {
		return grove{fakeLoader{w}, "/srv/a/deep", new([]string)}, s.Decode(&struct{}{})
	}
	file := filepath.Join(t.TempDir(), "s.yaml")
	require.NoError(t, os.WriteFile(file, []byte(`
scenario: check
trigger: none
backups:
  one: {store: {kind: fake}, restore: {kind: server}}
  two: {store: {kind: fake}, restore: {kind: server}}
  a: {store: {kind: fake}, restore: {kind: tree-a}}
  deep: {store: {kind: fake}, restore: {kind: tree-deep}}
instances:
  db: {kind: fake, image: img, load: [one, a, two, a, deep]}
checks:
  system: [{kind: ask, on: db}]
  excluded: {service: none, data: none, business: none}
`), 0o600))
	s, problems := scenarios.Read(file)
	require.Len(t, problems, 1)
	assert.Contains(t, problems[0].Error(), "instances.db.load[3]: a is loaded already")
	said := Check(k, s).Error()
	assert.Contains(t, said, "instance db loads one and two, and is one server")
	assert.Contains(t, said, "backups a and deep of instance db are put into each other: /srv/a and /srv/a/deep")
}

// ofDB is a check of one instance.
type ofDB struct{ fakeCheck }

func (ofDB) On() string { return "db" }

// A way back may load another backup than the one that was restored: it is the one that is blamed and measured from then on, a step that
// loads it once more takes it again, and what starts on the old data keeps it.
func TestAnotherWayBack(t *testing.T) {
	text := strings.NewReplacer("  db-backup: {store: {kind: fake}, restore: {kind: fake}}", `  db-backup: {store: {kind: fake}, restore: {kind: server}, consistent_to: "2026-01-01T02:00:00Z"}
  older: {store: {kind: fake}, restore: {kind: server}, consistent_to: "2026-01-01T01:00:00Z"}`,
		"trigger: fault", "trigger: fault\nreference: 2026-01-01T02:00:10Z", "outage: 30m}", "outage: 30m, data_loss: 30m}",
		"- boot: db\n", "- boot: {instance: db, load: older}\n  - restore: db\n  - boot: {instance: db, keep_data: true}\n").Replace(simple)
	w := newWorld(t)
	seen := w.with(false)
	kinds := w.change
	w.change = func(k *Kit) {
		kinds(k)
		k.Checks["data/ask"] = func(s scenarios.CheckSpec, _ string) (verifier.Check, []scenarios.Problem) {
			return ofDB{fakeCheck{w, s.Name}}, nil
		}
	}
	asked := 0
	w.answer = func(name string) record.CheckStatus {
		if name != "data" {
			return record.CheckPassed
		}
		if asked++; asked == 1 {
			return record.CheckPassed
		}
		return record.CheckFailed
	}
	w.outline = func(p *Plan) { assert.Contains(t, p.Outline().Incidents[0].Rollback, "boot db with older") }
	res := w.run(text)
	assert.Equal(t, []string{"db-backup running", "older running", "older running"}, *seen)
	assert.Equal(t, record.StatusFailed, res.Verdict.Status)
	for _, o := range res.Verdict.Objectives {
		if o.Name == "data_loss" {
			assert.Equal(t, []string{"older"}, []string{o.Scope}, "%+v", o)
			assert.Equal(t, record.StatusFailed, o.Status)
		}
	}
	for _, c := range res.Record.Checks {
		if c.Status == record.CheckFailed {
			assert.Equal(t, "older", c.Backup, "%+v", c)
		}
	}
}
