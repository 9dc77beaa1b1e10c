package disk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/drills/store/dir"
	"lifeboat/scenarios"
)

// loader remembers the disk that it was given, or refuses.
type loader struct {
	instance.Driver // an Imager asks nothing else of it
	got             *instance.DiskImage
	refuse          error
}

func (l *loader) LoadDisk(_ context.Context, d instance.DiskImage) (string, error) {
	if l.refuse != nil {
		return "", l.refuse
	}
	l.got = &d
	return "the reference", nil
}

func settings(t *testing.T, kind, text string) scenarios.Settings {
	t.Helper()
	s, err := scenarios.ParseSettings(kind, text)
	require.NoError(t, err)
	return s
}

func imager(t *testing.T, text string) *Imager {
	t.Helper()
	i, problems := New(settings(t, "disk", text))
	require.Empty(t, problems)
	return i
}

// emptyDisk is a qcow2 image of a disk without a byte, and anything behind that.
func emptyDisk(more string) string {
	b := make([]byte, 112)
	copy(b, "QFI\xfb\x00\x00\x00\x03")
	b[23] = 16 // clusters of 2^16 bytes
	return string(b) + more
}

// source is a file in a real store; promised is what its SHA256SUMS says.
func source(t *testing.T, content, promised string) restore.Source {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "vm.qcow2"), []byte(content), 0o600))
	if promised != "" {
		require.NoError(t, os.WriteFile(filepath.Join(folder, "SHA256SUMS"), []byte(promised+"  vm.qcow2\n"), 0o600))
	}
	s, problems := dir.New(store.Site{Folder: folder}, settings(t, "dir", "path: ."))
	require.Empty(t, problems)
	points, err := s.List(t.Context())
	require.NoError(t, err)
	require.Len(t, points, 1)
	return restore.Source{Backup: "shop-vm", Point: points[0],
		Open: func(ctx context.Context) (store.Stream, error) { return s.Fetch(ctx, points[0]) },
		OpenAt: func(ctx context.Context) (store.Random, error) {
			return s.(store.RandomStore).OpenAt(ctx, points[0], t.TempDir())
		}}
}

func sum(content string) string {
	s := sha256.Sum256([]byte(content))
	return hex.EncodeToString(s[:])
}

func TestDiskGoesToTheDriverWhereItLies(t *testing.T) {
	t.Parallel()
	l := &loader{}
	content := emptyDisk("the disk")
	out, err := imager(t, "format: qcow2").Image(t.Context(), source(t, content, sum(content)), l)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.got.Disk.Close() })
	assert.Equal(t, "the reference", out.Image)
	assert.Equal(t, "sha256:"+sum(content), out.Digest)
	assert.EqualValues(t, len(content), out.Bytes)
	assert.Positive(t, out.Verifying, "the pass over the bytes is told apart")
	assert.Equal(t, "vm.qcow2", filepath.Base(l.got.Disk.Path()))
	assert.Equal(t, "qcow2", l.got.Format)
	assert.Equal(t, "shop-vm", l.got.Name)
}

func TestDigestIsVerifiedBeforeAnythingBoots(t *testing.T) {
	t.Parallel()
	l := &loader{}
	_, err := imager(t, "format: raw").Image(t.Context(), source(t, "the disk", sum("another disk")), l)
	var bad *restore.BackupError
	require.ErrorAs(t, err, &bad)
	assert.Contains(t, bad.Reason, sum("another disk"))
	assert.Nil(t, l.got)
}

func TestLazyReadsNothingAndSaysSo(t *testing.T) {
	t.Parallel()
	l := &loader{}
	out, err := imager(t, "{format: raw, lazy: true}").Image(t.Context(), source(t, "the disk", sum("another disk")), l)
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.got.Disk.Close() })
	assert.Empty(t, out.Digest, "nothing was verified, so nothing may look verified")
	assert.Zero(t, out.Verifying)
	require.Len(t, out.Notes, 2)
	assert.Contains(t, out.Notes[0], "not verified")
	assert.Contains(t, out.Notes[1], "not looked at")
}

func TestWhatTheHarnessLacksIsNoFindingOnTheBackup(t *testing.T) {
	t.Parallel()
	var bad *restore.BackupError
	s := source(t, "the disk", "")
	_, err := imager(t, "format: raw").Image(t.Context(), s, struct{ instance.Driver }{})
	require.ErrorContains(t, err, "boot it on a virtual machine")
	require.NotErrorAs(t, err, &bad)

	no := errors.New("no room")
	_, err = imager(t, "format: raw").Image(t.Context(), s, &loader{refuse: no})
	require.ErrorIs(t, err, no)
	require.NotErrorAs(t, err, &bad)

	s.OpenAt = nil
	_, err = imager(t, "format: raw").Image(t.Context(), s, &loader{})
	require.ErrorContains(t, err, "store of kind dir")
	require.NotErrorAs(t, err, &bad)
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"{}": "has no format", "format: iso": "no format of disk images", "{format: raw, sparse: true}": "sparse",
	} {
		_, problems := New(settings(t, "disk", text))
		require.Len(t, problems, 1, text)
		assert.Contains(t, problems[0].Error(), want)
	}
}
