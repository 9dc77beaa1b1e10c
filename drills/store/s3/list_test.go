package s3

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/store"
	"lifeboat/drills/store/storetest"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func sumOf(text string) string { return storetest.Sum([]byte(text))[len("sha256:"):] }

// problem checks that an error is one of the store, says so, and keeps secrets.
func problem(t *testing.T, err error, want string) {
	t.Helper()
	var p *store.Problem
	require.ErrorAs(t, err, &p)
	assert.ErrorContains(t, err, want)
	assert.NotContains(t, err.Error(), secret)
}

// TestList lists buckets of a real server.
func TestList(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		objects  map[string]string // written at noon, each an hour after the one before in the order of names
		settings string
		want     string // ID, size, digest's first digits, time, declared time and its source
		problem  string
	}{
		"nobody promised a digest": {objects: map[string]string{"a.dump": "data"}, want: "a.dump 4 - 12:00 -\n"},
		"its own list": {objects: map[string]string{"a.dump": "a", "a.dump.sha256": sumOf("a") + "\n"},
			want: "a.dump 1 ca978112 12:00 -\n"},
		"a list beside it": {objects: map[string]string{"SHA256SUMS": sumOf("b") + " *other/b.dump\n" + sumOf("a") + " *a.dump\n",
			"a.dump": "a"}, want: "a.dump 1 ca978112 13:00 -\n"},
		"two digests": {objects: map[string]string{"a.dump": "a", "a.dump.sha256": sumOf("b"),
			"SHA256SUMS": sumOf("a") + "  a.dump"},
			want: "a.dump 1 - 13:00 -? it is promised two digests, in SHA256SUMS and in a.dump.sha256\n"},
		"a list that does not name it": {objects: map[string]string{"a.dump": "a", "b.dump": "b",
			"a.dump.sha256": "SHA256 (/x/a.dump) = " + sumOf("a"), "b.dump.sha256": sumOf("a") + "  a.dump"},
			want: "a.dump 1 ca978112 12:00 -\nb.dump 1 - 14:00 -? b.dump.sha256 promises the digest of a.dump\n"},
		"no list of digests": {objects: map[string]string{"a.dump": "a", "SHA256SUMS": "<html>"},
			want: "a.dump 1 - 13:00 -? SHA256SUMS does not name it, and SHA256SUMS:1 is not a line of sha256sum\n"},
		"promised and missing": {objects: map[string]string{"a.dump": "a", "SHA256SUMS": sumOf("a") + "  a.dump\n" +
			sumOf("b") + "  b.dump"}, want: "b.dump 0 - 00:00 -! absent\na.dump 1 ca978112 13:00 -\n"},
		"missing, its own list is not": {objects: map[string]string{"a.dump": "a", "b.dump.sha256": sumOf("b")},
			want: "b.dump 0 - 00:00 -! absent\na.dump 1 - 12:00 -\n"},
		"a manifest decides the order": {objects: map[string]string{"a.dump": "a", "b.dump": "b",
			"a.dump.manifest.yaml": "consistent_to: 2026-03-02T00:00:00Z\nconsistent_by: its snapshot"},
			want: "b.dump 1 - 14:00 -\na.dump 1 - 12:00 00:00 manifest a.dump.manifest.yaml: its snapshot\n"},
		"a manifest of nonsense": {objects: map[string]string{"a.dump": "a", "a.dump.manifest.yaml": "to: x"},
			want: "a.dump 1 - 12:00 -! read store s3\n"},
		"some of them": {objects: map[string]string{"a.dump": "a", "a.img": "i", "a.img.sha256": "nonsense"},
			settings: "pattern: '*.dump'", want: "a.dump 1 - 12:00 -\n"},
		"what is about backups, and hidden": {objects: map[string]string{".a": "a", "a.profile.json": "{}", "a.asc": "x"}},
		"folders are left out":              {objects: map[string]string{"a.dump": "a", "deep/b.dump": "b"}, want: "a.dump 1 - 12:00 -\n"},
		"folders that the pattern names": {objects: map[string]string{"a.dump": "a", "deep/SHA256SUMS": sumOf("b") + "  b.dump",
			"deep/b.dump": "b", "deep/er/c.dump": "c"}, settings: "pattern: '*/*'", want: "deep/b.dump 1 3e23e816 14:00 -\n"},
		"below a prefix": {objects: map[string]string{"db-old/c.dump": "c", "db/b +#?%41.dump": "b"},
			settings: "prefix: db/", want: "b +#?%41.dump 1 - 13:00 -\n"},
		"a prefix that is not there": {objects: map[string]string{"a.dump": "a"}, settings: "prefix: other"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := theGateway(t)
			bucket := g.bucket(t)
			hour := time.Duration(0)
			for _, key := range slices.Sorted(maps.Keys(test.objects)) {
				g.Put(t, bucket, key, []byte(test.objects[key]), noon.Add(hour))
				hour += time.Hour
			}
			points, err := openStore(t, g.with(bucket, test.settings)).List(t.Context())
			if test.problem != "" {
				problem(t, err, test.problem)
				return
			}
			require.NoError(t, err)
			got := ""
			for _, p := range points {
				sum, to := "-", "-"
				if p.Digest.Given() {
					sum = p.Digest.Value[:8]
				}
				if !p.ConsistentTo.IsZero() {
					to = p.ConsistentTo.Format("15:04 ") + p.ConsistentBy
				}
				if p.Doubt != "" {
					to += "? " + p.Doubt
				}
				if p.Unusable != "" {
					to += "! " + string(p.Unusable)
				}
				if p.Wrong != nil {
					to += "! " + p.Wrong.Error()[:13]
				}
				got += fmt.Sprintf("%s %d %s %s %s\n", p.ID, p.Size, sum, p.Taken.Format("15:04"), to)
			}
			assert.Equal(t, test.want, got)
		})
	}
}
