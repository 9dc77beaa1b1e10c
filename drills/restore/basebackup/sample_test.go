package basebackup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/needs"
	"lifeboat/scenarios"
)

const image = "lifeboat/postgres:15"

// made is what a real server's tools made, by path; folders end with a slash.
var made = sync.OnceValues(func() (tree, error) {
	script, err := os.ReadFile("testdata/make.sh")
	if err != nil {
		return nil, err
	}
	c := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--user", "postgres", "--entrypoint", "bash", image, "-s")
	c.Stdin = bytes.NewReader(script)
	var out, told bytes.Buffer
	c.Stdout, c.Stderr = &out, &told
	if err := c.Run(); err != nil {
		return nil, errors.New(err.Error() + ": " + told.String())
	}
	return untar(&out)
})

type tree map[string]string

func untar(r io.Reader) (tree, error) {
	all := tree{}
	tr := tar.NewReader(r)
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		raw, err := io.ReadAll(tr)
		if err != nil {
			return nil, err
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag == tar.TypeDir && !strings.HasSuffix(name, "/") {
			name += "/"
		}
		all[name] = string(raw)
	}
}

// tarred is a tree as the store streams a folder: files alone, in their order.
func (t tree) tarred() string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(t)) {
		if strings.HasSuffix(name, "/") || name == "" {
			continue
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(t[name])), Mode: 0o644}); err != nil {
			panic(err)
		}
		if _, err := io.WriteString(w, t[name]); err != nil {
			panic(err)
		}
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

// below is a part of a tree, by the paths in it.
func (t tree) below(folder string) tree {
	all := tree{}
	for name, content := range t {
		if rest, ok := strings.CutPrefix(name, folder+"/"); ok && rest != "" {
			all[rest] = content
		}
	}
	return all
}

// with is a copy in which some files are others; an empty one is gone.
func (t tree) with(changed tree) tree {
	all := maps.Clone(t)
	for name, content := range changed {
		if content == "" {
			delete(all, name)
		} else {
			all[name] = content
		}
	}
	return all
}

// in changes files within a tar that is a file of the tree.
func (t tree) in(t2 testing.TB, name string, change func(inner tree) tree) tree {
	inner, err := untar(strings.NewReader(t[name]))
	require.NoError(t2, err)
	return t.with(tree{name: change(inner).tarred()})
}

func sample(t testing.TB) tree {
	t.Helper()
	if out, err := exec.Command("docker", "image", "inspect", "--format", "{{.Id}}", image).CombinedOutput(); err != nil {
		needs.Skipf(t, "no %s here (run ci/images/postgres.sh): %s", image, out)
	}
	all, err := made()
	require.NoError(t, err)
	return all
}

func loader(t testing.TB, text string) *Loader {
	t.Helper()
	s, err := scenarios.ParseSettings("basebackup", text)
	require.NoError(t, err)
	l, problems := New(s)
	require.Empty(t, problems)
	return l
}

// stream is a backup from memory.
type stream struct {
	io.Reader
	raw string
	n   int64
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	s.n += int64(n)
	return n, err
}
func (s *stream) Close() error { return nil }
func (s *stream) Bytes() int64 { return s.n }
func (s *stream) Digest() string {
	sum := sha256.Sum256([]byte(s.raw))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// source is a backup, and an archive of WAL beside it.
func source(folder bool, raw, wal string) restore.Source {
	open := func(raw string) func(context.Context) (store.Stream, error) {
		return func(context.Context) (store.Stream, error) {
			return &stream{Reader: strings.NewReader(raw), raw: raw}, nil
		}
	}
	s := restore.Source{Backup: "db", Point: store.Point{ID: "2026", Dir: folder}, Open: open(raw)}
	if wal != "" {
		s.Beside = func(name string) (restore.Source, error) {
			return restore.Source{Backup: name, Point: store.Point{ID: "wal", Dir: true}, Open: open(wal)}, nil
		}
	}
	return s
}

func (t tree) under(folder string, of tree) tree {
	all := maps.Clone(t)
	for name, content := range of {
		all[folder+"/"+name] = content
	}
	return all
}
