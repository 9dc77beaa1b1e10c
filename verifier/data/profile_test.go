package data

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
	"lifeboat/verifier/verifiertest"
)

// shop is a profile of one table.
func shop(change func(*database.ProfiledTable)) *database.Profile {
	t := database.ProfiledTable{Name: "public.orders", Rows: 100, Hash: "a", Columns: []database.ProfiledColumn{
		{Name: "amount", Hash: "b", Least: "1.00", Most: "9.50"}, {Name: "at", Hash: "c", Least: "2026-01-01", Most: "2026-03-01"}}}
	if change != nil {
		change(&t)
	}
	return &database.Profile{Version: database.ProfileVersion, Kind: "postgres", Server: "15.4", Hash: "h", Taken: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC),
		Databases: []database.ProfiledDatabase{{Database: "shop", Encoding: "UTF8", Tables: []database.ProfiledTable{t},
			Things: []database.Thing{{Kind: "table", Name: "public.orders", Is: "table"}}}}}
}

func TestJudgeProfile(t *testing.T) {
	beside := reference{Against: againstBackup, Digest: "sha256:1"}
	last := reference{Against: againstLast, Digest: "sha256:2", Drill: "d1", Point: "old.dump", Another: true}
	digit := func(t *database.ProfiledTable) { t.Hash, t.Columns[0].Hash = "x", "y" }
	for name, c := range map[string]struct {
		keys   string
		seen   profiled
		status record.CheckStatus
		says   string
		beside []string
	}{
		"the same": {"", profiled{Now: shop(nil), Was: shop(nil), From: beside}, "passed", "1 tables are what its profile says, to the value: 100 rows", nil},
		"a digit": {"", profiled{Now: shop(digit), Was: shop(nil), From: beside}, "failed",
			"shop: table public.orders: values are not those of its profile, in amount", nil},
		"a row": {"", profiled{Now: shop(func(t *database.ProfiledTable) { t.Rows = 99 }), Was: shop(nil), From: beside}, "failed",
			"shop: table public.orders holds 99 rows, and its profile says 100", nil},
		"shifted": {"", profiled{Now: shop(func(t *database.ProfiledTable) { t.Hash = "x" }), Was: shop(nil), From: beside}, "failed",
			"shop: table public.orders: every column holds the values that its profile says, but not in the same rows", nil},
		"not read here": {"", profiled{Now: shop(func(t *database.ProfiledTable) { t.Unread = "no right" }), Was: shop(nil), From: beside}, "crashed",
			"database shop was not read whole: public.orders: no right", nil},
		"not read there": {"", profiled{Now: shop(nil), Was: shop(func(t *database.ProfiledTable) { t.Unread = "no right" }), From: beside}, "crashed",
			"nothing of the content can be held against its profile: no row was read there", nil},
		"one of two not read there": {"", profiled{Now: two(nil), Was: two(func(t *database.ProfiledTable) { t.Unread = "no right" }), From: beside}, "passed",
			"1 tables are what its profile says, to the value: 100 rows", []string{"profile.unread"}},
		"not read there nor here": {"", profiled{Now: two(func(t *database.ProfiledTable) { t.Unread = "invalid page" }),
			Was: two(func(t *database.ProfiledTable) { t.Unread = "no right" }), From: beside}, "crashed",
			"database shop was not read whole: public.customers: invalid page", nil},
		"a sample of nothing": {"", profiled{Now: shop(ofNothing), Was: shop(ofNothing), From: beside}, "crashed",
			"shop: table public.orders cannot be held against its profile: there it is 0 %, seed 7, by , here 0 %, seed 7, by", nil},
		"rows of which its profile says nothing": {"", profiled{Now: two(nil), Was: func() *database.Profile {
			p := two(nil)
			p.Databases[0].Tables = p.Databases[0].Tables[:1]
			return p
		}(), From: beside}, "crashed", "shop: table public.customers cannot be held against its profile: there it is no rows, here 7", nil},
		"hashed otherwise": {"", profiled{Now: func() *database.Profile { p := shop(nil); p.Hash = "other"; return p }(), Was: shop(nil), From: beside}, "crashed",
			"profile cannot be held against its profile: there it is h, here other", nil},
		"sampled": {"", profiled{Now: sampled(), Was: sampled(), From: beside}, "passed", "1 tables are what its profile says, to the value: 10 rows",
			[]string{"profile.sampled"}},
		"nothing to hold it against": {"", profiled{Now: shop(nil)}, "passed",
			"recorded for the next proof, and held against nothing yet: 1 tables, 100 rows", []string{"unlooked.profile"}},
		"nothing at all": {"", profiled{Now: shop(func(t *database.ProfiledTable) { t.Rows = 0 })}, "failed", "1 tables hold not one row", nil},
		"structure alone": {"", profiled{Now: ofStructure(), Was: ofStructure(), From: beside}, "passed", "the structure is what its profile says, which is of no row",
			[]string{"profile.part"}},
		"a part of more": {"", profiled{Now: func() *database.Profile {
			p := shop(nil)
			p.Databases[0].Outside = []string{"crm.people", "crm.visits"}
			return p
		}(), Was: func() *database.Profile { p := shop(nil); p.Scope.Schemas = []string{"public"}; return p }(), From: beside}, "passed",
			"1 tables are what its profile says, to the value: 100 rows", []string{"profile.part"}},
		"other structure": {"", profiled{Now: ofStructure(), Was: func() *database.Profile {
			p := ofStructure()
			p.Databases[0].Things[0].Is = "view"
			return p
		}(), From: beside}, "failed", "shop: table public.orders is table, and its profile says view", []string{"profile.part"}},
		"nothing at all, as its profile says": {"", profiled{Now: shop(func(t *database.ProfiledTable) { t.Rows = 0 }),
			Was: shop(func(t *database.ProfiledTable) { t.Rows = 0 }), From: beside}, "failed", "1 tables hold not one row", nil},
		"no database": {"", profiled{Missing: "shop"}, "failed", "there is no database shop on db", nil},
		"not asked":   {"", profiled{}, "crashed", "no database was read on db", nil},
		"grown": {"moved: [orders.at]", profiled{Now: shop(func(t *database.ProfiledTable) { digit(t); t.Rows, t.Columns[1].Most = 101, "2026-03-03" }), Was: shop(nil), From: last},
			"passed", "1 tables have grown from the proof d1 as they may: 101 rows", []string{"unlooked.last"}},
		"a quiet day": {"", profiled{Now: shop(nil), Was: shop(nil), From: last}, "passed", "1 tables have grown from the proof d1 as they may: 100 rows",
			[]string{"profile.still", "unlooked.last"}},
		"a stale copy": {"moved: [orders.at]", profiled{Now: shop(nil), Was: shop(nil), From: last}, "failed",
			"shop: table public.orders, column at has not moved on since the proof d1: it was 2026-03-01 and is 2026-03-01", []string{"profile.still", "unlooked.last"}},
		"half is lost": {"", profiled{Now: shop(func(t *database.ProfiledTable) { t.Rows, t.Hash = 50, "z" }), Was: shop(nil), From: last}, "failed",
			"shop: table public.orders holds 50 rows and held 100 in the proof d1: it may not lose so many", []string{"unlooked.last"}},
		"half may be lost": {"tables: {orders: {shrink: 50%}}", profiled{Now: shop(func(t *database.ProfiledTable) { t.Rows, t.Hash = 50, "z" }), Was: shop(nil), From: last},
			"passed", "1 tables have grown from the proof d1 as they may: 50 rows", []string{"unlooked.last"}},
		"a name that is nobody's": {"moved: [order.at]", profiled{Now: shop(digit), Was: shop(nil), From: last}, "crashed",
			"nothing is called order.at: correct it under tables or moved", nil},
		"the same restore point again": {"moved: [orders.at]", profiled{Now: shop(nil), Was: shop(nil), From: reference{Against: againstLast, Drill: "d1"}}, "passed",
			"1 tables are what the proof d1 says, to the value: 100 rows", nil},
	} {
		t.Run(name, func(t *testing.T) {
			a := judged(t, "profile", "{on: db, "+c.keys+"}", nil, c.seen)
			assert.Equal(t, c.status, a.Status)
			assert.Equal(t, c.says, a.Message)
			var ids []string
			for _, o := range a.Beside {
				ids = append(ids, o.ID)
			}
			assert.Equal(t, c.beside, ids)
			assert.Equal(t, name == "nothing to hold it against" || name == "structure alone", a.Recorded, "it reaches no rung")
		})
	}
	many := shop(nil)
	for i := range 14 {
		many.Databases[0].Things = append(many.Databases[0].Things, database.Thing{Kind: "view", Name: "v" + string(rune('a'+i)), Is: "x"})
	}
	a := judged(t, "profile", "{on: db}", nil, profiled{Now: shop(nil), Was: many, From: beside})
	require.Len(t, a.Beside, mostDifferences+1)
	assert.Equal(t, record.Observation{ID: "profile.more", Args: map[string]string{"count": "3"}}, a.Beside[mostDifferences])
}

