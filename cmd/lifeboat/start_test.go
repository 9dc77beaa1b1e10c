package main

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every command pays for what packages do before main, whether it uses them or not. Bytes and allocations are counted, since they
// are the same on a busy host.
func TestLittleIsDoneBeforeMain(t *testing.T) {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	line := regexp.MustCompile(`(?m)^init (\S+) @.* clock, (\d+) bytes, (\d+) allocs$`)
	found := map[string]int{}
	all := 0
	for _, m := range line.FindAllStringSubmatch(string(out), -1) {
		bytes, err := strconv.Atoi(m[2])
		require.NoError(t, err)
		found[m[1]] = bytes
		all += bytes
	}
	const sessions = "github.com/testcontainers/testcontainers-go/internal/core/bootstrap"
	require.Contains(t, found, sessions)
	assert.Less(t, found[sessions], 64<<10, "%s looked at every process of the host: internal/startup comes too late", sessions)
	for name, bytes := range found {
		if strings.HasPrefix(name, "lifeboat/") {
			assert.Less(t, bytes, 128<<10, "%s works before main: internal/lazy compiles expressions when they are used", name)
		}
	}
	assert.Less(t, all, 4<<20, "a collection of garbage before main")
}

// What startup changed for itself no child inherits.
func TestEnvironmentIsGivenBack(t *testing.T) {
	for _, own := range []string{"", "/host/proc"} {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), helperEnv+"=environment")
		if own != "" {
			cmd.Env = append(cmd.Env, "HOST_PROC="+own)
		}
		out, err := cmd.Output()
		require.NoError(t, err)
		assert.Equal(t, own, string(out))
	}
}
