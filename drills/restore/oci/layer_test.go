package oci

import (
	"archive/tar"
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
)

// A layer is held against itself before the engine sees it: its digest may be right and its content hostile.
func TestImageRefusesLayersThatLeadOut(t *testing.T) {
	whole := pack(t, member{name: "a", content: make([]byte, 3000)})
	for name, test := range map[string]struct {
		layer []byte
		want  string
	}{
		"up":                {pack(t, member{name: "../x"}), `the name "../x", which leads out`},
		"up, from below":    {pack(t, member{name: "a/../../x"}), "which leads out"},
		"up, from the root": {pack(t, member{name: "good"}, member{name: "/../x"}), "which leads out"},
		"a hard link up":    {pack(t, member{name: "x", kind: tar.TypeLink, link: "../../etc/shadow"}), "a hard link to"},
		"cut off":           {whole[:2048], "its tar is damaged: unexpected EOF"},
		"no tar":            {bytes.Repeat([]byte("x"), 4096), "it is no tar"},
		"JSON":              {[]byte(`{"a": 1}`), "it is no tar"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSample(t, runtime.GOARCH)
			s.config = bytes.Replace(s.config, []byte(sum(s.layers[1])), []byte(sum(test.layer)), 1)
			s.layers[1] = test.layer
			for form, members := range map[string][]member{"save": s.saved(t), "layout": s.layout(t, "gzip", "1")} {
				raw := pack(t, members...)
				e := &engine{}
				_, err := imager(t, "{}").Image(t.Context(), source("", raw), e)
				var backup *restore.BackupError
				require.ErrorAs(t, err, &backup, form)
				assert.Contains(t, err.Error(), test.want, form)
				assert.Contains(t, err.Error(), "layer 2, ", form)
				assert.Nil(t, e.files, "the engine must see nothing of it")
			}
		})
	}
}

func TestImageTakesOddLayers(t *testing.T) {
	s := newSample(t, runtime.GOARCH)
	odd := pack(t, member{name: "/etc/x"}, member{name: "a/../b"}, member{name: "l", link: "../../lib"},
		member{name: "h", kind: tar.TypeLink, link: "/etc/x"}, member{name: "..data"}, member{name: ".wh.x"})
	s.config = bytes.Replace(s.config, []byte(sum(s.layers[1])), []byte(sum(odd)), 1)
	s.layers[1] = odd
	_, err := imager(t, "{}").Image(t.Context(), source("", pack(t, s.saved(t)...)), &engine{})
	require.NoError(t, err)
}

func TestOutsideKeepsErrorsOfTheStream(t *testing.T) {
	broken := errors.New("connection reset")
	raw := pack(t, member{name: "a", content: make([]byte, 3000)})
	_, _, err := outside(io.MultiReader(bytes.NewReader(raw[:1000]), iotest.ErrReader(broken)), new(10))
	assert.ErrorIs(t, err, broken)
}

func FuzzOutside(f *testing.F) {
	f.Add([]byte("x"))
	f.Add(make([]byte, 1024))
	f.Fuzz(func(t *testing.T, raw []byte) {
		in := bytes.NewReader(raw)
		_, _, err := outside(in, new(10))
		require.NoError(t, err)
		assert.Zero(t, in.Len(), "it is read to its end")
	})
}
