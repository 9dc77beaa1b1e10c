package postgres

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"lifeboat/drills/restore/postgres/pgdump"
	"lifeboat/drills/store"
)

const (
	pieceSize   = 256 << 10
	maxWrappers = 2         // a dump may be compressed twice by mistake; more is an attack
	maxWindow   = 128 << 20 // bytes of memory for zstd; what zstd itself accepts without being told
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
		head, err := in.r.Peek(512)
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		switch {
		case len(head) == 0:
			return "", &pgdump.Damage{Reason: "it is empty"}
		case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
			err = in.unwrap("gzip", func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) })
		case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
			err = in.unwrap("zstd", in.zstd)
		default:
			return in.format(head)
		}
		if err != nil {
			return "", err
		}
	}
	return "", &pgdump.Damage{Reason: "it is compressed more than twice"}
}

func (in *input) zstd(r io.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	in.closers = append(in.closers, d.Close)
	return d, nil
}

func (in *input) unwrap(name string, open func(io.Reader) (io.Reader, error)) error {
	r, err := open(in.r)
	if err != nil {
		return unpackError(name, in, err)
	}
	in.r = bufio.NewReaderSize(unpacker{name: name, in: in, r: r}, pieceSize)
	in.wrapped = true
	return nil
}

// unpacker turns a decompressor's errors into damage of the backup.
type unpacker struct {
	name string
	in   *input
	r    io.Reader
}

func (u unpacker) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = unpackError(u.name, u.in, err)
	}
	return n, err
}

func unpackError(name string, in *input, err error) error {
	var damage *pgdump.Damage
	switch {
	case in.rawErr != nil:
		return in.rawErr
	case in.ctx.Err() != nil:
		return in.ctx.Err()
	case errors.As(err, &damage):
		return err
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		return fmt.Errorf("%w: its zstd window is larger than %d MiB (pack it without --ultra and --long)",
			pgdump.ErrUnsupported, maxWindow>>20)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &pgdump.Damage{Reason: "its " + name + " compression ends too early: it is cut off"}
	}
	return &pgdump.Damage{Reason: fmt.Sprintf("its %s compression is damaged: %v", name, err)}
}

// format tells what an uncompressed dump is.
func (in *input) format(head []byte) (string, error) {
	switch {
	case bytes.HasPrefix(head, []byte(pgdump.Magic)):
		return formatCustom, nil
	case isTar(head):
		return formatTar, nil
	}
	if what := wrapper(head); what != "" {
		return "", fmt.Errorf("%w: it is %s (give it plain, or in gzip or zstd)", pgdump.ErrUnsupported, what)
	}
	const enough = 16 << 10
	start, err := in.r.Peek(enough)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if bytes.Contains(start, []byte("PostgreSQL database dump")) {
		return formatPlain, nil
	}
	if bytes.Contains(start, []byte("PostgreSQL database cluster dump")) {
		return "", fmt.Errorf("%w: it is a dump of pg_dumpall (dump each database with pg_dump)", pgdump.ErrUnsupported)
	}
	return "", &pgdump.Damage{Reason: "it is not a dump of PostgreSQL: " + looksLike(start)}
}

// wrappers are the first bytes of what a good dump may be packed in that cannot be unpacked here: no word on the dump.
var wrappers = []struct{ magic, name string }{
	{"\xfd7zXZ\x00", "xz"}, {"BZh", "bzip2"}, {"\x04\x22\x4d\x18", "lz4"}, {"PK\x03\x04", "zip"},
	{"7z\xbc\xaf\x27\x1c", "7z"},
	{"Salted__", "encrypted by openssl"}, {"-----BEGIN PGP MESSAGE", "encrypted by gpg"},
	{"age-encryption.org/", "encrypted by age"},
	{"\xff\xfe", "UTF-16 text, as a Windows shell's redirection writes it"}, {"\xfe\xff", "UTF-16 text"},
}

func wrapper(head []byte) string {
	for _, w := range wrappers {
		if bytes.HasPrefix(head, []byte(w.magic)) {
			return w.name
		}
	}
	return ""
}

// looksLike says what stands in the place of a dump.
func looksLike(start []byte) string {
	text := strings.ToLower(string(bytes.TrimSpace(start)))
	line, _, _ := strings.Cut(text, "\n")
	const most = 200
	line = strings.ToValidUTF8(line[:min(most, len(line))], "")
	switch {
	case len(bytes.Trim(start, "\x00")) == 0:
		return "it is zero bytes"
	case strings.HasPrefix(text, "<!doctype html"), strings.HasPrefix(text, "<html"):
		return "it is an HTML page"
	case strings.HasPrefix(text, "<?xml"):
		return "it is XML, such as a store's answer"
	case strings.HasPrefix(text, "pg_dump: "), strings.HasPrefix(text, "pg_dumpall: "):
		return fmt.Sprintf("it is pg_dump's own message: %q", line)
	}
	return "neither a custom, tar or folder dump nor SQL of pg_dump"
}

// isTar tells a tar by its first header's checksum: old ones carry no magic.
func isTar(head []byte) bool {
	if len(head) < 512 {
		return false
	}
	_, err := tar.NewReader(bytes.NewReader(head)).Next()
	return err == nil
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
