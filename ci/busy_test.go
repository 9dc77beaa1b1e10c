package ci

import (
	"os"
	"os/exec"
	"testing"

	"lifeboat/internal/needs"
)

// Beside processes that burn the processors the demo is never failed, and a truncated dump always is.
func TestBusyHost(t *testing.T) {
	needs.Long(t)
	cmd := exec.Command("bench/busy.sh")
	cmd.Env = append(os.Environ(), "BUSY_LOADS=4:2 40:1")
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
