package night

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A night that could not be begun, as on a full disk, leaves nothing that nobody could read for ever.
func TestNightThatCannotBeBegun(t *testing.T) {
	t.Parallel()
	home, never := t.TempDir(), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) // no JSON says that
	_, _, err := Create(home, Header{Started: time.Now(), Slot: &never})
	require.ErrorContains(t, err, "begin the night")
	left, err := os.ReadDir(Dir(home))
	require.NoError(t, err)
	require.Empty(t, left)
}
