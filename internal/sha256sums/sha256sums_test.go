package sha256sums

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

var (
	one = strings.Repeat("1", 64)
	two = strings.Repeat("2", 64)
)

func TestAdd(t *testing.T) {
	for name, test := range map[string]struct {
		list, text string
		want       List
		err        string
	}{
		"text and binary": {Name, one + "  a\n" + two + " *b/c\r\n# why\n\n", List{"a": {one, Name}, "b/c": {two, Name}}, ""},
		"in a folder":     {"mon/" + Name, one + "  ./a\n", List{"mon/a": {one, "mon/" + Name}}, ""},
		"the bare digest": {"mon/a.sha256", strings.ToUpper("ab") + one[2:] + "\n",
			List{"mon/a": {"ab" + one[2:], "mon/a.sha256"}}, ""},
		"escaped":          {Name, `\` + one + `  a\\b\nc`, List{"a\\b\nc": {one, Name}}, ""},
		"twice the same":   {Name, one + "  a\n" + one + "  a\n", List{"a": {one, Name}}, ""},
		"two digests":      {Name, one + "  a\n" + two + "  a\n", nil, "a is promised two digests"},
		"no list":          {Name, "<html>", nil, "SHA256SUMS:1 is not a line of sha256sum"},
		"no digest":        {Name, strings.Repeat("x", 64) + "  a", nil, "SHA256SUMS:1 is not a line"},
		"out of the place": {Name, one + "  b/../../a", nil, "SHA256SUMS:1 names a file outside"},
		"an absolute path": {Name, one + "  /etc/passwd", nil, "SHA256SUMS:1 is not a line"},
	} {
		t.Run(name, func(t *testing.T) {
			got := List{}
			err := got.Add(test.list, test.text)
			if test.err != "" {
				assert.ErrorContains(t, err, test.err)
				return
			}
			assert.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestFolder(t *testing.T) {
	l := List{"d/b": {two, ""}, "d/a": {one, ""}, "e": {one, ""}}
	assert.Equal(t, []string{"a", "b"}, l.Below("d").Names())
	// what sha256sum says to two lines, of 64 ones and of 64 twos
	assert.Equal(t, "sha256:7365ea48c8a3989cf164ca67f5d934c9a11269a628308b0fe529b6e4bc1c694d",
		l.Folder("d"))
	assert.Empty(t, l.Folder("e"))
	assert.Equal(t, "sha256:"+one, l.Promise("e"))
	assert.Empty(t, l.Promise("d"))
}

func FuzzAdd(f *testing.F) {
	f.Add(one + "  a\n")
	f.Add("\\" + one + " *a\\n\\\\\r\n# x\n")
	f.Fuzz(func(t *testing.T, text string) {
		all := List{}
		if all.Add("d/SHA256SUMS", text) != nil {
			return
		}
		for name, s := range all {
			assert.False(t, path.IsAbs(name) || strings.HasPrefix(name, "../"), name)
			assert.Len(t, s.Hex, 64)
		}
	})
}
