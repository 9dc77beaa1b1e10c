// Package unpack takes compressions off while a file streams, within a bound of memory. What it cannot take off says
// nothing about the file.
package unpack

import (
	"bufio"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/therootcompany/xz"

	"lifeboat/internal/filekind"
)

// MaxWindow is the most that a decompressor may look back, bytes: its memory. xz -9 and zstd --ultra -21 stay within it.
const MaxWindow = 64 << 20

// Refusal says that a file may be good and cannot be unpacked here.
type Refusal struct {
	Kind   filekind.Kind
	Why    string // one of Whys; "" where its kind says it all
	Detail string // of that, such as names
}

// Whys are the reasons for which a file of a kind that can be unpacked is refused, by their names in the reports'
// catalogue; the words follow "it".
var Whys = map[string]string{
	"window":     "takes more than 64 MiB of memory to be unpacked",
	"dictionary": "takes the dictionary with which it was packed to be unpacked",
	"filters":    "uses filters, or a checksum, that are not known here",
	"method":     "is packed by a method that cannot be unpacked while it streams",
	"members":    "holds more than one file",
}

func (e *Refusal) Error() string {
	switch {
	case e.Why == "":
		return "it is " + e.Kind.Words
	case e.Detail == "":
		return fmt.Sprintf("it is %s, and it %s", e.Kind.Words, Whys[e.Why])
	}
	return fmt.Sprintf("it is %s, and it %s: %s", e.Kind.Words, Whys[e.Why], e.Detail)
}

// Open reads a file of a kind without its compression. *Refusal, from here or from Read, where that cannot be done here.
// Read returns io.ErrUnexpectedEOF when the file is cut off, io.EOF only at its proper end, and the errors of r as they
// are; all other errors are damage of the file.
func Open(kind filekind.Kind, r io.Reader) (io.ReadCloser, error) {
	open, ok := openers[kind.Name]
	if !ok {
		return nil, &Refusal{Kind: kind}
	}
	u, err := open(r)
	if err != nil {
		return nil, told(kind, err)
	}
	return &reader{ReadCloser: u, kind: kind}, nil
}

// Can tells whether files of a kind can be unpacked.
func Can(kind filekind.Kind) bool { return openers[kind.Name] != nil }

var openers = map[string]func(io.Reader) (io.ReadCloser, error){
	"gzip": openMembers,
	"zstd": func(r io.Reader) (io.ReadCloser, error) {
		d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(MaxWindow))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	},
	"xz": func(r io.Reader) (io.ReadCloser, error) {
		d, err := xz.NewReader(r, MaxWindow)
		return io.NopCloser(d), err
	},
	"bzip2": func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(bzip2.NewReader(r)), nil },
	"lz4":   func(r io.Reader) (io.ReadCloser, error) { return io.NopCloser(newFrames(r)), nil },
	"zip":   openZip,
}

// reader tells the library's errors in the words of this package.
type reader struct {
	io.ReadCloser
	kind filekind.Kind
}

func (r *reader) Read(p []byte) (int, error) {
	n, err := r.ReadCloser.Read(p)
	return n, told(r.kind, err)
}

func told(kind filekind.Kind, err error) error {
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrWindowSizeTooSmall),
		errors.Is(err, zstd.ErrDecoderSizeExceeded), errors.Is(err, xz.ErrMemlimit):
		return &Refusal{Kind: kind, Why: "window"}
	case errors.Is(err, zstd.ErrUnknownDictionary):
		return &Refusal{Kind: kind, Why: "dictionary"}
	case errors.Is(err, xz.ErrOptions), errors.Is(err, xz.ErrUnsupportedCheck):
		return &Refusal{Kind: kind, Why: "filters"}
	case errors.Is(err, xz.ErrBuf):
		return io.ErrUnexpectedEOF
	}
	return err
}

// frames reads the frames of lz4 that follow each other, as lz4 itself does.
type frames struct {
	in  *bufio.Reader
	lz4 *lz4.Reader
}

func newFrames(r io.Reader) *frames {
	in := bufio.NewReader(r)
	return &frames{in: in, lz4: lz4.NewReader(in)}
}

func (f *frames) Read(p []byte) (int, error) {
	for {
		n, err := f.lz4.Read(p)
		if n > 0 && errors.Is(err, io.EOF) {
			return n, nil // asked again, it says so again
		}
		if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return n, err
		}
		if _, err := f.in.Peek(1); err != nil {
			return 0, err
		}
		f.lz4.Reset(f.in)
	}
}
