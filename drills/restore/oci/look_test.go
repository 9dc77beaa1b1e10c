package oci

import (
	"bytes"
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/store"
)

// lying is an archive that can be read at any place.
type lying struct {
	*bytes.Reader
	read int
}

func (l *lying) ReadAt(p []byte, off int64) (int, error) {
	n, err := l.Reader.ReadAt(p, off)
	l.read += n
	return n, err
}

func (*lying) Close() error   { return nil }
func (*lying) Path() string   { return "" }
func (*lying) Fetched() int64 { return 0 }
func (*lying) Same() error    { return nil }

// What is no image archive, and an image for another platform, is said before anything boots.
func TestLook(t *testing.T) {
	other := "s390x"
	s, foreign := newSample(t, runtime.GOARCH), newSample(t, other)
	foreign.layers[0] = pack(t, member{name: "big", content: bytes.Repeat([]byte("x"), 4<<20)})
	_, two := twoImages(t, s)
	for name, c := range map[string]struct {
		raw    []byte
		tag    string
		kind   string
		misfit bool
		lack   string
	}{
		"docker save":           {raw: pack(t, s.saved(t, "shop/app:1")...)},
		"OCI layout":            {raw: pack(t, s.layout(t, "gzip", "1")...)},
		"in gzip":               {raw: squeeze(t, "gzip", pack(t, s.saved(t)...))},
		"cut off":               {raw: pack(t, s.saved(t)...)[:700]},
		"noise":                 {raw: []byte("\x9a\x9b\x9c")},
		"docker export":         {raw: pack(t, member{name: ".dockerenv"}, member{name: "bin/sh"}), kind: "rootfs"},
		"docker export in gzip": {raw: squeeze(t, "gzip", pack(t, member{name: ".dockerenv"})), kind: "rootfs"},
		"docker's own message":  {raw: []byte("Error response from daemon: No such image: shop\n"), kind: "message"},
		"a page in gzip":        {raw: squeeze(t, "gzip", []byte("<html></html>")), kind: "html"},
		"a disk":                {raw: []byte("QFI\xfb\x00\x00\x00\x03"), kind: "qcow2"},
		"encrypted":             {raw: []byte("Salted__12345678"), kind: "openssl"},
		"nothing":               {kind: "empty"},
		"another platform":      {raw: pack(t, foreign.saved(t, "shop/app:1")...), misfit: true},
		"of another image":      {raw: pack(t, s.saved(t, "shop/app:1")...), tag: "shop/app:2", lack: "it holds shop/app:1"},
		"of two images":         {raw: pack(t, two...), lack: "it holds 2 images"},
		"the second of two":     {raw: pack(t, two...), tag: "shop/app:2"},
	} {
		t.Run(name, func(t *testing.T) {
			at := &lying{Reader: bytes.NewReader(c.raw)}
			src := source("", c.raw)
			src.OpenAt = func(context.Context) (store.Random, error) { return at, nil }
			settings := "{}"
			if c.tag != "" {
				settings = "tag: " + c.tag
			}
			err := imager(t, settings).Look(t.Context(), src)
			if name == "docker save" {
				env, err := imager(t, settings).Env(t.Context(), src)
				require.NoError(t, err)
				assert.Equal(t, map[string]string{"PG_MAJOR": "15", "EMPTY": ""}, env)
			}
			var kind *restore.KindError
			var misfit *restore.MisfitError
			var lack *restore.LackError
			switch {
			case c.lack != "":
				require.ErrorAs(t, err, &lack)
				assert.Contains(t, lack.What, c.lack)
			case c.kind != "":
				require.ErrorAs(t, err, &kind)
				assert.Equal(t, c.kind, kind.Found.Name)
			case c.misfit:
				require.ErrorAs(t, err, &misfit)
				assert.Equal(t, "linux/"+other, misfit.Has)
				assert.Equal(t, "linux/"+runtime.GOARCH, misfit.Wants)
				assert.Less(t, at.read, 1<<20, "the layers are not read")
			default:
				require.NoError(t, err)
			}
		})
	}
}
