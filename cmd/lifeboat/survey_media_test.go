package main

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/scenarios"
)

// Images that expose a port and disks become entries that verify as they are; an image that exposes none is told beside them.
func TestSurveyOfImagesAndDisks(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, raw []byte) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, raw, 0o600))
	}
	write("till/1.tar", savedImage(t, map[string]any{"9443/tcp": nil, "8080/tcp": nil, "53/udp": nil}))
	write("worker/1.tar", savedImage(t, nil))
	write("pos/1.qcow2", append([]byte("QFI\xfb\x00\x00\x00\x03"), make([]byte, 4096)...))
	a := &app{logs: &redirect{to: io.Discard}}
	file := filepath.Join(dir, "all.yaml")
	require.NoError(t, a.writeCatalogue(t.Context(), file, dir, "", "postgres:17"))
	raw, err := os.ReadFile(file)
	require.NoError(t, err)
	text := string(raw)
	assert.NotContains(t, text, "defaults:", "of dumps, and there are none")
	assert.Contains(t, text, "instance: {kind: docker, ready: {tcp: 8080, within: 2m}}\n"+
		"    checks: {system: [{kind: image, on: app}], service: [{kind: ports, on: app}]}")
	assert.Contains(t, text, "restore: {kind: disk, format: qcow2}")
	assert.Contains(t, text, "# - name: worker")
	c, problems := scenarios.ReadCatalogue(file)
	require.Empty(t, problems)
	var names []string
	for i, listed := range c.Backups {
		names = append(names, listed.Name)
		sc, problems := c.Read(i)
		require.Empty(t, problems)
		assert.NotContains(t, sc.Objectives, "age", "nobody can know it")
	}
	assert.Equal(t, []string{"pos", "till"}, names)
}

// savedImage is an archive of docker save whose image exposes ports.
func savedImage(t *testing.T, ports map[string]any) []byte {
	layer := packed(t, map[string][]byte{"serve": []byte("program")})
	config, err := json.Marshal(map[string]any{"os": "linux", "architecture": runtime.GOARCH,
		"config": map[string]any{"Cmd": []string{"/serve"}, "ExposedPorts": ports},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer))}}})
	require.NoError(t, err)
	return packed(t, map[string][]byte{"a/layer.tar": layer, "config.json": config,
		"manifest.json": []byte(`[{"Config": "config.json", "Layers": ["a/layer.tar"]}]`)})
}

func packed(t *testing.T, files map[string][]byte) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(files))) { // manifest.json before the rest
		content := files[name]
		require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}))
		_, err := w.Write(content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}
