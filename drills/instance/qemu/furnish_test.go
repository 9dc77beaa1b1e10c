package qemu

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/store"
	"lifeboat/internal/sandbox"
)

// farDisk lies on a server.
type farDisk struct{ store.Random }

func (farDisk) Path() string { return "" }
func (farDisk) Size() int64  { return 1 << 20 }

// A machine that cannot be made leaves nobody behind who serves its disk: the next one of its name needs the place.
func TestDiskIsServedNoMoreWhenAMachineFails(t *testing.T) {
	t.Parallel()
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
			_, _ = fmt.Fprint(c, "HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\n"+
				"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
			_ = sandbox.Serve(standardOutput{c}) // this host is the sandbox
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
	m := &Machine{hypervisor: body, request: instance.Request{Name: "pos"}, vm: &VM{Seed: "#cloud-config"},
		drives: []*drive{{image: instance.DiskImage{Disk: farDisk{}}}},
		driver: &Driver{site: instance.Site{Log: slog.New(slog.DiscardHandler)}}}
	require.ErrorContains(t, m.furnish(t.Context()), "write /disk/seed")
	assert.Eventually(t, func() bool {
		_, err := net.Dial("unix", diskSocket)
		return errors.Is(err, syscall.ECONNREFUSED)
	}, time.Minute, 5*time.Millisecond, "its disk is still offered")
	body.Leave()
}

// standardOutput frames what is written as an engine does that sends output and errors over one connection.
type standardOutput struct{ net.Conn }

// Write implements io.Writer.
func (s standardOutput) Write(p []byte) (int, error) {
	head := binary.BigEndian.AppendUint32([]byte{1, 0, 0, 0}, uint32(len(p)))
	if _, err := s.Conn.Write(append(head, p...)); err != nil {
		return 0, err
	}
	return len(p), nil
}