func sampled() *database.Profile {
	return shop(func(t *database.ProfiledTable) { t.Sample = &database.Sample{Share: 0.1, Seed: 7, Rows: 10} })
}

// ofStructure is a profile beside a dump that was made, or said to be made, with --schema-only.
func ofStructure() *database.Profile {
	p := shop(nil)
	p.Scope.SchemaOnly, p.Databases[0].Tables = true, nil
	return p
}

func ofNothing(t *database.ProfiledTable) { t.Sample = &database.Sample{Seed: 7} }

// two is shop and another table.
func two(change func(*database.ProfiledTable)) *database.Profile {
	p := shop(nil)
	t := database.ProfiledTable{Name: "public.customers", Rows: 7, Hash: "d"}
	if change != nil {
		change(&t)
	}
	d := &p.Databases[0]
	d.Tables, d.Things = append(d.Tables, t), append(d.Things, database.Thing{Kind: "table", Name: t.Name, Is: "table"})
	return p
}

// referred is a target with a profile beside its backup, and a last proof.
type referred struct {
	verifiertest.Fake
	raw  string
	err  error
	last *verifier.Proof
}

func (r referred) Beside(string) ([]byte, string, error) {
	if r.raw == "" {
		return nil, "", r.err
	}
	return []byte(r.raw), "sha256:1", r.err
}
func (r referred) Last(string) (*verifier.Proof, error) { return r.last, nil }
func (r referred) Held(string) bool                     { return false }
func (r referred) Hide(f verifier.Facts) verifier.Facts { return f }

