package docker

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance/instancetest"
)

func TestReadySaysWhyNot(t *testing.T) {
	t.Run("no engine", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "unix://"+filepath.Join(t.TempDir(), "docker.sock"))
		site, _ := instancetest.NewSite(t, "none", built.program)
		d, err := New(site)
		require.NoError(t, err, "making a driver needs no engine")
		err = d.Ready(t.Context())
		require.ErrorContains(t, err, "no Docker engine answers")
		assert.ErrorContains(t, err, "apt-get install docker.io", "what to do")
		_, _, err = Capacity(t.Context())
		assert.Error(t, err)
	})
	t.Run("nonsense in DOCKER_HOST", func(t *testing.T) {
		t.Setenv("DOCKER_HOST", "nonsense")
		site, _ := instancetest.NewSite(t, "none", built.program)
		_, err := New(site)
		require.ErrorContains(t, err, "DOCKER_HOST")
	})
	t.Run("executable", func(t *testing.T) {
		require.NoError(t, static(built.program))
		assert.ErrorContains(t, static(nil), "make build")
		assert.ErrorContains(t, static(instancetest.Executable([]byte("#!/bin/sh"))), "make build")
		if shell, err := os.ReadFile("/bin/sh"); err == nil {
			assert.ErrorContains(t, static(instancetest.Executable(shell)), "dynamically")
		}
	})
}

func TestCapacity(t *testing.T) {
	newBench(t)
	disk, memory, err := Capacity(t.Context())
	require.NoError(t, err)
	assert.Positive(t, memory)
	assert.NotZero(t, disk)
}
