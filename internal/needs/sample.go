package needs

import (
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

// seedVariable draws another sample than the usual one.
const seedVariable = "LIFEBOAT_SEED"

// usualSeed draws the sample of every run, so that a test that is green stays green: make test-long runs all.
const usualSeed = 20261129

// Sample gives n cases of a table whose every case costs a second or more, and all of them where exhaustive tables were asked for.
func Sample[V any](t testing.TB, all map[string]V, n int) map[string]V {
	t.Helper()
	if AllLong() || n >= len(all) {
		return all
	}
	seed := uint64(usualSeed)
	if given := os.Getenv(seedVariable); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatalf("%s=%s: %v", seedVariable, given, err)
		}
	}
	t.Logf("%d of %d; %s=%d draws them again, make test-long runs all", n, len(all), seedVariable, seed)
	names := slices.Sorted(maps.Keys(all))
	some := make(map[string]V, n)
	for _, i := range rand.New(rand.NewPCG(seed, 0)).Perm(len(names))[:n] {
		some[names[i]] = all[names[i]]
	}
	return some
}
