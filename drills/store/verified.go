package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync/atomic"

	"lifeboat/drills/record"
)

// Opened is a backup whose bytes are about to be read.
type Opened struct {
	Body  io.ReadCloser
	Point Point
	Store string // as the scenario names it
	Size  int64  // bytes that must come; -1: nobody said so
	Tar   bool   // it is a folder, which the store packs itself
}

// Verify makes a stream that ends with io.EOF only when all of it came and is what was promised: *Problem when it is
// cut short or goes on after that, *Mismatch when its digest is another. Read returns the context's error once ctx ends.
func Verify(ctx context.Context, o Opened) Stream {
	v := &verified{Opened: o, ctx: ctx, hash: sha256.New()}
	if d := o.Point.Digest; d.Given() && d.Algorithm != record.SHA256 {
		v.promised = d.Hash()
	}
	return v
}

type verified struct {
	Opened
	ctx      context.Context
	hash     hash.Hash
	promised hash.Hash // where another algorithm than SHA-256 was promised
	n        atomic.Int64
	done     atomic.Bool
}

func (v *verified) Read(p []byte) (int, error) {
	if err := v.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := v.Body.Read(p)
	v.hash.Write(p[:n])
	if v.promised != nil {
		v.promised.Write(p[:n])
	}
	got := v.n.Add(int64(n))
	switch {
	case v.Size >= 0 && got > v.Size: // it may never end, and fill a disk
		return 0, v.problem("%s goes on after the %d bytes that were promised", v.Point.ID, v.Size)
	case err == nil:
		return n, nil
	case errors.As(err, new(*Mismatch)), errors.As(err, new(*Problem)): // a store that found it out by itself
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF) && v.Size >= 0 && got != v.Size:
		return n, v.problem("%s ended after %d bytes, %d were promised", v.Point.ID, got, v.Size)
	case !errors.Is(err, io.EOF):
		return n, fmt.Errorf("fetch %s: after %d bytes: %w", v.Point.ID, got, err)
	}
	if err := v.holds(); err != nil {
		return n, err
	}
	v.done.Store(true)
	return n, io.EOF
}

// holds tells whether what was read is what was promised. A digest of an algorithm that is not known does not hold.
func (v *verified) holds() error {
	want := v.Point.Digest
	if !want.Given() {
		return nil
	}
	got, by := want, v.hash
	if v.promised != nil {
		by = v.promised
	}
	got.Value = hex.EncodeToString(by.Sum(nil))
	if got.Value == want.Value {
		return nil
	}
	return &Mismatch{Point: v.Point.ID, Want: want.String(), Got: got.String()}
}

func (v *verified) problem(format string, args ...any) error {
	return &Problem{Store: v.Store, Hint: "try again; if it stays so, look at the server and what stands before it",
		Reason: fmt.Sprintf(format, args...)}
}

// Packed tells of a stream, without reading it, whether it is a tar that its store makes of a folder: its beginning may cost as much as all of it.
func Packed(s Stream) bool {
	v, ok := s.(*verified)
	return ok && v.Tar
}

func (v *verified) Close() error { return v.Body.Close() }

func (v *verified) Bytes() int64 { return v.n.Load() }

func (v *verified) Digest() string {
	if !v.done.Load() {
		return ""
	}
	return "sha256:" + hex.EncodeToString(v.hash.Sum(nil))
}
