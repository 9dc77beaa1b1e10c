package nbd

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/internal/needs"
)

const qemuImage = "lifeboat/qemu:7.2"

// bench is a folder that this process and a container with QEMU's tools share.
type bench struct {
	dir  string
	disk string // as those tools name the served image
}

func newBench(t *testing.T) bench {
	t.Helper()
	out, err := exec.Command("docker", "image", "inspect", "--format", "{{.Id}}", qemuImage).CombinedOutput()
	if err != nil {
		needs.Skipf(t, "the engine has no image %s (%s); make images builds it", qemuImage, strings.TrimSpace(string(out)))
	}
	dir, err := os.MkdirTemp("", "nbd") // a socket's path has 108 bytes at most
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	return bench{dir: dir, disk: "nbd+unix:///?socket=/shared/nbd.sock"}
}

// serve an image until the test ends.
func (b bench) serve(t *testing.T, image Image) *Server {
	t.Helper()
	s := New(image, Options{})
	l, err := net.Listen("unix", filepath.Join(b.dir, "nbd.sock"))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	t.Cleanup(func() { cancel(); l.Close(); wg.Wait() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				if err := s.Serve(ctx, conn); err != nil && ctx.Err() == nil {
					t.Log(err)
				}
			})
		}
	})
	return s
}

// qemu runs one of its tools.
func (b bench) qemu(t *testing.T, command ...string) (string, error) {
	t.Helper()
	args := []string{"run", "--rm", "--network", "none", "--cap-drop", "ALL", "--read-only", "--workdir", "/shared",
		"--user", fmt.Sprintf("%d:%d", os.Getuid(), os.Getgid()), "--volume", b.dir + ":/shared", qemuImage, "timeout", "60"}
	out, err := exec.Command("docker", append(args, command...)...).CombinedOutput()
	return string(out), err
}

func (b bench) must(t *testing.T, command ...string) string {
	t.Helper()
	out, err := b.qemu(t, command...)
	require.NoError(t, err, "%v: %s", command, out)
	return out
}

func TestQEMUReads(t *testing.T) {
	b := newBench(t)
	image := noise(40<<20 + 512)
	s := b.serve(t, image)
	var info struct {
		Size int64 `json:"virtual-size"`
	}
	out := b.must(t, "qemu-img", "info", "--output=json", "--image-opts",
		"driver=raw,file.driver=nbd,file.server.type=unix,file.server.path=/shared/nbd.sock")
	require.NoError(t, json.Unmarshal([]byte(out), &info), out)
	assert.Equal(t, image.Size(), info.Size)
	began := time.Now()
	b.must(t, "qemu-img", "convert", "-f", "raw", "-O", "raw", b.disk, "copy.raw")
	t.Logf("copied %d MiB in %v, the container's start included", image.Size()>>20, time.Since(began))
	want := make([]byte, image.Size())
	_, _ = image.ReadAt(want, 0)
	got, err := os.ReadFile(filepath.Join(b.dir, "copy.raw"))
	require.NoError(t, err)
	assert.True(t, string(want) == string(got), "the copy is the image")
	_, bytes := s.Served()
	assert.GreaterOrEqual(t, bytes, image.Size())
	assert.NoError(t, s.Err())
}

// An overlay on a served image takes the writes; the image takes none.
func TestQEMUOverlay(t *testing.T) {
	b := newBench(t)
	require.NoError(t, os.WriteFile(filepath.Join(b.dir, "plain.raw"), make([]byte, 1<<20), 0o600))
	b.must(t, "qemu-io", "-f", "raw", "-c", "write -P 7 0 512k", "plain.raw")
	b.must(t, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", "plain.raw", "backup.qcow2")
	f, err := os.Open(filepath.Join(b.dir, "backup.qcow2"))
	require.NoError(t, err)
	defer f.Close()
	info, err := f.Stat()
	require.NoError(t, err)
	s := b.serve(t, fileImage{f, info.Size()})
	b.must(t, "qemu-img", "create", "-f", "qcow2", "-F", "qcow2", "-b", b.disk, "overlay.qcow2")
	out := b.must(t, "qemu-io", "-f", "qcow2", "-c", "write -P 9 64k 64k", "-c", "read -P 7 0 64k",
		"-c", "read -P 9 64k 64k", "-c", "read -P 7 128k 384k", "-c", "read -P 0 512k 512k", "overlay.qcow2")
	assert.NotContains(t, out, "failed")
	out, _ = b.qemu(t, "qemu-io", "-f", "raw", "-c", "write 0 512", b.disk)
	assert.Regexp(t, "read.?only|not permitted|Permission denied", out, "the export is not written to")
	_, err = b.qemu(t, "qemu-img", "check", "-f", "qcow2", b.disk)
	require.NoError(t, err)

	s.Impair(Impairment{Fail: true})
	out, _ = b.qemu(t, "qemu-io", "-r", "-f", "raw", "-c", "read 0 512", b.disk)
	assert.Contains(t, out, "Input/output error")
	s.Impair(Impairment{Delay: 700 * time.Millisecond})
	out = b.must(t, "qemu-io", "-r", "-f", "raw", "-c", "read 0 512", b.disk)
	assert.Regexp(t, `512 bytes, 1 ops; 00\.[7-9]`, out)
	assert.NoError(t, s.Err())
}

type fileImage struct {
	*os.File
	size int64
}

func (f fileImage) Size() int64 { return f.size }
