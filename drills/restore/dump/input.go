package dump

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/filekind"
	"lifeboat/internal/filekind/unpack"
)

// PieceSize is how much of a dump is read at once, bytes.
const PieceSize = 256 << 10

const (
	maxWrappers = 2 // a dump may be compressed twice by mistake; more is an attack
	// A dump that expands more than this much is a bomb, once it is large.
	maxExpansion = 500
	largeEnough  = 4 << 30
)

// Input is the stream of a backup without its compression. It is read from one goroutine.
type Input struct {
	ctx     context.Context
	raw     store.Stream
	rawErr  error // of the stream itself, but io.EOF
	rawEnd  bool
	r       *bufio.Reader
	out     int64 // bytes after decompression
	wrapped bool
	closers []func()
}

// Open starts reading, which ends with ctx.
func Open(ctx context.Context, raw store.Stream) *Input {
	in := &Input{ctx: ctx, raw: raw}
	in.r = bufio.NewReaderSize(rawReader{in}, PieceSize)
	return in
}

// Close ends reading, wherever it is.
func (in *Input) Close() error {
	for _, c := range in.closers {
		c()
	}
	return in.raw.Close()
}

// rawReader remembers what the stream itself said, whatever a decompressor makes of it.
type rawReader struct{ in *Input }

func (r rawReader) Read(p []byte) (int, error) {
	in := r.in
	if err := in.ctx.Err(); err != nil {
		return 0, err
	}
	if in.rawErr != nil {
		return 0, in.rawErr
	}
	n, err := in.raw.Read(p)
	if errors.Is(err, io.EOF) {
		in.rawEnd = true
	} else if err != nil {
		in.rawErr = err
	}
	return n, err
}

// Broken tells whether the stream itself said that something is wrong with it.
func (in *Input) Broken() bool { return in.rawErr != nil }

// Wrapped tells whether compression was taken off.
func (in *Input) Wrapped() bool { return in.wrapped }

// Peek gives the next bytes without taking them, as bufio.Reader does.
func (in *Input) Peek(n int) ([]byte, error) { return in.r.Peek(n) }

// Discard takes the next bytes.
func (in *Input) Discard(n int) error {
	_, err := in.r.Discard(n)
	return err
}

// Read gives the dump's bytes.
func (in *Input) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	in.out += int64(n)
	if in.wrapped && in.out > largeEnough && in.out/maxExpansion > in.raw.Bytes() {
		return n, &Damage{Reason: fmt.Sprintf("it expands more than %d times", maxExpansion)}
	}
	return n, err
}

// Detect takes compression off, and gives the beginning of what is in it and what that is.
func (in *Input) Detect() ([]byte, filekind.Found, error) {
	for range maxWrappers + 1 {
		head, err := in.r.Peek(filekind.Enough)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, filekind.Found{}, err
		}
		found := filekind.Of(head)
		if !unpack.Can(found.Kind) {
			return head, found, nil
		}
		if err := in.unwrap(found.Kind); err != nil {
			return nil, filekind.Found{}, err
		}
	}
	return nil, filekind.Found{}, &Damage{Reason: "it is compressed more than twice"}
}

func (in *Input) unwrap(kind filekind.Kind) error {
	r, err := unpack.Open(kind, in.r)
	if err != nil {
		return unpackError(kind, in, err)
	}
	in.closers = append(in.closers, func() { _ = r.Close() }) // nothing was written
	in.r = bufio.NewReaderSize(unpacker{kind: kind, in: in, r: r}, PieceSize)
	in.wrapped = true
	return nil
}

// unpacker turns a decompressor's errors into damage of the backup.
type unpacker struct {
	kind filekind.Kind
	in   *Input
	r    io.Reader
}

func (u unpacker) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = unpackError(u.kind, u.in, err)
	}
	return n, err
}

func unpackError(kind filekind.Kind, in *Input, err error) error {
	var refusal *unpack.Refusal
	switch {
	case in.rawErr != nil:
		return in.rawErr
	case in.ctx.Err() != nil:
		return in.ctx.Err()
	case errors.As(err, new(*Damage)), errors.As(err, new(*restore.KindError)):
		return err
	case errors.As(err, &refusal):
		return &restore.KindError{Found: filekind.Found{Kind: refusal.Kind}, Why: refusal.Why}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &Damage{Reason: fmt.Sprintf("its %s compression ends too early: it is cut off", kind.Words)}
	}
	return &Damage{Reason: fmt.Sprintf("its %s compression is damaged: %v", kind.Words, err)}
}

// lookOn is how long a failed restore still reads its backup to learn whether the
// digest explains the failure.
const lookOn = 20 * time.Second

// Mismatch reads the stream to its end and tells whether the digest holds.
func (in *Input) Mismatch() *store.Mismatch {
	limit := time.Now().Add(lookOn)
	buf := make([]byte, PieceSize)
	for in.rawErr == nil && !in.rawEnd && time.Now().Before(limit) {
		if _, err := (rawReader{in}).Read(buf); err != nil {
			break
		}
	}
	var m *store.Mismatch
	errors.As(in.rawErr, &m)
	return m
}

// Finish makes sure that nothing follows the dump and that its digest holds.
func (in *Input) Finish() error {
	n, err := io.Copy(io.Discard, in)
	if err == nil && n > 0 {
		err = &Damage{Reason: fmt.Sprintf("%d bytes follow its end", n)}
	}
	for err == nil && !in.rawEnd { // a decompressor may stop before the stream does
		_, err = (rawReader{in}).Read(make([]byte, PieceSize))
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	return err
}
