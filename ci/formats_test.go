package ci

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore/disk/formats"
	"lifeboat/internal/needs"
)

// What QEMU writes in each format is read as QEMU reads it; and where an image was cut off that is said, or nothing of the disk is missing.
func TestFormatsOfDisks(t *testing.T) {
	t.Parallel()
	const image = "lifeboat/qemu:7.2"
	if exec.Command("docker", "image", "inspect", image).Run() != nil {
		needs.Skip(t, "make images makes what converts disks:", image)
	}
	dir := t.TempDir()
	disk := make([]byte, 12<<20)
	lot := rand.New(rand.NewPCG(12, 0))
	for at := 0; at < len(disk); at += 256 << 10 { // noise, text and holes
		switch piece := disk[at:min(len(disk), at+128<<10)]; lot.IntN(3) {
		case 0:
			for i := range piece {
				piece[i] = byte(lot.Uint32())
			}
		case 1:
			copy(piece, bytes.Repeat([]byte("lifeboat "), len(piece)/9+1))
		}
	}
	copy(disk[len(disk)-512:], "the end")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "disk.raw"), disk, 0o600))
	made := map[string]string{"a.qcow2": "qcow2", "packed.qcow2": "qcow2 -c", "old.qcow2": "qcow2 -o compat=0.10,cluster_size=4k",
		"zstd.qcow2": "qcow2 -c -o compression_type=zstd", "parts.qcow2": "qcow2 -o extended_l2=on,cluster_size=128k", "a.vdi": "vdi", "fixed.vdi": "vdi -o static=on",
		"a.vhd": "vpc -o subformat=dynamic,force_size=on", "fixed.vhd": "vpc -o subformat=fixed,force_size=on", "a.vhdx": "vhdx", "a.vmdk": "vmdk",
		"packed.vmdk": "vmdk -o subformat=streamOptimized"}
	script := ""
	for name, how := range made {
		script += "qemu-img convert -q -f raw -O " + how + " /disk/disk.raw /disk/" + name + "\n"
	}
	script += "qemu-img create -q -f vmdk -F vmdk -b /disk/a.vmdk /disk/difference.vmdk\n"
	script += "qemu-img convert -q -f raw -O vmdk -o subformat=twoGbMaxExtentSparse /disk/disk.raw /disk/pieces.vmdk\n"
	script += "qemu-img create -q -f qcow2 -F qcow2 -b /disk/a.qcow2 /disk/difference.qcow2\n"
	out, err := exec.Command("docker", "run", "--rm", "--network", "none", "-v", dir+":/disk", image, "sh", "-ec", script).CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, name := range []string{"difference.vmdk", "pieces.vmdk", "pieces-s001.vmdk", "difference.qcow2"} {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		_, err = guest(name, raw)
		assert.ErrorAs(t, err, new(*formats.Unread), name)
	}
	for name := range made {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		got, err := guest(name, raw)
		require.NoError(t, err, name)
		require.True(t, bytes.Equal(disk, got), name)
		for _, less := range []int{1, 511, 512, 1024, 4096, 65536, 1 << 20, len(raw) / 2, len(raw) - 200, len(raw)} {
			left := max(0, len(raw)-less)
			got, err := guest(name, raw[:left])
			assert.True(t, err != nil || bytes.Equal(disk, got), "%s: %d of %d bytes are there, and nobody says that it is cut off", name, left, len(raw))
		}
	}
}

// guest is what a guest sees of an image.
func guest(name string, raw []byte) ([]byte, error) {
	d, err := formats.Open(strings.TrimPrefix(filepath.Ext(name), "."), bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return nil, err
	}
	b := make([]byte, d.Size)
	if n, err := d.ReadAt(b, 0); err != nil && err != io.EOF || n < len(b) {
		return nil, io.ErrUnexpectedEOF
	}
	return b, nil
}
