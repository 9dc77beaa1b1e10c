package postgres

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
)

// TestRead: a dump of each format is read to its end without a server, and what is cut off, bent, or not what was promised is found.
func TestRead(t *testing.T) {
	t.Parallel()
	file := func(name string) []byte {
		raw, err := os.ReadFile("pgdump/testdata/" + name)
		require.NoError(t, err)
		return raw
	}
	custom, plain := file("custom.dump"), file("plain.sql")
	bent := bytes.Clone(custom)
	bent[len(bent)*2/3] ^= 0x40
	var folder bytes.Buffer
	w := tar.NewWriter(&folder)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "toc.dat", Size: int64(len(file("toc.dat"))), Mode: 0o600}))
	_, err := w.Write(file("toc.dat"))
	require.NoError(t, err)
	require.NoError(t, w.Close()) // its data are missing
	packed, err := gzip.NewReader(bytes.NewReader(file("blobs-17.tar.gz")))
	require.NoError(t, err)
	files := []string{"d/._toc.dat", "\x00\x05\x16\x07", "d/._3416.dat.gz", "\x00\x05\x16\x07"} // of macOS
	for tr := tar.NewReader(packed); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		raw, err := io.ReadAll(tr)
		require.NoError(t, err)
		files = append(files, "d/"+h.Name, string(raw))
	}
	for name, c := range map[string]struct {
		raw      []byte
		promised string
		bad      bool
	}{
		"folder, packed on macOS":    {raw: []byte(tarred(t, files...))},
		"custom":                     {raw: custom},
		"custom, as promised":        {raw: custom, promised: restoretest.Digest(custom)},
		"custom, not as promised":    {raw: custom, promised: restoretest.Digest(plain), bad: true},
		"custom, cut off":            {raw: custom[:len(custom)-10], bad: true},
		"custom, half of it":         {raw: custom[:len(custom)/2], bad: true},
		"custom, bent":               {raw: bent, promised: restoretest.Digest(custom), bad: true},
		"custom, and more behind it": {raw: append(bytes.Clone(custom), "more"...), bad: true},
		"plain":                      {raw: plain},
		"plain, compressed":          {raw: []byte(gzipped(string(plain)))},
		"plain, cut off":             {raw: plain[:len(plain)/2], bad: true},
		"folder without its data":    {raw: folder.Bytes(), bad: true},
		"nothing":                    {raw: nil, bad: true},
		"something else":             {raw: []byte("<html></html>"), bad: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := loader(t, settings).Read(t.Context(), source(c.raw, c.promised))
			if !c.bad {
				require.NoError(t, err)
				assert.Equal(t, restoretest.Digest(c.raw), out.Digest)
				assert.Equal(t, int64(len(c.raw)), out.Bytes)
				return
			}
			var backup *restore.BackupError
			var kind *restore.KindError
			assert.True(t, errors.As(err, &backup) || errors.As(err, &kind), "%v", err)
		})
	}
}
