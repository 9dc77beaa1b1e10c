// Package needs lets a test that cannot run here say so: it is skipped, but
// fails in CI, where everything that a test needs must be there.
package needs

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
)

// ciVariable is set by .ci/run.
const ciVariable = "LIFEBOAT_CI"

// Skip ends the test with the reason why it cannot run on this host.
func Skip(t testing.TB, reason ...any) {
	t.Helper()
	if os.Getenv(ciVariable) != "" {
		t.Fatal(append([]any{"in CI nothing is skipped:"}, reason...)...)
	}
	t.Skip(reason...)
}

// Skipf is Skip with a format.
func Skipf(t testing.TB, format string, args ...any) {
	t.Helper()
	Skip(t, fmt.Sprintf(format, args...))
}

// vmVariable says which tests with virtual machines run: none when it is empty, "some", or "all". They run one after another, since an emulated
// machine takes every processor that it gets.
const vmVariable = "LIFEBOAT_VM"

// VM skips a test that boots a virtual machine unless it was asked for.
func VM(t testing.TB) {
	t.Helper()
	if os.Getenv(vmVariable) == "" {
		t.Skip("make test boots virtual machines one after another, with " + vmVariable + "=some")
	}
}

// EveryVM skips a test with virtual machines that takes minutes, or needs a quiet host, unless all were asked for.
func EveryVM(t testing.TB) {
	t.Helper()
	if !AllVMs() {
		t.Skip("make test-vm runs it, with " + vmVariable + "=all")
	}
}

// AllVMs tells whether every test with virtual machines was asked for: make test-vm.
func AllVMs() bool { return os.Getenv(vmVariable) == "all" }

// longVariable asks for exhaustive tables and tests that load the whole host: make test-long sets it.
const longVariable = "LIFEBOAT_LONG"

// Long skips a test that takes minutes, or loads the host, unless it was asked for.
func Long(t testing.TB) {
	t.Helper()
	if !AllLong() {
		t.Skip("make test-long runs it, with " + longVariable + "=1")
	}
}

// AllLong tells whether the exhaustive tables were asked for.
func AllLong() bool { return os.Getenv(longVariable) != "" }

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
