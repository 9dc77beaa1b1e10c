package drills

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

func TestMadeAt(t *testing.T) {
	for name, c := range map[string]struct{ text, zone, made, at string }{
		"no zone":             {"2026-01-31 02:00:00", "", "2026-01-31 02:00:00", ""},
		"the scenario's":      {"2026-01-31 02:00:00", "Asia/Shanghai", "2026-01-31 02:00:00", "2026-01-30T18:00:00Z"},
		"UTC, as it says":     {"2026-01-31 02:00:00 UTC", "Asia/Shanghai", "2026-01-31 02:00:00", "2026-01-31T02:00:00Z"},
		"CST says nothing":    {"2026-01-31 02:00:00 CST", "", "2026-01-31 02:00:00", ""},
		"an hour that is two": {"2026-10-25 02:30:00", "Europe/Berlin", "2026-10-25 02:30:00", "2026-10-25T00:30:00Z"},
		"nothing":             {"", "UTC", "", ""},
		"no time":             {"yesterday at noon", "UTC", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			made, at := madeAt(c.text, c.zone)
			assert.Equal(t, c.made, made)
			if c.at == "" {
				assert.True(t, at.IsZero())
				return
			}
			assert.Equal(t, c.at, at.Format(time.RFC3339))
		})
	}
	_, err := scenarios.LoadZone("Local")
	assert.Error(t, err, "a record means the same everywhere")
}

// A dump's header and the zone of its backup say to when it is consistent; a declared time that it contradicts fails.
func TestHeaderOfADump(t *testing.T) {
	for name, c := range map[string]struct {
		keys, says string
		status     record.Status
	}{
		"zone":        {", timezone: Asia/Shanghai", "the dump's header, Asia/Shanghai", record.StatusPassed},
		"no zone":     {"", "", record.StatusInconclusive},
		"as declared": {", consistent_to: 1999-12-31T12:00:00Z", "scenario", record.StatusPassed},
		"contradicts": {", consistent_to: 2000-01-02T12:00:00Z", "scenario", record.StatusFailed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.made = "2000-01-01 00:00:00"
			res := w.run(`
scenario: made
trigger: none
backups: {a: {store: {kind: fake}, restore: {kind: fake}` + c.keys + `}}
instances: {db: {kind: fake, image: img, load: a}}
checks:
  system: [{kind: ask}]
  excluded: {service: none, data: none, business: none}
`)
			assert.Equal(t, c.status, res.Verdict.Status, "%v", res.Verdict.Reasons)
			p := res.Record.RestorePoints[0]
			assert.Equal(t, c.says, p.ConsistentSource)
			assert.Equal(t, "2000-01-01 00:00:00", p.Made)
			if name == "zone" {
				assert.Equal(t, "1999-12-31T16:00:00Z", p.ConsistentTo.Format(time.RFC3339))
			}
		})
	}
}

// doubtful is a store whose list of digests does not name the backup.
type doubtful struct{ fakeStore }

func (doubtful) List(context.Context) ([]store.Point, error) {
	return []store.Point{{ID: "p1", Size: 10, Doubt: "SHA256SUMS does not name it", Taken: time.Unix(1, 0)}}, nil
}

// A digest that was not promised where others are is no proof, unless the scenario promises it.
func TestDoubtfulDigest(t *testing.T) {
	for keys, want := range map[string]record.Status{
		"": record.StatusInconclusive,
		", digest: 'sha256:" + strings.Repeat("0", 64) + "'": record.StatusPassed,
	} {
		w := newWorld(t)
		w.change = func(k *Kit) {
			k.Stores["fake"] = func(store.Site, scenarios.Settings) (store.Store, []scenarios.Problem) { return doubtful{}, nil }
		}
		w.sum = "sha256:" + strings.Repeat("0", 64)
		res := w.run(`
scenario: doubt
trigger: none
backups: {a: {store: {kind: fake}, restore: {kind: fake}, consistent_to: 1999-12-31T23:00:00Z` + keys + `}}
instances: {db: {kind: fake, image: img, load: a}}
checks:
  system: [{kind: ask}]
  excluded: {service: none, data: none, business: none}
`)
		assert.Equal(t, want, res.Verdict.Status, "%v", res.Verdict.Reasons)
	}
}
