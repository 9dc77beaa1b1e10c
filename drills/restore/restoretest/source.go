package restoretest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/store"
)

// memory is a stream of bytes that keeps a store's promises.
type memory struct {
	*bytes.Reader
	point store.Point
	sum   string
}

func (m *memory) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if errors.Is(err, io.EOF) && m.point.Digest.Given() && m.point.Digest.String() != m.sum {
		return n, &store.Mismatch{Point: m.point.ID, Want: m.point.Digest.String(), Got: m.sum}
	}
	return n, err
}
func (m *memory) Close() error   { return nil }
func (m *memory) Digest() string { return m.sum }
func (m *memory) Bytes() int64   { return m.Size() - int64(m.Len()) }

// Digest of bytes: sha256:HEX.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Source is a backup of these bytes, whose restore point has this id; promised: the digest that its store says it has, "" where it says none.
func Source(backup, id string, content []byte, promised string) restore.Source {
	p := store.Point{ID: id, Size: int64(len(content))}
	p.Digest, _ = record.ParseDigest(promised)
	return restore.Source{Backup: backup, Point: p, Unused: true, Open: func(context.Context) (store.Stream, error) {
		return &memory{Reader: bytes.NewReader(content), point: p, sum: Digest(content)}, nil
	}}
}
