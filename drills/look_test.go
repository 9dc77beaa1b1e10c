package drills

import (
	"cmp"
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/filekind"
	"lifeboat/scenarios"
	"lifeboat/verifier"
)

// keeping is a store of one backup.
type keeping struct {
	fakeStore
	content string
	broke   bool
}

func (k keeping) Fetch(ctx context.Context, p store.Point) (store.Stream, error) {
	if k.broke {
		return nil, errors.New("the network broke")
	}
	return store.Verify(ctx, store.Opened{Body: io.NopCloser(strings.NewReader(k.content)), Point: p, Size: -1}), nil
}

// looking is a loader that knows files by their first bytes.
type looking struct{ fakeLoader }

func (looking) Look(ctx context.Context, s restore.Source) error {
	stream, err := s.Open(ctx)
	if err != nil {
		return err
	}
	defer stream.Close()
	head := make([]byte, 100)
	n, _ := io.ReadFull(stream, head)
	if found := filekind.Of(head[:n]); !found.In("pg_plain") {
		return &restore.KindError{Backup: s.Backup, Found: found}
	}
	if env, err := s.Env(ctx); err != nil || env["SERVER"] == "old" {
		return errors.Join(err, &restore.MisfitError{Backup: s.Backup, What: restore.MisfitServer, Has: "16", Wants: "old"})
	}
	return nil
}

// described is a driver that knows what its images set.
type described struct{ instance.Driver }

func (described) ImageEnv(_ context.Context, image string) (map[string]string, error) {
	return map[string]string{"SERVER": image}, nil
}

// What lies in the place of a backup is said before anything boots and before any flow is asked, with a record.
func TestLookBeforeAnythingBoots(t *testing.T) {
	for name, c := range map[string]struct {
		store  keeping
		status record.Status
		id     string // of the reason
		kind   string
		booted bool
		image  string
	}{
		"an error message": {keeping{content: "pg_dump: error: no such host\n"}, record.StatusFailed, "backup.no_backup", "message", false, ""},
		"encrypted":        {keeping{content: "Salted__12345678"}, record.StatusInconclusive, "backup.packed", "openssl", false, ""},
		"another system's": {keeping{content: "-- MySQL dump 10.13\n"}, record.StatusInconclusive, "backup.misplaced", "mysql", false, ""},
		"another digest":   {keeping{content: "-- PostgreSQL database dump\n"}, record.StatusFailed, "backup.bad", "", false, ""},
		"not to be read":   {keeping{broke: true}, record.StatusPassed, "passed.check_run", "", true, ""},
		"an older server":  {keeping{content: "-- PostgreSQL database dump\n"}, record.StatusInconclusive, "backup.misfit", "", false, "old"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.change = func(k *Kit) {
				k.Stores["fake"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) { return c.store, nil }
				k.Loaders["fake"] = func(scenarios.Settings) (restore.Loader, []scenarios.Problem) {
					return looking{fakeLoader{w}}, nil
				}
				if fake := k.Instances["fake"]; c.image != "" {
					plain := fake.New
					fake.New = func(s instance.Site) (instance.Driver, error) {
						d, err := plain(s)
						return described{d}, err
					}
					k.Instances["fake"] = fake
				}
			}
			res := w.run(strings.NewReplacer("img", cmp.Or(c.image, "img")).Replace(`
scenario: look
trigger: none
backups: {a: {store: {kind: fake}, restore: {kind: fake}, consistent_to: 1999-12-31T23:00:00Z}}
instances: {db: {kind: fake, image: img, load: a}}
checks:
  system: [{kind: ask}]
  excluded: {service: none, data: none, business: none}
`))
			assert.Equal(t, c.status, res.Verdict.Status, "%v", res.Verdict.Reasons)
			assert.Equal(t, c.id, res.Verdict.Reasons[0].ID, "%v", res.Verdict.Reasons)
			assert.Equal(t, c.booted, len(res.Record.Boots) > 0)
			assert.Equal(t, c.booted, w.loads > 0)
			assert.NotContains(t, reasons(res.Verdict), "harness.broke")
			r := res.Record.Restores[0]
			assert.Equal(t, "db", r.Subject.Instance)
			assert.Equal(t, "p1", r.Point)
			if c.kind != "" {
				assert.Equal(t, c.kind, r.Kind.Name)
			}
			assert.Len(t, res.Record.RestorePoints, 1)
		})
	}
}

// All that is wrong is said at once.
func TestLookSaysAllAtOnce(t *testing.T) {
	w := newWorld(t)
	w.change = func(k *Kit) {
		k.Stores["fake"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) {
			return keeping{content: "\x1f\x9d packed long ago"}, nil
		}
		k.Loaders["fake"] = func(scenarios.Settings) (restore.Loader, []scenarios.Problem) {
			return looking{fakeLoader{w}}, nil
		}
		k.Flows = func(instance.Companion, *slog.Logger) (verifier.Flows, error) {
			return nil, errors.New("no flow is asked")
		}
	}
	res := w.run(strings.NewReplacer("backups:\n", "backups:\n  second: {store: {kind: fake}, restore: {kind: fake}}\n",
		"instances:\n", "instances:\n  more: {kind: fake, image: img, load: second}\n").Replace(simple))
	assert.Equal(t, record.StatusInconclusive, res.Verdict.Status)
	assert.Len(t, res.Record.Restores, 2)
	assert.NotContains(t, reasons(res.Verdict), "harness.broke")
	assert.Equal(t, "gzip -dk p1", res.Verdict.Reasons[0].Args["command"])
}
