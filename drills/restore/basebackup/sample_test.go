package basebackup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/restoretest"
	"lifeboat/drills/store"
	"lifeboat/internal/accident"
	"lifeboat/scenarios"
)

const image = "lifeboat/postgres:15"

// made is what a real server's tools made, by path; folders end with a slash.
var made = sync.OnceValues(func() (tree, error) {
	script, err := os.ReadFile("testdata/make.sh")
	if err != nil {
		return nil, err
	}
	return restoretest.Made(image, "postgres", string(script))
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
	return restoretest.Sample(t, image, "ci/images/postgres.sh", made)
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
