package basebackup

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/accident"
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
	c := exec.Command("docker", "run", "--rm", "-i", "--network", "none", "--tmpfs", "/tmp:exec", "--user", "postgres", "--entrypoint", "bash", image, "-s")
	c.Stdin = bytes.NewReader(script)
	var out, told bytes.Buffer
	c.Stdout, c.Stderr = &out, &told
	if err := c.Run(); err != nil {
		return nil, errors.New(err.Error() + ": " + told.String())
	}
	return accident.Unpacked(&out)
})

type tree = accident.Folder

// in changes files within a tar that is a file of a tree.
func in(t testing.TB, of tree, name string, change func(inner tree) tree) tree {
	t.Helper()
	changed, err := of.In(name, change)
	require.NoError(t, err)
	return changed
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
