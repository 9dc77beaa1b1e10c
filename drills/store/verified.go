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

// MostBeside bounds a file beside a point, bytes.
const MostBeside = 64 << 20

// Beside is a store that gives the files that lie beside its points and are about them.
type Beside interface {
	// Beside reads the file whose name is that of the point with suffix after it. Errors wrap ErrNoPoint when there is none and
	// none was promised; *Mismatch when it is not what a list of digests promises of it; anything else says that it cannot be
	// had. None of them says a word of the point itself.
	Beside(ctx context.Context, p Point, suffix string) ([]byte, error)
}

// Held gives a file beside a point when it is what was promised of it, if anything was.
func Held(name string, raw []byte, promised record.Digest) ([]byte, error) {
	if !promised.Given() {
		return raw, nil
	}
	got := promised
	h := promised.Hash()
	h.Write(raw)
	if got.Value = hex.EncodeToString(h.Sum(nil)); got.Value != promised.Value {
		return nil, &Mismatch{Point: name, Want: promised.String(), Got: got.String()}
	}
	return raw, nil
}

// NotBeside says that there is no such file: ErrNoPoint, or a promise that was not kept.
func NotBeside(name string, promised record.Digest) error {
	if promised.Given() {
		return fmt.Errorf("%s lists %s, and it is not there: put it back, or take its line out", promised.File, name)
	}
	return fmt.Errorf("%s: %w has that name", name, ErrNoPoint)
}

// Unusable is why a point cannot be restored as it lies in its store, by its name in the reports' catalogue; "": it can.
type Unusable string

// The reasons.
const (
	Partial    Unusable = "partial"    // its name says that it is still being written
	Special    Unusable = "special"    // neither a file nor a folder: a pipe, a socket, a device
	Dangling   Unusable = "dangling"   // a link to nothing, or out of the store
	Mixed      Unusable = "mixed"      // a folder that holds something like that
	Hollow     Unusable = "hollow"     // a folder without a file
	Absent     Unusable = "absent"     // a list of digests names it, and it is not there; nobody knows how old it was
	Damaged    Unusable = "damaged"    // what says what it is, is not what its name promises
	Unreadable Unusable = "unreadable" // it may be good, and nobody here may read it
)

// Words are those of the reports' catalogue, in English.
func (u Unusable) Words() string {
	return map[Unusable]string{
		Partial:    "still being written, by its name",
		Special:    "neither a file nor a folder",
		Dangling:   "a link to nothing that is in the store",
		Mixed:      "a folder that holds more than files",
		Hollow:     "a folder without a file",
		Absent:     "named in a list of digests and not there",
		Damaged:    "damaged itself",
		Unreadable: "not to be read by lifeboat",
	}[u]
}
