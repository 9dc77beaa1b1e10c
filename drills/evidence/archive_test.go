package evidence_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/evidence"
)

// An archive holds plain files with plain names, or is refused before anything of it is written outside.
func TestUnpackRefuses(t *testing.T) {
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
			dir := filepath.Join(t.TempDir(), "in")
			require.NoError(t, os.Mkdir(dir, 0o700))
			err := evidence.Unpack(&b, dir)
			var bad *evidence.BadArchive
			require.ErrorAs(t, err, &bad)
			assert.ErrorContains(t, err, c.why)
			assert.NoFileExists(t, filepath.Join(filepath.Dir(dir), "evil"))
		})
	}
	assert.ErrorContains(t, evidence.Unpack(bytes.NewReader(nil), t.TempDir()), "a bundle is a folder or a .tar.gz")
	assert.ErrorContains(t, evidence.Unpack(bytes.NewReader([]byte("PK\x03\x04")), t.TempDir()), "a bundle is a folder or a .tar.gz")
}
