package unpack

import (
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"

	"lifeboat/internal/filekind"
)

// Signatures of a zip's parts, and the lengths of what follows them (APPNOTE.TXT 4.3).
const (
	sigLocal      = 0x04034b50
	sigDescriptor = 0x08074b50
	sigCentral    = 0x02014b50
	sigEnd64      = 0x06064b50
	sigLocator    = 0x07064b50
	sigEnd        = 0x06054b50
	localSize     = 30
	centralSize   = 46
	locatorSize   = 20
	endSize       = 22
)

// member is one file of a zip as its local header tells it.
type member struct {
	flags, method   uint16
	crc             uint32
	packed, size    uint64
	name            string
	sized, isFolder bool
}

// zipped streams the only file of a zip. Its list stands at its end, so that there is one file only is known then.
type zipped struct {
	in     *bufio.Reader
	m      member
	data   io.Reader
	crc    uint32
	n      uint64
	ended  bool
	failed error
}

func openZip(r io.Reader) (io.ReadCloser, error) {
	z := &zipped{in: bufio.NewReaderSize(r, 64<<10)}
	more, err := z.nextFile()
	if err != nil {
		return nil, err
	}
	if !more {
		return nil, errors.New("there is no file in it")
	}
	switch m := z.m; {
	case m.flags&1 != 0:
		return nil, &Refusal{Kind: filekind.Named("zip_sealed")}
	case m.method == 0 && m.sized:
		z.data = io.LimitReader(z.in, int64(m.packed))
	case m.method == 8:
		z.data = flate.NewReader(z.in) // reads no further than it must: the rest of the zip follows
	default:
		return nil, &Refusal{filekind.Named("zip"), "method", fmt.Sprintf("%d", m.method)}
	}
	return io.NopCloser(z), nil
}

// nextFile reads headers up to the next file that is no folder; false: the list of files comes.
func (z *zipped) nextFile() (bool, error) {
	for {
		sig, err := z.peek32()
		if err != nil || sig != sigLocal {
			return false, err
		}
		if z.m, err = z.local(); err != nil {
			return false, err
		}
		if !z.m.isFolder {
			return true, nil
		}
		if _, err := io.CopyN(io.Discard, z.in, int64(z.m.packed)); err != nil {
			return false, cut(err)
		}
	}
}

func (z *zipped) local() (member, error) {
	b := make([]byte, localSize)
	if _, err := io.ReadFull(z.in, b); err != nil {
		return member{}, cut(err)
	}
	le := binary.LittleEndian
	m := member{flags: le.Uint16(b[6:]), method: le.Uint16(b[8:]), crc: le.Uint32(b[14:]),
		packed: uint64(le.Uint32(b[18:])), size: uint64(le.Uint32(b[22:]))}
	rest := make([]byte, int(le.Uint16(b[26:]))+int(le.Uint16(b[28:])))
	if _, err := io.ReadFull(z.in, rest); err != nil {
		return m, cut(err)
	}
	m.name = string(rest[:le.Uint16(b[26:])])
	m.sized = m.flags&8 == 0
	m.isFolder = strings.HasSuffix(m.name, "/") && m.packed == 0
	const id64 = 1
	for extra := rest[len(m.name):]; len(extra) >= 4; {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		if len(extra) < 4+n {
			break
		}
		if id == id64 && n >= 16 && m.packed == 1<<32-1 && m.size == 1<<32-1 {
			m.size, m.packed = le.Uint64(extra[4:]), le.Uint64(extra[12:])
		}
		extra = extra[4+n:]
	}
	return m, nil
}

func (z *zipped) Read(p []byte) (int, error) {
	switch {
	case z.failed != nil:
		return 0, z.failed
	case z.ended:
		return 0, io.EOF
	}
	n, err := z.data.Read(p)
	z.crc = crc32.Update(z.crc, crc32.IEEETable, p[:n])
	z.n += uint64(n)
	if errors.Is(err, io.EOF) {
		if err = z.finish(); err == nil {
			z.ended, err = true, io.EOF
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		z.failed = err
	}
	return n, err
}

// finish holds the file against its checksum, and reads what follows it to the very end.
func (z *zipped) finish() error {
	m := z.m
	if !m.sized {
		ok, err := z.descriptor()
		if err != nil {
			return err
		}
		if !ok {
			return fmt.Errorf("the checksum of %s does not hold", m.name)
		}
	} else if z.n < m.size {
		return io.ErrUnexpectedEOF
	} else if z.n != m.size || z.crc != m.crc {
		return fmt.Errorf("the checksum of %s does not hold", m.name)
	}
	more, err := z.nextFile()
	if err != nil {
		return err
	}
	if more {
		return &Refusal{filekind.Named("zip"), "members", m.name + ", " + z.m.name}
	}
	return z.list()
}

// descriptor follows a file whose length was not known before: with or without a signature, with numbers of four or of
// eight bytes. Only the one that fits is followed by another part.
func (z *zipped) descriptor() (bool, error) {
	le := binary.LittleEndian
	const longest = 4 + 4 + 8 + 8
	b, err := z.in.Peek(longest + 4)
	if err != nil {
		return false, cut(err)
	}
	for _, signed := range []int{4, 0} {
		for _, wide := range []int{4, 8} {
			if signed > 0 && le.Uint32(b) != sigDescriptor {
				continue
			}
			size := uint64(le.Uint32(b[signed+4+wide:]))
			if wide == 8 {
				size = le.Uint64(b[signed+4+wide:])
			}
			end := signed + 4 + 2*wide
			sig := le.Uint32(b[end:])
			if le.Uint32(b[signed:]) == z.crc && size == z.n && (sig == sigCentral || sig == sigLocal) {
				_, err := z.in.Discard(end)
				return true, err
			}
		}
	}
	return false, nil
}

// list reads the zip's list of files to its end: without it, it is cut off.
func (z *zipped) list() error {
	le := binary.LittleEndian
	for {
		sig, err := z.peek32()
		if err != nil {
			return err
		}
		size := map[uint32]int{sigCentral: centralSize, sigEnd64: 12, sigLocator: locatorSize, sigEnd: endSize}[sig]
		if size == 0 {
			return errors.New("its list of files is damaged")
		}
		b := make([]byte, size)
		if _, err := io.ReadFull(z.in, b); err != nil {
			return cut(err)
		}
		var more uint64
		switch sig {
		case sigCentral:
			more = uint64(le.Uint16(b[28:])) + uint64(le.Uint16(b[30:])) + uint64(le.Uint16(b[32:]))
		case sigEnd64:
			if more = le.Uint64(b[4:]); more > 1<<20 {
				return errors.New("its list of files is damaged")
			}
		case sigEnd:
			more = uint64(le.Uint16(b[20:]))
		}
		if _, err := io.CopyN(io.Discard, z.in, int64(more)); err != nil {
			return cut(err)
		}
		if sig == sigEnd {
			if _, err := z.in.Peek(1); !errors.Is(err, io.EOF) {
				return errors.Join(errors.New("something follows its end"), err)
			}
			return nil
		}
	}
}

func (z *zipped) peek32() (uint32, error) {
	b, err := z.in.Peek(4)
	if err != nil {
		return 0, cut(err)
	}
	return binary.LittleEndian.Uint32(b), nil
}

// cut makes an early end of what is one here.
func cut(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
