package evidence_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/evidence"
)

// An archive is the folder, in the order of a walk through it, and the same evidence gives the same bytes.
func TestArchiveIsTheFolder(t *testing.T) {
	t.Parallel()
	q := newQuarter(t)
	folder := q.exported()
	r := evidence.ExportRequest{Home: q.home, Bundle: evidence.Bundle{From: begin, To: end}, Signer: q.key}
	var one, two bytes.Buffer
	for _, b := range []*bytes.Buffer{&one, &two} {
		_, err := evidence.ExportArchive(r, b)
		require.NoError(t, err)
	}
	assert.True(t, bytes.Equal(one.Bytes(), two.Bytes()), "the same bytes")
	var walked []string
	require.NoError(t, filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if rel, _ := filepath.Rel(folder, path); !e.IsDir() {
			walked = append(walked, filepath.ToSlash(rel))
		}
		return err
	}))
	z, err := gzip.NewReader(&one)
	require.NoError(t, err)
	var names []string
	for tr := tar.NewReader(z); ; {
		h, err := tr.Next()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		names = append(names, h.Name)
		content, err := io.ReadAll(tr)
		require.NoError(t, err)
		assert.Equal(t, string(q.read(folder, filepath.FromSlash(h.Name))), string(content), h.Name)
	}
	assert.Greater(t, len(names), 100)
	assert.Equal(t, walked, names)
}

// What an archive holds is read as from a folder: by those names alone, each to its end, by several at once; and its room is given back.
func TestArchiveIsReadAsAFolder(t *testing.T) {
	q := newQuarter(t)
	t.Setenv("TMPDIR", t.TempDir())
	var b bytes.Buffer
	_, err := evidence.ExportArchive(evidence.ExportRequest{Home: q.home, Bundle: evidence.Bundle{From: begin, To: end}, Signer: q.key}, &b)
	require.NoError(t, err)
	a, err := evidence.OpenArchive(bytes.NewReader(b.Bytes()))
	require.NoError(t, err)
	left, err := os.ReadDir(os.Getenv("TMPDIR"))
	require.NoError(t, err)
	assert.Empty(t, left, "nothing that somebody could change, or that a crash would leave")
	want := q.exported()
	read := 0
	require.NoError(t, fs.WalkDir(os.DirFS(want), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		got, err := fs.ReadFile(a, name)
		require.NoError(t, err)
		assert.Equal(t, string(q.read(want, name)), string(got), name)
		read++
		return nil
	}))
	assert.Greater(t, read, 100)
	for _, none := range []string{"", ".", "log", "/etc/passwd", "../log/checkpoint", "log/checkpoint/", "LOG/checkpoint"} {
		_, err := a.Open(none)
		assert.ErrorIs(t, err, fs.ErrNotExist, none)
	}
	ask := evidence.VerifyRequest{Trust: q.trust, Build: build}
	ask.Folder = want
	of, err := evidence.Verify(t.Context(), ask)
	require.NoError(t, err)
	ask.Folder, ask.Archive = "", a
	got, err := evidence.Verify(t.Context(), ask)
	require.NoError(t, err)
	assert.True(t, got.Verified())
	assert.Equal(t, of, got, "an archive is verified as its folder is")
	require.NoError(t, a.Close())
	_, err = fs.ReadFile(a, "log/checkpoint")
	assert.Error(t, err)
}

// What stands behind the end of an archive is seen by some programs and not by others; padding is there in those of GNU tar.
func TestArchiveIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	packed := func(names ...string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		for _, name := range names {
			require.NoError(t, w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg}))
		}
		require.NoError(t, w.Close())
		require.NoError(t, z.Close())
		return b.Bytes()
	}
	zipped := func(content []byte) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, err := z.Write(content)
		require.NoError(t, errors.Join(err, z.Close()))
		return b.Bytes()
	}
	one := packed("bundle.json")
	changed := bytes.Clone(one)
	changed[len(changed)-5]++ // gzip's checksum of what was packed
	for name, c := range map[string]struct {
		archive []byte
		why     string
	}{
		"as it is":        {one, ""},
		"padded":          {slices.Concat(one, zipped(make([]byte, 10<<10))), ""},
		"padded for ever": {slices.Concat(one, zipped(make([]byte, 2<<20))), "something stands behind"},
		"another archive": {slices.Concat(one, packed("drills/evil")), "something stands behind"},
		"a word":          {slices.Concat(one, zipped([]byte("\x00\x00and so on"))), "something stands behind"},
		"no gzip":         {slices.Concat(one, []byte("and so on")), "unpack the bundle"},
		"a checksum":      {changed, "checksum"},
		"half a checksum": {one[:len(one)-6], "unexpected EOF"},
	} {
		a, err := evidence.OpenArchive(bytes.NewReader(c.archive))
		if c.why == "" {
			if assert.NoError(t, err, name) {
				assert.NoError(t, a.Close())
			}
		} else {
			assert.ErrorContains(t, err, c.why, name)
		}
	}
}

// An archive holds plain files with plain names, or is refused.
func TestArchiveRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		headers []tar.Header
		why     string
	}{
		"a way out":               {[]tar.Header{{Name: "../evil"}}, "leads out"},
		"a way out, deeper":       {[]tar.Header{{Name: "drills/../../evil"}}, "leads out"},
		"an absolute name":        {[]tar.Header{{Name: "/etc/evil"}}, "leads out"},
		"a name of Windows":       {[]tar.Header{{Name: `drills\..\evil`}}, "leads out"},
		"a name written oddly":    {[]tar.Header{{Name: "./bundle.json"}}, "oddly"},
		"a character that hides":  {[]tar.Header{{Name: "bundle\u202ejson"}}, "cannot be seen"},
		"a symbolic link":         {[]tar.Header{{Name: "log", Typeflag: tar.TypeSymlink, Linkname: "/etc"}}, "no plain file"},
		"a hard link":             {[]tar.Header{{Name: "log", Typeflag: tar.TypeLink, Linkname: "/etc/passwd"}}, "no plain file"},
		"a device":                {[]tar.Header{{Name: "log", Typeflag: tar.TypeChar}}, "no plain file"},
		"a pipe":                  {[]tar.Header{{Name: "log", Typeflag: tar.TypeFifo}}, "no plain file"},
		"a folder":                {[]tar.Header{{Name: "log/", Typeflag: tar.TypeDir}}, "no plain file"},
		"a file twice":            {[]tar.Header{{Name: "bundle.json"}, {Name: "bundle.json"}}, "there twice"},
		"more than there is room": {[]tar.Header{{Name: "bundle.json", Size: 1 << 50}}, "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			w := tar.NewWriter(z)
			for _, h := range c.headers {
				if h.Typeflag == 0 {
					h.Typeflag = tar.TypeReg
				}
				require.NoError(t, w.WriteHeader(&h))
			}
			_ = w.Flush() // the large one has no content
			require.NoError(t, z.Close())
			_, err := evidence.OpenArchive(&b)
			var bad *evidence.BadArchive
			require.ErrorAs(t, err, &bad)
			assert.ErrorContains(t, err, c.why)
		})
	}
	for _, none := range []string{"", "PK\x03\x04"} {
		_, err := evidence.OpenArchive(strings.NewReader(none))
		assert.ErrorContains(t, err, "a bundle is a folder or a .tar.gz")
	}
}
