package store

import (
	"context"
	"encoding/hex"
	"fmt"

	"lifeboat/drills/record"
)

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
