package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	packer "github.com/klauspost/compress/zstd"

	"lifeboat/internal/accident"
)

// picture is an image of a small shop, which has not been written yet.
type picture struct {
	layers  [][]piece // lowest first
	config  map[string]any
	history []map[string]any
	arch    string
}

// piece is one entry of a tar.
type piece struct {
	name string
	text []byte
	mode int64  // default: 0644, of folders 0755
	link string // where a link leads
	kind byte   // default: a file, a link where link is set, a folder where the name ends in a slash
}

// studio makes pictures; the program in them is built once.
type studio struct{ program func() ([]byte, error) }

func newStudio() *studio {
	return &studio{sync.OnceValues(func() ([]byte, error) {
		dir, err := os.MkdirTemp("", "lifeboat-shelf-")
		if err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
		file := filepath.Join(dir, "guest")
		if _, err := command(context.Background(), nil, "env", "CGO_ENABLED=0", "go", "build", "-trimpath", "-ldflags=-s -w", "-o", file,
			"lifeboat/ci/shelf/guest"); err != nil {
			return nil, err
		}
		return os.ReadFile(file)
	})}
}

// picture is the good one.
func (s *studio) picture() (*picture, error) {
	program, err := s.program()
	if err != nil {
		return nil, fmt.Errorf("build the program of the images: %w", err)
	}
	return &picture{arch: runtime.GOARCH,
		layers: [][]piece{
			{{name: "etc/"}, {name: "etc/passwd", text: []byte("root:x:0:0::/:\napp:x:1000:1000::/:\n")},
				{name: "etc/os-release", text: []byte("ID=shop\n")}, {name: "etc/old.conf", text: []byte("password = last year's\n")}},
			{{name: "srv/"}, {name: "srv/app/"}, {name: "srv/app/shop", text: program, mode: 0o755},
				{name: "srv/app/customers.txt", text: []byte(strings.Repeat("a customer\n", 300))}},
			{{name: "etc/"}, {name: "etc/.wh.old.conf"}, {name: "etc/shop.conf", text: []byte("port = 8080\n")}},
		},
		config: map[string]any{"Entrypoint": []string{"/srv/app/shop"}, "Cmd": []string{"serve", "8080"}, "WorkingDir": "/srv/app", "User": "app",
			"ExposedPorts": map[string]any{"8080/tcp": struct{}{}}},
		history: []map[string]any{{"created_by": "COPY etc /etc"}, {"created_by": "WORKDIR /srv/app"}, {"created_by": "RUN rm /etc/old.conf"}},
	}, nil
}

// change makes another picture of one; form writes it, accidents happen to the file.
func (s *studio) image(change func(*picture), form func(*picture) ([]piece, error), file string, happens ...accident.Func) maker {
	return func(_ context.Context, _ *bench, dir string) error {
		p, err := s.picture()
		if err != nil {
			return err
		}
		if change != nil {
			change(p)
		}
		pieces, err := form(p)
		if err != nil {
			return err
		}
		raw, err := accident.All(happens...)(archived(pieces))
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, file), raw, 0o600)
	}
}

func archived(pieces []piece) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, p := range pieces {
		h := &tar.Header{Name: p.name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(p.text)), Linkname: p.link}
		switch {
		case p.kind != 0:
			h.Typeflag = p.kind
		case p.link != "":
			h.Typeflag = tar.TypeSymlink
		case strings.HasSuffix(p.name, "/"):
			h.Typeflag, h.Mode = tar.TypeDir, 0o755
		}
		if p.mode != 0 {
			h.Mode = p.mode
		}
		if err := w.WriteHeader(h); err != nil {
			panic(err) // it is written to memory
		}
		_, _ = w.Write(p.text)
	}
	_ = w.Close()
	return b.Bytes()
}

func sumOf(raw []byte) string { return fmt.Sprintf("%x", sha256.Sum256(raw)) }

// written are the layers and the configuration that promises them.
func (p *picture) written() (layers [][]byte, config []byte, err error) {
	var ids []string
	for _, l := range p.layers {
		layers = append(layers, archived(l))
		ids = append(ids, "sha256:"+sumOf(layers[len(layers)-1]))
	}
	config, err = json.Marshal(map[string]any{"os": "linux", "architecture": p.arch, "created": "2026-01-01T00:00:00Z", "config": p.config,
		"history": p.history, "rootfs": map[string]any{"type": "layers", "diff_ids": ids}})
	return layers, config, err
}

// saved is what docker save writes of it.
func saved(p *picture) ([]piece, error) {
	layers, config, err := p.written()
	if err != nil {
		return nil, err
	}
	var pieces []piece
	var names []string
	for i, l := range layers {
		names = append(names, fmt.Sprintf("%064x/layer.tar", i+1))
		pieces = append(pieces, piece{name: names[i], text: l})
	}
	list, err := json.Marshal([]map[string]any{{"Config": sumOf(config) + ".json", "RepoTags": []string{"shop:1"}, "Layers": names}})
	return append(pieces, piece{name: sumOf(config) + ".json", text: config}, piece{name: "manifest.json", text: list}), err
}

// layout is its OCI layout, with layers compressed by a function.
func layout(pack func([]byte) []byte) func(*picture) ([]piece, error) {
	return func(p *picture) ([]piece, error) {
		layers, config, err := p.written()
		if err != nil {
			return nil, err
		}
		pieces := []piece{{name: "oci-layout", text: []byte(`{"imageLayoutVersion": "1.0.0"}`)}}
		blob := func(kind string, raw []byte) map[string]any {
			pieces = append(pieces, piece{name: "blobs/sha256/" + sumOf(raw), text: raw})
			return map[string]any{"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + sumOf(raw), "size": len(raw)}
		}
		list := []any{}
		for _, l := range layers {
			list = append(list, blob("layer.v1.tar", pack(l)))
		}
		manifest, err := json.Marshal(map[string]any{"schemaVersion": 2, "config": blob("config.v1+json", config), "layers": list})
		if err != nil {
			return nil, err
		}
		index, err := json.Marshal(map[string]any{"schemaVersion": 2, "manifests": []any{blob("manifest.v1+json", manifest)}})
		return append(pieces, piece{name: "index.json", text: index}), err
	}
}

func asIs(raw []byte) []byte { return raw }

func inGzip(raw []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(raw)
	_ = w.Close()
	return b.Bytes()
}

func inZstd(raw []byte) []byte {
	w, err := packer.NewWriter(nil)
	if err != nil {
		panic(err) // it has no options that could be wrong
	}
	return w.EncodeAll(raw, nil)
}

// with changes the pieces that a form writes.
func with(form func(*picture) ([]piece, error), change func([]piece) []piece) func(*picture) ([]piece, error) {
	return func(p *picture) ([]piece, error) {
		pieces, err := form(p)
		return change(pieces), err
	}
}

// set gives another configuration.
func set(key string, value any) func(*picture) {
	return func(p *picture) {
		p.config = maps.Clone(p.config)
		p.config[key] = value
	}
}

// tarTool asks tar, as backup scripts do.
func tarTool(ctx context.Context, _ *bench, dir string) (tool string, fine bool, err error) {
	name, err := backupIn(dir)
	if err != nil || name == "" {
		return "", false, err
	}
	_, err = command(ctx, nil, "timeout", "60", "tar", "-tf", filepath.Join(dir, name))
	fine, err = exited(err)
	return "tar -t", fine, err
}
