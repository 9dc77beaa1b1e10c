package pgdump

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Since PostgreSQL 17 a tar dump has a list for each group of large objects; none of them may be missing, and nothing that they name.
func TestLargeObjectsOfATarDump(t *testing.T) {
	for without, want := range map[string]string{"": "", "blobs_3418.toc": "the list of large objects, blobs_3418.toc, is missing",
		"blobs_3420.toc": "the list of large objects, blobs_3420.toc, is missing", "blob_4712.dat": "the large object in blob_4712.dat is missing",
		"3416.dat": "the data of TABLE DATA public.t, 3416.dat, are missing"} {
		unpacked, err := gzip.NewReader(bytes.NewReader(fixture(t, "blobs-17.tar.gz")))
		require.NoError(t, err)
		files := NewFiles()
		var toc *Archive
		for tr := tar.NewReader(unpacked); ; {
			h, err := tr.Next()
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
			switch h.Name {
			case TOCName:
				toc, err = ReadArchive(NewReader(tr))
			case without:
			default:
				err = files.Add(h.Name, tr)
			}
			require.NoError(t, err)
		}
		if err := files.Check(toc); want == "" {
			require.NoError(t, err)
		} else {
			assert.ErrorContains(t, err, want)
		}
	}
}
