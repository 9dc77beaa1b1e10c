package ci

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The table at the end of make test says what each suite and package took, and a suite that fails still fails.
func TestSuitesAreTimed(t *testing.T) {
	t.Parallel()
	script, err := filepath.Abs("suite.sh")
	require.NoError(t, err)
	dir := t.TempDir()
	suite := func(args ...string) (string, error) {
		cmd := exec.Command(script, args...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	_, err = suite("--begin")
	require.NoError(t, err)
	out, err := suite("packages", "printf", `ok  \ta/fast\t0.200s\nok  \ta/slow\t12.340s\nok  \ta/known\t(cached)\n?   \ta/none\t[no test files]\n`)
	require.NoError(t, err)
	assert.Contains(t, out, "a/known\t(cached)", "what go test says is passed on")

	out, err = suite("drills", "sh", "-c", `printf 'FAIL\ta/broken\t3.500s\n'; exit 7`)
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 7, exit.ExitCode())
	assert.Regexp(t, `(?m)^ +\d+\.\d    drills, failed$`, out, "the table is printed when a suite fails")

	out, err = suite("--print")
	require.NoError(t, err)
	assert.Regexp(t, `^seconds\n +\d+\.\d    packages\n     12\.3  a/slow\n      0\.2  1 more packages\n +\d+\.\d    drills, failed\n      3\.5  a/broken\n`+
		` +\d+\.\d    in all\n$`, out)
	assert.FileExists(t, filepath.Join(dir, "build", "seconds.txt"))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "build")))
}
