// Package formats reads the disk that a guest sees out of the file of a disk image, where it lies, and never writes. All that an image's
// own tables name must be in the file: what was cut off shows without a machine.
package formats

import (
	"errors"
	"fmt"
	"io"
)

// Disk is what the guest sees.
type Disk struct {
	io.ReaderAt
	Size int64 // bytes
}

// Damage says what is wrong with an image.
type Damage struct{ Words string }

func (e *Damage) Error() string { return e.Words }

// Unread says why an image is not looked at, which is no word on it.
type Unread struct{ Why string }

func (e *Unread) Error() string { return e.Why }

// Open reads the tables of an image of a format. *Damage: it is damaged. *Unread: this package does not know such images; whoever boots it
// may. Any other error is that of reading the file.
func Open(format string, from io.ReaderAt, size int64) (Disk, error) {
	f := file{from, size}
	switch format {
	case "raw":
		return Disk{from, size}, nil
	case "qcow2":
		return f.qcow2()
	case "vdi":
		return f.vdi()
	case "vhd":
		return f.vhd()
	case "vhdx":
		return f.vhdx()
	case "vmdk":
		return f.vmdk()
	}
	return Disk{}, &Unread{"its format is not read"}
}

type file struct {
	io.ReaderAt
	size int64
}

// at reads n bytes; *Damage where the file ends before.
func (f file) at(from, n int64) ([]byte, error) {
	const most = 1 << 30 // of a table
	if from < 0 || n < 0 || n > most {
		return nil, &Damage{fmt.Sprintf("its tables are damaged: %d bytes at byte %d are none of its own", n, from)}
	}
	if err := f.holds(from, n); err != nil {
		return nil, err
	}
	b := make([]byte, n)
	if got, err := f.ReadAt(b, from); got < len(b) {
		if err == nil || errors.Is(err, io.EOF) { // it had these bytes a moment ago
			err = io.ErrUnexpectedEOF
		}
		return nil, fmt.Errorf("read the image at byte %d: %w", from, err)
	}
	return b, nil
}

// holds tells whether the file has some bytes.
func (f file) holds(from, n int64) error {
	if from < 0 || from > f.size-n {
		return &Damage{fmt.Sprintf("it is cut off: what its tables name ends at byte %d, and it has %d", uint64(from)+uint64(n), f.size)}
	}
	return nil
}

// blocks are a disk in pieces of one size, each somewhere in the file.
type blocks struct {
	size, each int64
	// place of a block: its bytes, or where they begin in the file; neither: zeros.
	place func(n int64) (from int64, bytes []byte, err error)
	in    file
}

// ReadAt implements io.ReaderAt.
func (d *blocks) ReadAt(p []byte, from int64) (n int, err error) {
	if from < 0 || from >= d.size {
		return 0, io.EOF
	}
	if int64(len(p)) > d.size-from {
		p, err = p[:d.size-from], io.EOF
	}
	for n < len(p) {
		at := from + int64(n)
		number, inside := at/d.each, at%d.each
		part := p[n:min(len(p), n+int(d.each-inside))]
		place, bytes, e := d.place(number)
		switch {
		case e != nil:
			return n, e
		case bytes != nil:
			copy(part, bytes[inside:])
		case place == 0:
			clear(part)
		default:
			// The last piece of a disk may be shorter than others; of what is in the disk holds has made sure.
			if got, e := d.in.ReadAt(part, place+inside); got < len(part) && (e == nil || errors.Is(e, io.EOF)) {
				clear(part[got:])
			} else if got < len(part) {
				return n + got, e
			}
		}
		n += len(part)
	}
	return n, err
}
