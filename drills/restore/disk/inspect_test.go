package disk

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
)

// What shows without a machine is found whoever asks: a boot, a night that only reads, packed or not. It has no digest, so the rung of
// what was read is not reached.
func TestInspect(t *testing.T) {
	t.Parallel()
	partition := strings.Repeat("\x00", 446) + "\x80\x00\x00\x00\x83\x00\x00\x00\x01\x00\x00\x00\x07\x00\x00\x00" + strings.Repeat("\x00", 48) + "\x55\xaa"
	sectors := func(n int) string { return partition + strings.Repeat("\x00", n*512) }
	lvm := partition + strings.Repeat("\x00", 512) + "LABELONE" + strings.Repeat("\x00", 7*512-8)
	for name, c := range map[string]struct{ format, file, note, bad string }{
		"a disk":            {"raw", sectors(7), "read before the boot, without an error: MBR", ""},
		"with LVM":          {"raw", lvm, "not looked at before the boot: 1 LVM", ""},
		"cut off":           {"raw", sectors(6), "", "it is cut off: partition 1 ends at byte 4096, and its disk has 3584"},
		"a cut qcow2":       {"qcow2", emptyDisk("")[:100], "", "it is cut off: what its tables name ends at byte 112, and it has 100"},
		"a differing qcow2": {"qcow2", emptyDisk("")[:15] + "\x70" + emptyDisk("")[16:], "were not looked at before the boot: it stands on another file", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, file := range []string{c.file, gzipped(c.file)} {
				if c.format == "raw" && file != c.file {
					file = gzipped(tarred(t, "disk.raw", c.file)) // of a raw disk gzip alone may be what it holds
				}
				i, s, l := imager(t, "format: "+c.format), keeping(t, source(t, file, "")), &loader{}
				booted, err := i.Image(t.Context(), s, l)
				only, err2 := i.Read(t.Context(), s)
				if c.bad != "" {
					for _, err := range []error{err, err2} {
						var bad *restore.BackupError
						require.ErrorAs(t, err, &bad)
						assert.Equal(t, c.bad, bad.Reason)
					}
					assert.Nil(t, l.got)
					assert.Empty(t, booted.Digest+only.Digest)
					continue
				}
				require.NoError(t, errors.Join(err, err2))
				assert.Contains(t, strings.Join(booted.Notes, "; "), c.note)
				assert.Equal(t, booted.Notes, only.Notes)
				assert.Equal(t, "sha256:"+sum(file), only.Digest)
			}
		})
	}
}

// A disk that cannot be read says nothing of the backup.
func TestInspectWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	f, err := os.Create(t.TempDir() + "/gone")
	require.NoError(t, err)
	require.NoError(t, f.Close())
	for _, format := range []string{"raw", "qcow2", "vdi", "vhd", "vhdx", "vmdk"} {
		_, err := imager(t, "format: "+format).inspect("vm", f, 1<<20)
		require.ErrorIs(t, err, os.ErrClosed, format)
		require.NotErrorAs(t, err, new(*restore.BackupError), format)
	}
}
