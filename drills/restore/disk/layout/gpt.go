package layout

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// header of a GPT, and its table.
type header struct {
	copyAt  int64 // sector of the other one
	entries []byte
	each    int
	size    int64 // of a sector
}

// gptAt reads one of the two copies; false: it is not whole.
func (d disk) gptAt(at, size int64) (header, bool, error) {
	if at <= 0 || (at+1)*size > d.size {
		return header{}, false, nil
	}
	b, err := d.at(at*size, size)
	if err != nil {
		return header{}, false, err
	}
	const least, mostTable = 92, 4 << 20
	length := int64(binary.LittleEndian.Uint32(b[12:]))
	if string(b[:8]) != "EFI PART" || length < least || length > size {
		return header{}, false, nil
	}
	sum := binary.LittleEndian.Uint32(b[16:])
	clear(b[16:20])
	if crc32.ChecksumIEEE(b[:length]) != sum || int64(binary.LittleEndian.Uint64(b[24:])) != at {
		return header{}, false, nil
	}
	h := header{copyAt: int64(binary.LittleEndian.Uint64(b[32:])), each: int(binary.LittleEndian.Uint32(b[84:])), size: size}
	from, n := int64(binary.LittleEndian.Uint64(b[72:])), int64(binary.LittleEndian.Uint32(b[80:]))
	if h.each < 128 || h.each > 4096 || n*int64(h.each) > mostTable || from <= 0 || from > d.size/size {
		return h, false, nil
	}
	h.entries, err = d.at(from*size, n*int64(h.each))
	if bad := new(damage); errors.As(err, &bad) {
		return h, false, nil
	}
	return h, err == nil && crc32.ChecksumIEEE(h.entries) == binary.LittleEndian.Uint32(b[88:]), err
}

// gpt reads a disk whose MBR says that it has one. Kernels use the copy only when they are told to.
func (d disk) gpt() (Seen, error) {
	s := Seen{Table: "GPT"}
	first, whole, err := d.gptAt(1, sector)
	if err != nil {
		return s, err
	}
	if !whole {
		if other, ok, err := d.gptAt(1, 4096); err != nil || ok {
			first, whole = other, ok
			if err != nil {
				return s, err
			}
		}
	}
	if !whole {
		_, there, err := d.gptAt(d.size/sector-1, sector)
		switch {
		case err != nil:
			return s, err
		case there:
			return s, &damage{"the GPT at its beginning is damaged; the copy at its end is whole"}
		}
		return s, &damage{"its GPT is damaged, and no copy of it is at its end"}
	}
	at := first.copyAt
	_, whole, err = d.gptAt(at, first.size)
	switch {
	case err != nil:
		return s, err
	case at <= 0 || at > d.size/first.size-1:
		return s, &damage{fmt.Sprintf("it is cut off: the copy of its GPT lies in sector %d of %d bytes, and its disk has %d bytes", at, first.size, d.size)}
	case !whole:
		return s, &damage{fmt.Sprintf("the copy of its GPT in sector %d is damaged; the one at its beginning is whole", at)}
	}
	for i := 0; (i+1)*first.each <= len(first.entries); i++ {
		e := first.entries[i*first.each:]
		from, to := int64(binary.LittleEndian.Uint64(e[32:])), int64(binary.LittleEndian.Uint64(e[40:]))
		if len(bytes.Trim(e[:16], "\x00")) == 0 || from <= 0 || to < from || to > 1<<50 { // kernels pass over such, too
			continue
		}
		s.Volumes = append(s.Volumes, Volume{Number: i + 1, From: from * first.size, Size: (to - from + 1) * first.size,
			esp: bytes.Equal(e[:16], guidESP), linux: bytes.Equal(e[:16], guidLinux) || bytes.Equal(e[:16], guidRoot)})
	}
	return s, nil
}
