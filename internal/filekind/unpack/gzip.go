package unpack

import (
	"bufio"
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// members reads what gzip packed one behind another, and zeros at its end as nothing: so does gzip, since tapes and page
// blobs are filled up with them.
type members struct {
	in *bufio.Reader
	gz *gzip.Reader // not embedded: it would write past Read by a WriteTo of its own
}

func openMembers(r io.Reader) (io.ReadCloser, error) {
	in := bufio.NewReader(r)
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return &members{in: in, gz: z}, nil
}

func (m *members) Close() error { return m.gz.Close() }

func (m *members) Read(p []byte) (int, error) {
	for {
		n, err := m.gz.Read(p)
		if n > 0 && errors.Is(err, io.EOF) {
			return n, nil // asked again, it says so again
		}
		if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return n, err
		}
		head, err := m.in.Peek(1)
		if err != nil {
			return 0, err
		}
		if head[0] == 0 {
			return 0, m.zeros()
		}
		if head, _ := m.in.Peek(2); !bytes.HasPrefix([]byte("\x1f\x8b"), head) {
			return 0, errors.New("something else follows its end")
		}
		if err := m.gz.Reset(m.in); err != nil {
			return 0, err
		}
		m.gz.Multistream(false)
	}
}

// zeros reads to the very end; io.EOF where nothing else comes.
func (m *members) zeros() error {
	for {
		b, err := m.in.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			return errors.New("something else follows its end")
		}
	}
}
