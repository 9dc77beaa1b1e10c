package dir

import (
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
)

// Lists by other algorithms than SHA-256 are held against what is read, of files and of folders.
func TestOtherAlgorithms(t *testing.T) {
	sum := func(algorithm, text string) string {
		h := record.Digest{Algorithm: algorithm}.Hash()
		h.Write([]byte(text))
		return hex.EncodeToString(h.Sum(nil))
	}
	for name, test := range map[string]struct {
		list, text, point string
		want              string // "": it holds
		weak              bool
	}{
		"md5":                   {"a.md5", sum("md5", "1") + "  a", "a", "", true},
		"sha512":                {"SHA512SUMS", sum("sha512", "1") + "  a", "a", "", false},
		"md5 of another":        {"a.md5", sum("md5", "X") + "  a", "a", "md5:" + sum("md5", "X"), true},
		"sha1 of a folder":      {"SHA1SUMS", sum("sha1", "2") + "  d/b\n", "d", "", true},
		"sha1 of another in it": {"SHA1SUMS", sum("sha1", "X") + "  d/b\n", "d", "sha1:" + sum("sha1", "X"), true},
		"sha1 of one not there": {"SHA1SUMS", sum("sha1", "2") + "  d/b\n" + sum("sha1", "2") + "  d/c", "d", "sha1:" + sum("sha1", "2"), true},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, "a", "1", time.Time{})
			write(t, dir, "d/b", "2", time.Time{})
			write(t, dir, test.list, test.text, time.Time{})
			s := open(t, dir, "")
			points, err := s.List(t.Context())
			require.NoError(t, err)
			p, err := store.Pick(points, test.point)
			require.NoError(t, err)
			assert.Equal(t, test.weak, p.Digest.Weak())
			assert.Equal(t, test.list, p.Digest.File)
			stream, err := s.Fetch(t.Context(), p.Point)
			require.NoError(t, err)
			defer stream.Close()
			_, err = io.Copy(io.Discard, stream)
			if test.want == "" {
				require.NoError(t, err)
				assert.True(t, strings.HasPrefix(stream.Digest(), "sha256:"), "what was read has the name that lifeboat gives it")
				return
			}
			var mismatch *store.Mismatch
			require.ErrorAs(t, err, &mismatch)
			assert.Equal(t, test.want, mismatch.Want)
			assert.Empty(t, stream.Digest())
		})
	}
}
