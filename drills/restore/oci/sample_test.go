package oci

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/require"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/scenarios"
)

// memory is a stream of bytes that keeps a store's promises. It has no method that would
// lead io.Copy past Read.
type memory struct {
	from          *bytes.Reader
	sum, promised string
	ended         bool
}

func (m *memory) Read(p []byte) (int, error) {
	n, err := m.from.Read(p)
	m.ended = m.ended || errors.Is(err, io.EOF)
	if errors.Is(err, io.EOF) && m.promised != "" && m.promised != m.sum {
		return n, &store.Mismatch{Point: "app.tar", Want: m.promised, Got: m.sum}
	}
	return n, err
}

func (m *memory) Digest() string {
	if !m.ended {
		return ""
	}
	return m.sum
}

func (m *memory) Close() error { return nil }
func (m *memory) Bytes() int64 { return m.from.Size() - int64(m.from.Len()) }

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(s[:])
}

func source(promised string, contents ...[]byte) restore.Source {
	n := 0
	return restore.Source{Backup: "shop-app", Open: func(context.Context) (store.Stream, error) {
		raw := contents[min(n, len(contents)-1)]
		n++
		return &memory{from: bytes.NewReader(raw), sum: sum(raw), promised: promised}, nil
	}}
}

// engine takes an archive as an engine before version 25 would, and remembers its files.
type engine struct {
	instance.Driver // an Imager asks nothing else of it
	files           map[string][]byte
	list            []entry
	err             error
}

func (e *engine) LoadImage(_ context.Context, r instance.ImageArchive) (string, error) {
	e.files, e.list = map[string][]byte{}, nil
	tr := tar.NewReader(r.Archive)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			e.files[h.Name], err = io.ReadAll(tr)
		}
		if err != nil {
			e.err = err
			return "", fmt.Errorf("the engine refuses it: %w", err)
		}
	}
	if err := json.Unmarshal(e.files[saveList], &e.list); err != nil {
		return "", err
	}
	return "drill/" + r.Name + ":" + r.ID[7:19], nil
}

// member of an archive.
type member struct {
	name    string
	content []byte
	link    string
	mode    int64 // default: 0644
	kind    byte  // default: a file, or a link where link is set
}

func pack(t *testing.T, members ...member) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, m := range members {
		h := &tar.Header{Name: m.name, Size: int64(len(m.content)), Mode: 0o644, Typeflag: tar.TypeReg}
		if m.link != "" {
			h.Typeflag, h.Linkname = tar.TypeSymlink, m.link
		}
		if m.mode != 0 {
			h.Mode = m.mode
		}
		if m.kind != 0 {
			h.Typeflag, h.Format = m.kind, tar.FormatGNU
		}
		require.NoError(t, w.WriteHeader(h))
		_, err := w.Write(m.content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return buf.Bytes()
}

func squeeze(t *testing.T, with string, raw []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	if with == "xz" || with == "bzip2" {
		if _, err := exec.LookPath(with); err != nil {
			t.Skip(err)
		}
		c := exec.Command(with, "-c")
		c.Stdin, c.Stdout = bytes.NewReader(raw), &buf
		require.NoError(t, c.Run())
		return buf.Bytes()
	}
	var w io.WriteCloser = gzip.NewWriter(&buf)
	switch with {
	case "lz4":
		w = lz4.NewWriter(&buf)
	case "zstd":
		z, err := zstd.NewWriter(&buf)
		require.NoError(t, err)
		w = z
	}
	_, err := w.Write(raw)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return buf.Bytes()
}

func toJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	require.NoError(t, err)
	return b
}

// sample is a small image in its parts.
type sample struct {
	layers [][]byte // plain
	config []byte
}

func newSample(t *testing.T, arch string) sample {
	s := sample{layers: [][]byte{
		pack(t, member{name: "app", content: bytes.Repeat([]byte("program "), 20000)}),
		pack(t, member{name: "etc/app.conf", content: []byte("port=80\n")}),
	}}
	var ids []string
	for _, l := range s.layers {
		ids = append(ids, sum(l))
	}
	s.config = toJSON(t, map[string]any{"architecture": arch, "os": "linux", "created": "2026-01-01T00:00:00Z",
		"config": map[string]any{"Entrypoint": []string{"/app"}, "Env": []string{"PG_MAJOR=15", "EMPTY="}}, "rootfs": map[string]any{"type": "layers",
			"diff_ids": ids}})
	return s
}

func (s sample) id() string { return sum(s.config) }

// saved is what docker save makes of it: the layers, the configuration, the list at the end.
func (s sample) saved(t *testing.T, tags ...string) []member {
	var members []member
	var names []string
	for i, l := range s.layers {
		name := fmt.Sprintf("%064x/layer.tar", i+1)
		names = append(names, name)
		members = append(members, member{name: name, content: l})
	}
	config := s.id()[7:] + ".json"
	list := toJSON(t, []entry{{Config: config, RepoTags: tags, Layers: names}})
	return append(members, member{name: config, content: s.config}, member{name: saveList, content: list})
}

func blob(content []byte) member {
	return member{name: "blobs/sha256/" + sum(content)[7:], content: content}
}

func points(kind string, content []byte) descriptor {
	return descriptor{MediaType: kind, Digest: sum(content), Size: int64(len(content))}
}

// layout is its OCI layout, layers compressed.
func (s sample) layout(t *testing.T, with, name string) []member {
	manifest := list{Config: new(descriptor)}
	*manifest.Config = points("application/vnd.oci.image.config.v1+json", s.config)
	members := []member{blob(s.config)}
	for _, l := range s.layers {
		packed := squeeze(t, with, l)
		members = append(members, blob(packed))
		manifest.Layers = append(manifest.Layers, points("application/vnd.oci.image.layer.v1.tar+"+with, packed))
	}
	m := toJSON(t, manifest)
	d := points("application/vnd.oci.image.manifest.v1+json", m)
	d.Annotations = map[string]string{refName: name}
	return append(members, blob(m), member{name: layoutList, content: toJSON(t, list{Manifests: []descriptor{d}})},
		member{name: layoutMark, content: []byte(`{"imageLayoutVersion": "1.0.0"}`)})
}

func imager(t *testing.T, settings string) *Imager {
	t.Helper()
	s, err := scenarios.ParseSettings("oci", settings)
	require.NoError(t, err)
	i, problems := New(s)
	require.Empty(t, problems)
	return i
}
