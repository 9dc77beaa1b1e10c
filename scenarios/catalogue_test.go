package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
)

// TestCatalogue reads every entry of a catalogue as the check run that it is.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	const path = "testdata/catalogue/nightly.yaml"
	c, problems := ReadCatalogue(path)
	require.Empty(t, problems)
	assert.Equal(t, "nightly", c.Name)
	assert.Equal(t, 26*hour, c.Every)
	assert.Equal(t, []string{path + "#shop", path + "#crm", path + "#archive", path + "#web"}, Parts(path))
	assert.Equal(t, Listed{Name: "shop", Owner: "Li Wei", Controls: []string{"ISO 27001 A.8.13"}}, c.Backups[0])
	assert.Equal(t, []bool{false, true, true}, []bool{c.Backups[0].Points.Draws(), c.Backups[1].Points.Draws(), c.Backups[2].Points.Draws()})

	shop, problems := Read(c.Path("shop"))
	require.Empty(t, problems)
	assert.Equal(t, "nightly-shop", shop.Name)
	assert.Equal(t, "nightly-shop", shop.Series)
	assert.Equal(t, record.TriggerNone, shop.Trigger)
	assert.Equal(t, Loads{"shop"}, shop.Instances["db"].Load)
	assert.Equal(t, "Asia/Shanghai", shop.Backups["shop"].TimeZone)
	assert.Equal(t, 512*Size(1<<20), shop.Instances["db"].Memory)
	assert.Equal(t, "只验证数据", shop.Checks.Excluded[record.LayerBusiness]["zh"])
	assert.NotEmpty(t, shop.Checks.Excluded[record.LayerData], "what is not asked is said")
	assert.Empty(t, shop.Checks.Excluded[record.LayerService])

	web, problems := Read(c.Path("web"))
	require.Empty(t, problems)
	assert.Equal(t, "web", web.Instances["web"].Boot, "the defaults of another kind of restore are none for it")
	assert.Empty(t, web.Instances["web"].Image)
	assert.Equal(t, 26*hour, web.Objectives["age"])
}

// TestOneParse: every entry is read of the one file that was parsed, as it is by its path, whatever becomes of the file.
func TestOneParse(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/catalogue/nightly.yaml")
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "c.yaml")
	require.NoError(t, os.WriteFile(path, append(raw, "  - {name: wrong, store: {kind: dir, path: ./wrong}, deadline: soon}\n"...), 0o600))
	c, problems := ReadCatalogue(path)
	require.Empty(t, problems)
	by, wrong := map[string]string{}, Problems{}
	for _, b := range c.Backups {
		s, problems := Read(c.Path(b.Name))
		by[b.Name], wrong = s.Digest, append(wrong, problems...)
	}
	require.Len(t, wrong, 1)
	require.NoError(t, os.Remove(path))
	for i, b := range c.Backups {
		s, problems := c.Read(i)
		assert.Equal(t, by[b.Name], s.Digest, b.Name)
		if b.Name == "wrong" {
			assert.Equal(t, wrong, problems)
		} else {
			assert.Empty(t, problems, b.Name)
		}
	}
}

// TestDigestOfAnEntry changes with what it asks, and with nothing else.
func TestDigestOfAnEntry(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/catalogue/nightly.yaml")
	require.NoError(t, err)
	of := func(change ...string) string {
		path := filepath.Join(t.TempDir(), "c.yaml")
		require.NoError(t, os.WriteFile(path, []byte(strings.NewReplacer(change...).Replace(string(raw))), 0o600))
		s, problems := Read(path + "#crm")
		require.Empty(t, problems)
		return s.Digest
	}
	same := of()
	for _, other := range [][]string{{"path: ./shop}", "path: ./shop2}"}, {"title: {", "title:   {"}, {"owner: Li Wei", "owner: Wang"}, {"every: 26h", "every: 7d"}} {
		assert.Equal(t, same, of(other...), other)
	}
	for _, own := range [][]string{{"path: ./crm}", "path: ./crm2}"}, {"postgres:17", "postgres:16"}, {"memory: 512MiB", "memory: 1GiB"}, {"kind: tcp, to: \"db:5432\"", "kind: tcp, to: \"db:5433\""}} {
		require.Contains(t, string(raw), own[0])
		assert.NotEqual(t, same, of(own...), own)

	}
}

func TestDraw(t *testing.T) {
	t.Parallel()
	ids := []string{"a", "b", "c", "d", "e", "f", "g", "h"}
	assert.Equal(t, ids, Points{All: true}.Draw(ids, 1))
	assert.Equal(t, []string{"a"}, Points{Read: true}.Draw(ids, 1), "the newest, and the others are read")
	assert.Len(t, Points{Read: true, Random: 2}.Draw(ids, 1), 2)
	assert.NotEqual(t, Points{Random: 2}.String(), Points{Read: true, Random: 2}.String())
	assert.Equal(t, []string{"h"}, Points{Oldest: true}.Draw(ids, 1))
	assert.Empty(t, Points{Oldest: true}.Draw(nil, 1))
	assert.Equal(t, ids, Points{Random: 9}.Draw(ids, 1))
	some := Points{Random: 3}.Draw(ids, 1)
	assert.Len(t, some, 3)
	assert.Equal(t, some, Points{Random: 3}.Draw(ids, 1), "the same lot")
	assert.Equal(t, some, Points{Random: 3, Seed: 1}.Draw(ids, 2), "its own seed counts more")
	others := map[string]bool{}
	for seed := range int64(50) {
		for _, id := range (Points{Random: 1}).Draw(ids, seed) {
			others[id] = true
		}
	}
	assert.Greater(t, len(others), 5, "each has its turn")
}

