package innodb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// StreamMagic begins each piece of a stream of mariadb-backup --stream.
const StreamMagic = "XBSTCK01"

const (
	mostPath  = 512      // FN_REFLEN
	mostPiece = 64 << 20 // six times what mariadb-backup writes
)

// Piece is a part of one file of a stream.
type Piece struct {
	Path   string
	Offset uint64
	Data   []byte // until the next one is read
	End    bool   // the file ends here
}

// Stream reads the pieces of a stream (mbstream, xbstream), in which those of several files may lie between each other.
type Stream struct {
	r   io.Reader
	at  int64
	buf []byte
}

// NewStream begins to read one.
func NewStream(r io.Reader) *Stream { return &Stream{r: r} }

// ErrStream is a stream that cannot be read on.
var ErrStream = errors.New("it is no piece of a stream")

// Next gives the next piece; io.EOF at the end of the stream, io.ErrUnexpectedEOF where it is cut off.
func (s *Stream) Next() (Piece, error) {
	head := make([]byte, 14)
	began := s.at
	n, err := io.ReadFull(s.r, head)
	s.at += int64(n)
	if err != nil {
		return Piece{}, err
	}
	size := binary.LittleEndian.Uint32(head[10:])
	if string(head[:8]) != StreamMagic || size == 0 || size > mostPath {
		return Piece{}, fmt.Errorf("at byte %d: %w", began, ErrStream)
	}
	path, err := s.take(int(size))
	if err != nil {
		return Piece{}, err
	}
	p := Piece{Path: string(path)}
	switch head[9] {
	case 'E':
		p.End = true
		return p, nil
	case 'P':
	default:
		return Piece{}, fmt.Errorf("at byte %d, of kind %q: %w", began, head[9], ErrStream)
	}
	more, err := s.take(20)
	if err != nil {
		return Piece{}, err
	}
	length, sum := binary.LittleEndian.Uint64(more), binary.LittleEndian.Uint32(more[16:])
	if p.Offset = binary.LittleEndian.Uint64(more[8:]); length > mostPiece {
		return Piece{}, fmt.Errorf("at byte %d, of %d bytes: %w", began, length, ErrStream)
	}
	if p.Data, err = s.take(int(length)); err != nil {
		return Piece{}, err
	}
	if crc32.ChecksumIEEE(p.Data) != sum {
		return Piece{}, fmt.Errorf("at byte %d, of %s: its checksum is wrong: %w", began, p.Path, ErrStream)
	}
	return p, nil
}

// take reads the next bytes, all of them.
func (s *Stream) take(n int) ([]byte, error) {
	if cap(s.buf) < n {
		s.buf = make([]byte, n)
	}
	m, err := io.ReadFull(s.r, s.buf[:n])
	s.at += int64(m)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return s.buf[:n], err
}
