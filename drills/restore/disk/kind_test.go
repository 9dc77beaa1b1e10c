package disk

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/store"
)

// keptFile is a store.Random on a file.
type keptFile struct {
	*os.File
	size int64
}

func (k keptFile) Size() int64  { return k.size }
func (keptFile) Path() string   { return "" }
func (keptFile) Fetched() int64 { return 0 }
func (keptFile) Same() error    { return nil }

// keeping lets a source keep what was unpacked.
func keeping(t *testing.T, s restore.Source) restore.Source {
	s.Keep = func(fill func(*os.File) error) (store.Random, error) {
		f, err := os.CreateTemp(t.TempDir(), "")
		require.NoError(t, err)
		t.Cleanup(func() { _ = f.Close() })
		if err := fill(f); err != nil {
			return nil, err
		}
		at, err := f.Stat()
		require.NoError(t, err)
		return keptFile{f, at.Size()}, nil
	}
	return s
}

func gzipped(content string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = io.WriteString(w, content)
	_ = w.Close()
	return b.String()
}

// tarred makes an archive of names and contents in turn.
func tarred(t *testing.T, files ...string) string {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for ; len(files) > 0; files = files[2:] {
		require.NoError(t, w.WriteHeader(&tar.Header{Name: files[0], Mode: 0o600, Size: int64(len(files[1]))}))
		_, err := io.WriteString(w, files[1])
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.String()
}

func TestPackedImages(t *testing.T) {
	t.Parallel()
	qcow2 := emptyDisk(strings.Repeat("some data ", 30_000))
	raw := "\xeb\x63\x90" + strings.Repeat("\x00", 507) + "\x55\xaa" + strings.Repeat("\x00", 3<<20) + "the end"
	vmdk := "KDMV\x01\x00\x00\x00" + strings.Repeat("grain", 1000) // one file of several
	vhd := raw + "conectix" + strings.Repeat("\x00", 55) + "\x02" + strings.Repeat("\x00", 448)
	const ovf = "<?xml version=\"1.0\"?><Envelope/>"
	for name, c := range map[string]struct {
		settings, file string
		holds, note    string // what the driver gets, and what is noted
		bad, kind      string // what is wrong with the backup, or what it is instead
	}{
		"plain":      {"format: qcow2", qcow2, qcow2, "", "", ""},
		"gzip":       {"format: qcow2", gzipped(qcow2), qcow2, "it is gzip: unpacked to 300112 bytes before the boot", "", ""},
		"gzip, lazy": {"{format: qcow2, lazy: true}", gzipped(qcow2), qcow2, "so it could not be read lazily", "", ""},
		"a tar.gz":   {"format: raw", gzipped(tarred(t, "README", "hello", "disk.raw", raw)), raw, "it is gzip, and in that a tar archive", "", ""},
		"an OVA":     {"format: vmdk", tarred(t, "web.ovf", ovf, "web.mf", "SHA256(web.ovf)= 00\n", "web-disk1.vmdk", vmdk), vmdk, "it is an OVA", "", ""},
		"two disks": {"format: vmdk", tarred(t, "web.ovf", ovf, "1.vmdk", vmdk, "2.vmdk", vmdk), "", "", "",
			"an OVA: a tar archive with the disks of a virtual machine, and it holds more than one file (unpack it with tar -xf"},
		"no disk":         {"format: vmdk", tarred(t, "web.ovf", ovf), "", "", "", "an OVA"},
		"cut off":         {"format: qcow2", gzipped(qcow2)[:len(gzipped(qcow2))-30], "", "", "it is cut off", ""},
		"a VMA":           {"format: raw", "VMA\x00\x00\x00\x00\x01" + strings.Repeat("x", 2000), "", "", "", "vma extract"},
		"a packed VMA":    {"format: raw", gzipped("VMA\x00\x00\x00\x00\x01" + strings.Repeat("x", 2000)), "", "", "", "a VMA"},
		"another image":   {"format: vmdk", qcow2, "", "", "", "a qcow2 disk image"},
		"a raw disk":      {"format: qcow2", raw, "", "", "", "a disk with a partition table"},
		"a page":          {"format: qcow2", "<!DOCTYPE html><title>403</title>", "", "", "", "an HTML page"},
		"a fixed VHD":     {"format: vhd", vhd, vhd, "", "", ""},
		"an unknown disk": {"format: raw", strings.Repeat("who knows", 9), strings.Repeat("who knows", 9), "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &loader{}
			s := keeping(t, source(t, c.file, sum(c.file)))
			i := imager(t, c.settings)
			looked := i.Look(t.Context(), s)
			out, err := i.Image(t.Context(), s, l)
			var bad *restore.BackupError
			var kind *restore.KindError
			switch {
			case c.bad != "":
				require.ErrorAs(t, err, &bad)
				assert.Contains(t, bad.Reason, c.bad)
			case c.kind != "":
				require.ErrorAs(t, err, &kind)
				assert.Contains(t, kind.Reason(), c.kind)
				if name != "two disks" { // that takes all of it
					assert.ErrorAs(t, looked, &kind)
				}
			default:
				require.NoError(t, err)
				require.NoError(t, looked)
				got := make([]byte, l.got.Disk.Size())
				_, err := l.got.Disk.ReadAt(got, 0)
				require.NoError(t, err)
				assert.True(t, c.holds == string(got), "%d bytes, want %d", len(got), len(c.holds))
				assert.Contains(t, strings.Join(out.Notes, "\n"), c.note)
				if c.note != "" {
					assert.Equal(t, "sha256:"+sum(c.file), out.Digest, "of the file as it is stored")
				}
			}
		})
	}
}

// A file that is not what was promised is that, whatever unpacks from it.
func TestPackedImageOfAnotherDigest(t *testing.T) {
	t.Parallel()
	_, err := imager(t, "format: qcow2").Image(t.Context(), keeping(t, source(t, gzipped("QFI\xfb\x00\x00\x00\x03 data"), sum("x"))), &loader{})
	var bad *restore.BackupError
	require.ErrorAs(t, err, &bad)
	assert.Contains(t, bad.Reason, "its manifest promises")
}