// TestPointsOfNothing: what chooses no restore point is said, of the list and of the check run alike.
func TestPointsOfNothing(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/catalogue/nightly.yaml")
	require.NoError(t, err)
	for _, points := range []string{"{}", "{random: 0}", "{random: -1}", "{within: 5d}", "3", "null"} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		require.NoError(t, os.WriteFile(path, append(raw, "  - {name: more, store: {kind: dir, path: ./more}, points: "+points+"}\n"...), 0o600))
		c, list := ReadCatalogue(path)
		require.Len(t, list, 1, points)
		assert.Contains(t, list[0].Error(), ".points", points)
		_, run := Read(c.Path("more"))
		assert.Equal(t, list, run, points)
	}
}

// TestLimitsOfAnEntry: sizes and retention are read, and what promises nothing is a mistake.
func TestLimitsOfAnEntry(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/catalogue/nightly.yaml")
	require.NoError(t, err)
	of := func(keys string) (*Scenario, Problems) {
		path := filepath.Join(t.TempDir(), "c.yaml")
		require.NoError(t, os.WriteFile(path, append(raw, "  - {name: more, store: {kind: dir, path: ./more}, "+keys+"}\n"...), 0o600))
		return Read(path + "#more")
	}
	s, problems := of("points: oldest, min_size: 1MiB, shrink: 30%, retention: {keep: 7, oldest: 30d}")
	require.Empty(t, problems)
	b := s.Backups["more"]
	assert.Equal(t, []any{Size(1 << 20), Percent(30), Retention{Keep: 7, Oldest: 30 * 24 * hour}}, []any{b.MinSize, b.Shrink, b.Retention})
	for _, wrong := range []string{"min_size: 0B", "shrink: 0%", "shrink: 100%", "retention: {}", "retention: {keep: -1}", "retention: {keep: 0}", "points: newest"} {
		_, problems := of(wrong)
		assert.Len(t, problems, 1, wrong)
	}
}

// TestLongNames: a check run is called after its catalogue and its entry, and what is too long of that is told where it stands.
func TestLongNames(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/catalogue/nightly.yaml")
	require.NoError(t, err)
	for letters, want := range map[int]int{63 - len("nightly-"): 0, 64 - len("nightly-"): 1} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		name := strings.Repeat("a", letters)
		require.NoError(t, os.WriteFile(path, append(raw, "  - {name: "+name+", store: {kind: dir, path: ./more}}\n"...), 0o600))
		c, list := ReadCatalogue(path)
		require.Len(t, list, want)
		_, run := Read(c.Path(name))
		require.Len(t, run, want)
		if want > 0 {
			assert.Contains(t, list[0].Error(), "shorten one of them")
			assert.Equal(t, strings.Count(string(raw), "\n")+1, list[0].Line)
		}
	}
}

func TestCatalogueOfNoAge(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/catalogue/nightly.yaml")
	require.NoError(t, err)
	for _, every := range []string{"0s", "-1h", "7"} {
		path := filepath.Join(t.TempDir(), "c.yaml")
		require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(raw), "every: 26h", "every: "+every, 1)), 0o600))
		_, problems := ReadCatalogue(path)
		require.Len(t, problems, 1, every)
		assert.Contains(t, problems[0].Error(), "every", every)
	}
}

// A reader says of every drill of a file what Read says, right or wrong, and an entry costs the same in a list of any length.
func TestReader(t *testing.T) {
	long := func(n int, more string) string {
		var b strings.Builder
		b.WriteString("catalogue: long\nbackups:\n")
		for i := range n {
			fmt.Fprintf(&b, "  - {name: b%d, store: {kind: dir, path: ./b}, restore: {kind: postgres}, instance: {kind: docker, image: pg%s}, checks: {data: [{kind: content, on: b%d}]}}\n",
				i, more, i)
		}
		file := filepath.Join(t.TempDir(), "long.yaml")
		require.NoError(t, os.WriteFile(file, []byte(b.String()), 0o600))
		return file
	}
	matrix := filepath.Join(t.TempDir(), "two.yaml")
	require.NoError(t, os.WriteFile(matrix, []byte("scenario: two\nmatrix: {a: {service: one}, b: {trigger: never}}\n"), 0o600))
	var r Reader
	for _, file := range []string{long(3, ""), long(3, ", cpu: none"), matrix, filepath.Join(t.TempDir(), "none.yaml")} {
		for _, path := range append(Parts(file), file, file+"#nobody") {
			want, problems := Read(path)
			got, wrong := r.Read(path)
			assert.Equal(t, problems, wrong, path)
			require.Equal(t, want == nil, got == nil, path)
			if want != nil {
				assert.Equal(t, []any{want.Name, want.Digest, want.File, want.Dir}, []any{got.Name, got.Digest, got.File, got.Dir}, path)
			}
		}
	}
	cost := func(n int) float64 {
		file := long(n, "")
		_, problems := r.Read(file + "#b0")
		require.Empty(t, problems)
		return testing.AllocsPerRun(5, func() { r.Read(file + "#b1") })
	}
	assert.InDelta(t, cost(10), cost(200), 50, "allocations for one entry")
}
