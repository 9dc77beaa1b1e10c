package qemu

import (
	"archive/tar"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
)

// printed is an engine with one running container, whose console log has so many bytes of noise before its end.
func printed(t *testing.T, noise int64, end string) *docker.Machine {
	t.Helper()
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		switch {
		case strings.HasSuffix(r.URL.Path, "/_ping"):
		case strings.HasSuffix(r.URL.Path, "/archive"):
			stat, _ := json.Marshal(map[string]any{"name": "console.log", "size": noise})
			w.Header().Set("X-Docker-Container-Path-Stat", base64.StdEncoding.EncodeToString(stat))
			tw := tar.NewWriter(w)
			_ = tw.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "console.log", Mode: 0o644,
				Size: noise + int64(len(end))})
			_, _ = io.CopyN(tw, zeros{}, noise)
			_, _ = io.WriteString(tw, end)
			_ = tw.Close()
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"Id": "c0ffee", "State": map[string]any{"Running": true},
				"Config":     map[string]any{"Labels": map[string]string{"lifeboat.drill": "d1"}},
				"HostConfig": map[string]any{"NetworkMode": "container:abc"}})
		}
	}))
	t.Cleanup(engine.Close)
	m, err := docker.Find(t.Context(), strings.Replace(engine.URL, "http://", "tcp://", 1), "c0ffee", "d1")
	require.NoError(t, err)
	return m
}

// A guest that prints without end keeps nobody from reading what it printed last.
func TestConsoleOfAnyLength(t *testing.T) {
	t.Parallel()
	const end = "\n[    3.1] Kernel panic - not syncing: VFS\n"
	for name, noise := range map[string]int64{"short": 10, "long": getLimit + 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := &Machine{request: instance.Request{Name: "pos"}, hypervisor: printed(t, noise, end)}
			text, err := instance.Console(t.Context(), m)
			require.NoError(t, err)
			assert.LessOrEqual(t, len(text), consoleLimit)
			assert.True(t, strings.HasSuffix(text, end))
			text, err = m.sinceStart(t.Context())
			require.NoError(t, err)
			assert.True(t, strings.HasSuffix(text, end))
			assert.LessOrEqual(t, len(text), consoleLimit)
			m.booted = noise + 1
			text, err = m.sinceBoot(t.Context())
			require.NoError(t, err)
			assert.Equal(t, end[1:], text, "what an earlier start printed does not count")
		})
	}
}
