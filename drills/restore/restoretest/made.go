package restoretest

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lifeboat/internal/accident"
	"lifeboat/internal/needs"
)

// Made is the tar that a script of bash writes in a container of an image, as one of its users and without a network, by paths.
func Made(image, user, script string) (accident.Folder, error) {
	c := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--tmpfs", "/tmp:exec", "--user", user, "--entrypoint", "bash", image, "-s")
	var out, told bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(script), &out, &told
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("%w: %s", err, told.String())
	}
	return accident.Unpacked(&out)
}

// Sample is what was made of an image. The test is skipped where that is not there; made by names the script that makes it.
func Sample(t testing.TB, image, by string, made func() (accident.Folder, error)) accident.Folder {
	t.Helper()
	if out, err := CLI(t.Context(), nil, "image", "inspect", "--format", "{{.Id}}", image); err != nil {
		needs.Skipf(t, "no %s here (run %s): %s", image, by, out)
	}
	all, err := made()
	require.NoError(t, err)
	return all
}
