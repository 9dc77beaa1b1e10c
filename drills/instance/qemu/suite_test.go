package qemu

import (
	"archive/tar"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/instancetest"
	"lifeboat/internal/needs"
)

// unit lets the suite's guest serve in the machine, now and after every boot.
const unit = `[Unit]
Description=the guest of the suite
[Service]
ExecStart=/usr/local/bin/guest serve 7000
StandardOutput=journal+console
[Install]
WantedBy=multi-user.target
`

// The suite that all back-ends pass, on the customer's machine.
func TestVMSuite(t *testing.T) {
	needs.EveryVM(t)
	program := filepath.Join(t.TempDir(), "guest")
	build := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "../docker/testdata/guest")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
	content, err := os.ReadFile(program)
	require.NoError(t, err)
	image := guestImage(t)
	instancetest.Run(t, instancetest.Subject{Image: "pos", Guest: []string{"/usr/local/bin/guest"},
		Break: instancetest.EndTunnel,
		New: func(t *testing.T) instancetest.Bench {
			d, notes := newDriver(t)
			undoers := docker.Undoers(d.site.Log)
			for kind, undo := range Undoers() {
				undoers[kind] = undo
			}
			return instancetest.Bench{Driver: d, Site: d.site, Notes: notes, Undoers: undoers}
		},
		Virtual: func(b instancetest.Bench, name string) instance.Request {
			ref, err := b.Driver.(*Driver).LoadDisk(t.Context(), instance.DiskImage{Name: "pos", Format: "qcow2", Disk: openFile(t, image)})
			require.NoError(t, err)
			return instance.Request{Name: name, Generation: 1, Image: ref, Own: &VM{Ports: []int{instancetest.Port}}}
		},
		Prepare: func(t *testing.T, m instance.Machine) {
			require.Eventually(t, func() bool {
				_, err := m.(*Machine).control(t.Context())
				return err == nil
			}, 3*time.Minute, 500*time.Millisecond)
			require.NoError(t, instance.Put(t.Context(), m, "/usr/local/bin", tarOf(t, "guest", content)))
			require.NoError(t, instance.Put(t.Context(), m, "/etc/systemd/system", tarOf(t, "guest.service", []byte(unit))))
			require.NoError(t, m.(*Machine).guestScript(t.Context(),
				"mkdir -p /data && chmod 755 /usr/local/bin/guest && systemctl enable --now guest && sync"))
		}})
}

// tarOf is a tar stream with one file.
func tarOf(t testing.TB, name string, content []byte) *bytes.Buffer {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}))
	_, err := w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return &b
}
