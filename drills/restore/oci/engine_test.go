package oci

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/docker/dockertest"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
)

// bench makes a driver on the real engine; when the test ends, everything is undone.
func bench(t *testing.T) *docker.Driver {
	t.Helper()
	return dockertest.Driver(t, "oci")
}

// program builds one of the programs of the driver's tests.
func program(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-trimpath", "-o", path, "../../instance/docker/testdata/"+name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	return path
}

// fresh is an image that boots and that no engine has seen.
func fresh(t *testing.T) sample {
	t.Helper()
	guest, err := os.ReadFile(program(t, "guest"))
	require.NoError(t, err)
	s := sample{layers: [][]byte{
		pack(t, member{name: "guest", content: guest, mode: 0o755}),
		pack(t, member{name: "marker", content: []byte(rand.Text())}),
	}}
	s.config = toJSON(t, map[string]any{"architecture": runtime.GOARCH, "os": "linux",
		"config": map[string]any{"Entrypoint": []string{"/guest"}, "Cmd": []string{"serve", "80"}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{sum(s.layers[0]), sum(s.layers[1])}}})
	return s
}

func TestImageBoots(t *testing.T) {
	d := bench(t)
	for n, form := range []string{"docker save", "OCI layout, gzip layers", "OCI layout, zstd layers"} {
		t.Run(form, func(t *testing.T) {
			s := fresh(t)
			members := s.saved(t, "shop/app:1")
			if _, with, layout := strings.Cut(form, ", "); layout {
				members = s.layout(t, with[:4], "1")
			}
			from := source("", squeeze(t, "gzip", pack(t, members...)))
			from.Backup = fmt.Sprintf("app%d", n)
			out, err := imager(t, "{}").Image(t.Context(), from, d)
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			m, err := d.Boot(ctx, instance.Request{Name: from.Backup, Generation: 1, Image: out.Image})
			require.NoError(t, err)
			marker, err := m.Get(ctx, "/marker")
			require.NoError(t, err)
			assert.Contains(t, string(s.layers[1]), string(marker), "the upper layer is there")
			r, err := m.Exec(ctx, instance.Command{Args: []string{"/guest", "echo", "hello"}})
			require.NoError(t, err)
			assert.Zero(t, r.Exit)
			again, err := imager(t, "{}").Image(ctx, from, d)
			require.NoError(t, err, "an image that the engine has by now")
			assert.Equal(t, out.Image, again.Image)
		})
	}
}

// Docker's own loader takes an archive whose layer is missing or damaged, once the engine
// holds that layer. Ours must not.
func TestImageIsNotMadeOfWhatTheEngineHas(t *testing.T) {
	d := bench(t)
	s := fresh(t)
	_, err := imager(t, "{}").Image(t.Context(), source("", pack(t, s.saved(t)...)), d)
	require.NoError(t, err)
	for name, members := range map[string][]member{
		"damaged": change(s.saved(t), "2/layer.tar", flip),
		"missing": without(s.saved(t), "2/layer.tar"),
	} {
		_, err := imager(t, "{}").Image(t.Context(), source("", pack(t, members...)), d)
		var backup *restore.BackupError
		assert.ErrorAs(t, err, &backup, name)
	}
}

// An image that cannot be run is the backup's fault, whatever type of error an engine has for that; one that names no command lacks it.
func TestImageThatCannotBeRun(t *testing.T) {
	d := bench(t)
	for name, config := range map[string]map[string]any{
		"no command":   {},
		"no such file": {"Cmd": []string{"/gone"}},
		"no such user": {"Cmd": []string{"/guest", "serve", "80"}, "User": "clerk"},
	} {
		t.Run(name, func(t *testing.T) {
			s := fresh(t)
			s.config = toJSON(t, map[string]any{"architecture": runtime.GOARCH, "os": "linux", "config": config,
				"rootfs": map[string]any{"type": "layers", "diff_ids": []string{sum(s.layers[0]), sum(s.layers[1])}}})
			from := source("", pack(t, s.saved(t)...))
			from.Backup = strings.ReplaceAll(name, " ", "-")
			out, err := imager(t, "{}").Image(t.Context(), from, d)
			require.NoError(t, err)
			lack := len(config) == 0
			require.Equal(t, lack, len(out.Facts.Broken) == 0)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			_, err = d.Boot(ctx, instance.Request{Name: from.Backup, Generation: 1, Image: out.Image})
			var bad *instance.BootError
			require.ErrorAs(t, err, &bad)
			assert.Equal(t, lack, bad.Lack == record.LackCommand)
		})
	}
}
