package postgres

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lifeboat/drills/restore"
	"lifeboat/drills/restore/postgres/pgdump"
	"lifeboat/drills/store"
	"lifeboat/internal/filekind"
	"lifeboat/internal/filekind/unpack"
)

const (
	pieceSize   = 256 << 10
	maxWrappers = 2 // a dump may be compressed twice by mistake; more is an attack
	// A dump that expands more than this much is a bomb, once it is large.
	maxExpansion = 500
	largeEnough  = 4 << 30
)

// input is the stream of a backup without its compression.
type input struct {
	ctx     context.Context
	raw     store.Stream
	rawErr  error // of the stream itself, but io.EOF
	rawEnd  bool
	r       *bufio.Reader
	out     int64 // bytes after decompression
	wrapped bool
	closers []func()
}

// openInput starts reading. Reading ends with ctx.
func openInput(ctx context.Context, raw store.Stream) *input {
	in := &input{ctx: ctx, raw: raw}
	in.r = bufio.NewReaderSize(rawReader{in}, pieceSize)
	return in
}

func (in *input) close() error {
	for _, c := range in.closers {
		c()
	}
	return in.raw.Close()
}

// rawReader remembers what the stream itself said, whatever a decompressor makes of it.
type rawReader struct{ in *input }

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

// Read gives the dump's bytes.
func (in *input) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	in.out += int64(n)
	if in.wrapped && in.out > largeEnough && in.out/maxExpansion > in.raw.Bytes() {
		return n, &pgdump.Damage{Reason: fmt.Sprintf("it expands more than %d times", maxExpansion)}
	}
	return n, err
}

// detect finds the format by content, taking compression off on the way.
func (in *input) detect() (string, error) {
	for range maxWrappers + 1 {
		head, err := in.r.Peek(filekind.Enough)
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		found := filekind.Of(head)
		if !unpack.Can(found.Kind) {
			return in.format(head, found)
		}
		if err := in.unwrap(found.Kind); err != nil {
			return "", err
		}
	}
	return "", &pgdump.Damage{Reason: "it is compressed more than twice"}
}

func (in *input) unwrap(kind filekind.Kind) error {
	r, err := unpack.Open(kind, in.r)
	if err != nil {
		return unpackError(kind, in, err)
	}
	in.closers = append(in.closers, func() { _ = r.Close() }) // nothing was written
	in.r = bufio.NewReaderSize(unpacker{kind: kind, in: in, r: r}, pieceSize)
	in.wrapped = true
	return nil
}

// unpacker turns a decompressor's errors into damage of the backup.
type unpacker struct {
	kind filekind.Kind
	in   *input
	r    io.Reader
}

func (u unpacker) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = unpackError(u.kind, u.in, err)
	}
	return n, err
}

func unpackError(kind filekind.Kind, in *input, err error) error {
	var damage *pgdump.Damage
	var refusal *unpack.Refusal
	var another *restore.KindError
	switch {
	case in.rawErr != nil:
		return in.rawErr
	case in.ctx.Err() != nil:
		return in.ctx.Err()
	case errors.As(err, &damage), errors.As(err, &another):
		return err
	case errors.As(err, &refusal):
		return &restore.KindError{Found: filekind.Found{Kind: refusal.Kind}, Why: refusal.Why}
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &pgdump.Damage{Reason: "its " + kind.Words + " compression ends too early: it is cut off"}
	}
	return &pgdump.Damage{Reason: fmt.Sprintf("its %s compression is damaged: %v", kind.Words, err)}
}

// format tells what an uncompressed dump is.
func (in *input) format(head []byte, found filekind.Found) (string, error) {
	switch found.Name {
	case "pg_custom":
		return formatCustom, nil
	case "tar":
		return formatTar, nil
	case "pg_plain", "pg_cluster":
		if bytes.HasPrefix(head, []byte(filekind.BOM)) { // psql skips it, too
			_, err := in.r.Discard(len(filekind.BOM))
			return formatPlain, err
		}
		return formatPlain, nil
	case "":
		return "", &pgdump.Damage{Reason: "it is not a dump of PostgreSQL: neither a custom, tar or folder dump nor SQL of " +
			"pg_dump"}
	}
	return "", &restore.KindError{Found: found}
}

// lookOn is how long a failed restore still reads its backup to learn whether the
// digest explains the failure.
const lookOn = 20 * time.Second

// mismatch reads the stream to its end and tells whether the digest holds.
func (in *input) mismatch() *store.Mismatch {
	limit := time.Now().Add(lookOn)
	buf := make([]byte, pieceSize)
	for in.rawErr == nil && !in.rawEnd && time.Now().Before(limit) {
		if _, err := (rawReader{in}).Read(buf); err != nil {
			break
		}
	}
	var m *store.Mismatch
	errors.As(in.rawErr, &m)
	return m
}

// finish makes sure that nothing follows the dump and that its digest holds.
func (in *input) finish() error {
	n, err := io.Copy(io.Discard, in)
	if err == nil && n > 0 {
		err = &pgdump.Damage{Reason: fmt.Sprintf("%d bytes follow its end", n)}
	}
	for err == nil && !in.rawEnd { // a decompressor may stop before the stream does
		_, err = (rawReader{in}).Read(make([]byte, pieceSize))
		if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	return err
}
