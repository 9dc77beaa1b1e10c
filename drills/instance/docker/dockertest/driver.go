// Package dockertest is what tests of loaders and stores share that need this host's engine.
package dockertest

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/instancetest"
	"lifeboat/internal/needs"
)

// Driver is one of sealed sandboxes, as a drill has it; when the test ends, everything is undone. name tells its drill from those of other tests.
func Driver(t testing.TB, name string) *docker.Driver {
	t.Helper()
	site, notes := instancetest.NewSite(t, fmt.Sprintf("test%s%d", name, os.Getpid()), instancetest.Program(t))
	d, err := docker.New(site)
	require.NoError(t, err)
	if err := d.Ready(t.Context()); err != nil {
		needs.Skip(t, err)
	}
	t.Cleanup(func() { notes.UndoAll(t, site.Scope, docker.Undoers(site.Log)) })
	return d
}

// NeedImage skips a test whose image is not there; script makes it.
func NeedImage(t testing.TB, image, script string) {
	t.Helper()
	if out, err := exec.Command("docker", "image", "inspect", "--format", "{{.Id}}", image).CombinedOutput(); err != nil {
		needs.Skipf(t, "no %s here (run %s): %s", image, script, out)
	}
}
