package qemu

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/store"
)

// farDisk lies on a server.
type farDisk struct{ store.Random }

func (farDisk) Path() string { return "" }
func (farDisk) Size() int64  { return 1 << 20 }

// A machine that cannot be made leaves nobody behind who serves its disk: the next one of its name needs the place.
func TestDiskIsServedNoMoreWhenAMachineFails(t *testing.T) {
	t.Parallel()
	gone := make(chan struct{})
	engine := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", "1.41")
		switch {
		case strings.HasSuffix(r.URL.Path, "/_ping"):
		case strings.HasSuffix(r.URL.Path, "/exec"):
			w.WriteHeader(http.StatusCreated)
			_ = json.NewEncoder(w).Encode(map[string]string{"Id": "listener"})
		case strings.HasSuffix(r.URL.Path, "/start"):
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				return
			}
			defer c.Close()
			_, _ = fmt.Fprint(c, "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"+
				"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n\x01\x00\x00\x00\x00\x00\x00\x01+")
			_, _ = io.Copy(io.Discard, c)
			close(gone)
		case strings.HasSuffix(r.URL.Path, "/archive"):
			http.Error(w, `{"message": "no space left on device"}`, http.StatusInternalServerError)
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"Id": "c0ffee", "State": map[string]any{"Running": true},
				"Config":     map[string]any{"Labels": map[string]string{"lifeboat.drill": "d1"}},
				"HostConfig": map[string]any{"NetworkMode": "container:abc"}})
		}
	}))
	t.Cleanup(engine.Close)
	body, err := docker.Find(t.Context(), strings.Replace(engine.URL, "http://", "tcp://", 1), "c0ffee", "d1")
	require.NoError(t, err)
	m := &Machine{body: body, request: instance.Request{Name: "pos", VM: &instance.VM{Seed: "#cloud-config"}},
		disk:   instance.DiskImage{Disk: farDisk{}},
		driver: &Driver{site: instance.Site{Log: slog.New(slog.DiscardHandler)}}}
	require.ErrorContains(t, m.furnish(t.Context()), "write /disk/seed")
	select {
	case <-gone:
	case <-time.After(time.Minute):
		assert.Fail(t, "its disk is still offered")
	}
}