// What is wrong with a profile is no word on the backup.
func TestReferenceOfAProfile(t *testing.T) {
	good, err := shop(nil).Bytes()
	require.NoError(t, err)
	facts, err := verifier.Encode("profile", profiled{Now: shop(nil)})
	require.NoError(t, err)
	proof := &verifier.Proof{Drill: "d1", Journal: "sha256:2", Facts: facts, Point: "old.dump", Another: true}
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "p.json"), good, 0o600))
	for name, c := range map[string]struct {
		keys, err string
		target    referred
		want      reference
	}{
		"beside":                   {"", "", referred{raw: string(good), last: proof}, reference{Against: "backup", Digest: "sha256:1"}},
		"the last proof":           {"", "", referred{last: proof}, reference{Against: "last", Digest: "sha256:2", Drill: "d1", Point: "old.dump", Another: true}},
		"the last proof by choice": {"against: last", "", referred{raw: "torn", last: proof}, reference{Against: "last", Digest: "sha256:2", Drill: "d1", Point: "old.dump", Another: true}},
		"neither":                  {"", "", referred{}, reference{}},
		"none beside":              {"against: backup", "no profile lies beside the backup", referred{last: proof}, reference{}},
		"torn":                     {"", "it is no profile, or not all of one", referred{raw: string(good[:len(good)/2]), last: proof}, reference{}},
		"a page":                   {"", "it is no profile", referred{raw: "<html>"}, reference{}},
		"of a later lifeboat":      {"", "it is of version 2, and this lifeboat reads 1", referred{raw: `{"version": 2}`}, reference{}},
		"another key":              {"", "it is no profile: json: unknown field", referred{raw: `{"version": 1, "extra": 2}`}, reference{}},
		"of nothing":               {"", "it tells of no database", referred{raw: `{"version": 1}`}, reference{}},
		"not to be had":            {"", "which is no word on the backup: 403 (mend or remove it", referred{err: errors.New("403"), last: proof}, reference{}},
		"a file":                   {"file: p.json", "", referred{raw: "torn"}, reference{Against: "backup", File: "p.json"}},
		"no file":                  {"file: q.json", "read the profile", referred{}, reference{}},
		"facts of another kind":    {"", "it holds no profile", referred{last: &verifier.Proof{Facts: []byte(`{"kind":"rows"}`)}}, reference{}},
	} {
		t.Run(name, func(t *testing.T) {
			check, problems := New(verifiertest.Spec(t, "profile", "{on: db, "+c.keys+"}"), dir)
			require.Empty(t, problems)
			seen, err := check.(*profile).reference(c.target)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			if c.want.File != "" {
				seen.From.Digest = ""
			}
			assert.Equal(t, c.want, seen.From)
		})
	}
}

func TestKeysOfAProfile(t *testing.T) {
	for keys, want := range map[string]string{
		"against: now":                    "is neither",
		"against: backup, shrink: 5%":     "nothing may differ",
		"file: x, moved: [a.b]":           "nothing may differ",
		"against: last, file: x":          "a file is not the last proof",
		"moved: ['[']":                    "is not a pattern",
		"tables: {orders: {shrinks: 1%}}": "unknown key",
	} {
		problems := verifiertest.Problems(t, New, "profile", "{on: db, "+keys+"}")
		require.NotEmpty(t, problems, keys)
		assert.Contains(t, problems[0], want)
	}
	held := []database.Held{{Name: "postgres"}, {Name: "app"}}
	c := verifiertest.Make(t, New, "profile", "{on: db}").(*profile)
	name, missing := c.copied(held, shop(nil))
	assert.Equal(t, []string{"app", ""}, []string{name, missing}, "a plain dump is loaded under a name of its own")
	own := shop(nil)
	own.Databases[0].Database = "postgres"
	name, _ = c.copied([]database.Held{{Name: "app", Bytes: 9}, {Name: "postgres", Bytes: 8}}, own)
	assert.Equal(t, "app", name, "the server's own is not the copy of one that has its name")
	name, _ = c.copied([]database.Held{{Name: "app", Bytes: 8}, {Name: "postgres", Bytes: 9}}, own)
	assert.Equal(t, "postgres", name)
	like, err := heldAgainst(shop(nil), "app")
	require.NoError(t, err)
	assert.Equal(t, "app", like.Databases[0].Database, "samples are drawn again under the name that it has here")
	pair := shop(nil)
	pair.Databases = append(pair.Databases, own.Databases...)
	_, err = heldAgainst(pair, "app")
	assert.ErrorContains(t, err, "the profile is of 2 databases")
	name, missing = c.copied(append(held, database.Held{Name: "other"}), shop(nil))
	assert.Equal(t, []string{"", "shop"}, []string{name, missing})
}
