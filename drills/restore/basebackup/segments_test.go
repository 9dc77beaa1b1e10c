package basebackup

import (
	"bytes"
	"encoding/binary"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A segment is placed as it comes, with the size that its first page says, and noted with the one that it has.
func TestSegmentsAsTheyCome(t *testing.T) {
	t.Parallel()
	const name, said = "000000010000000000000007", 1 << 20
	whole := bytes.Repeat([]byte("wal "), said/4)
	copy(whole, []byte{0x10, 0xD1, 2, 0}) // the first page of a segment of PostgreSQL 15
	binary.LittleEndian.PutUint32(whole[32:], said)
	binary.LittleEndian.PutUint32(whole[36:], 8192)
	for what, c := range map[string]struct {
		raw, placed []byte
	}{
		"whole":         {whole, whole},
		"cut off":       {whole[:said-5000], append(bytes.Clone(whole[:said-5000]), make([]byte, 5000)...)},
		"goes on":       {append(bytes.Clone(whole), "more"...), whole},
		"does not tell": {[]byte(strings.Repeat("x", 5000)), []byte(strings.Repeat("x", 5000))},
		"a few bytes":   {[]byte("x"), nil},
	} {
		s, got := newSegments(), []byte(nil)
		require.NoError(t, s.take(name, bytes.NewReader(c.raw), func(_ string, size int64, from io.Reader) (err error) {
			got, err = io.ReadAll(from)
			assert.EqualValues(t, len(got), size, what)
			return err
		}), what)
		assert.True(t, bytes.Equal(c.placed, got), what)
		assert.EqualValues(t, len(c.raw), s.all[name].size, what)
		left := newSegments()
		require.NoError(t, left.take(name, bytes.NewReader(c.raw), func(string, int64, io.Reader) error { return nil }), what)
		assert.Equal(t, s.all, left.all, "%s: whether it is wanted or not", what)
	}
}
