package oci

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"lifeboat/internal/tarend"
)

// small is an image that a fuzzer can take apart.
func small(t *testing.T, arch string) sample {
	s := sample{layers: [][]byte{pack(t, member{name: "etc/app.conf", content: []byte("port=80\n")})}}
	s.config = toJSON(t, map[string]any{"architecture": arch, "os": "linux",
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{sum(s.layers[0])}}})
	return s
}

// Whatever an archive looks like: what an engine gets is one image whose digests hold.
func FuzzArchive(f *testing.F) {
	t := &testing.T{}
	s := small(t, "amd64")
	for _, members := range [][]member{s.saved(t, "shop/app:1"), s.layout(t, "gzip", "1"), s.layout(t, "zstd", "1")} {
		raw := pack(t, members...)
		f.Add(raw)
		f.Add(squeeze(t, "gzip", raw))
		f.Add(raw[:len(raw)-tarend.Block])
	}
	_, two := twoImages(t, newSample(t, "amd64"))
	f.Add(pack(t, two...))
	i := &Imager{os: "linux", arch: "amd64", large: 1 << 20}
	f.Fuzz(func(t *testing.T, raw []byte) {
		e := &engine{}
		out, err := i.Image(t.Context(), source("", raw), e)
		if err != nil {
			require.Nil(t, e.files, "an engine saw something of a bad archive")
			return
		}
		require.Equal(t, sum(raw), out.Digest)
		require.Len(t, e.list, 1)
		config := e.files[e.list[0].Config]
		require.Equal(t, sum(config)[7:]+".json", e.list[0].Config)
		var c configuration
		require.NoError(t, json.Unmarshal(config, &c))
		require.Len(t, e.list[0].Layers, len(c.RootFS.DiffIDs))
		for n, l := range e.list[0].Layers {
			require.Equal(t, c.RootFS.DiffIDs[n], sum(e.files[l]))
		}
	})
}
