package pressure

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func proc(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "pressure"), 0o700))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	return dir
}

const line = "some avg10=1.00 avg60=0.50 avg300=0.10 total="

func TestRead(t *testing.T) {
	t.Parallel()
	c, err := read(proc(t, map[string]string{
		"stat":            "cpu  100 10 50 9999 7 1 2 3 40 0\ncpu0 1 2 3\n",
		"pressure/cpu":    line + "2500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=1\n",
		"pressure/memory": line + "7\n", "pressure/io": line + "0\nfull avg10=0.00 total=9\n"}))
	require.NoError(t, err)
	assert.Equal(t, 2500*time.Millisecond, c.CPU)
	assert.Equal(t, 7*time.Microsecond, c.Memory)
	assert.Zero(t, c.IO)
	assert.Equal(t, 1660*time.Millisecond, c.Busy, "without idle, iowait and guest")
	assert.Positive(t, c.Self)
}

// A host without pressure says so, and its processor time is known all the same.
func TestReadWithoutPressure(t *testing.T) {
	t.Parallel()
	c, err := read(proc(t, map[string]string{"stat": "cpu  1 0 0 0\n", "pressure/cpu": line + "5\n"}))
	require.ErrorContains(t, err, "no pressure stall information")
	assert.Zero(t, c.CPU, "half of it is none")
	assert.Equal(t, 10*time.Millisecond, c.Busy)
}

func FuzzRead(f *testing.F) {
	f.Add("cpu  1 2 3 4", line+"12")
	f.Add("cpu", "some total=-1")
	f.Fuzz(func(t *testing.T, stat, text string) {
		assert.GreaterOrEqual(t, busy([]byte(stat)), time.Duration(-1<<62))
		if d, err := some([]byte(text)); err == nil && len(text) < 60 {
			_ = d
		}
	})
}
