// Package needs lets a test that cannot run here say so: it is skipped, but
// fails in CI, where everything that a test needs must be there.
package needs

import (
	"fmt"
	"os"
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
