package formats

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// mostTable bytes of a table of blocks: 64 TiB in blocks of 1 MiB.
const mostTable = 256 << 20

// vdi is VirtualBox's (block/vdi.c of QEMU).
func (f file) vdi() (Disk, error) {
	const headBytes, unallocated = 512, 0xfffffffe // and what is above it
	h, err := f.at(0, headBytes)
	if err != nil {
		return Disk{}, err
	}
	u32 := func(at int) int64 { return int64(binary.LittleEndian.Uint32(h[at:])) }
	size, block, count, used := int64(binary.LittleEndian.Uint64(h[368:])), u32(376), u32(384), u32(388)
	switch {
	case u32(64) != 0xbeda107f:
		return Disk{}, &Damage{"it does not begin as a VDI image"}
	case u32(68)>>16 != 1, u32(76) != 1 && u32(76) != 2, u32(380) != 0, !bytes.Equal(h[440:456], make([]byte, 16)):
		return Disk{}, &Unread{"it is the difference to another VDI, or of a version that is not read"}
	case block < 512 || block%512 != 0 || size < 0 || size > mostVirtual || count*4 > mostTable || count < (size+block-1)/block:
		return Disk{}, &Damage{fmt.Sprintf("its header is damaged: %d blocks of %d bytes for a disk of %d bytes", count, block, size)}
	}
	table, err := f.at(u32(340), count*4)
	if err != nil {
		return Disk{}, err
	}
	data := u32(344)
	for i := range count {
		switch e := int64(binary.LittleEndian.Uint32(table[i*4:])); {
		case e >= unallocated:
		case e >= used:
			return Disk{}, &Damage{fmt.Sprintf("its tables are damaged: one names block %d of %d", e, used)}
		default:
			if err := f.holds(data+e*block, block); err != nil {
				return Disk{}, err
			}
		}
	}
	place := func(n int64) (int64, []byte, error) {
		if e := int64(binary.LittleEndian.Uint32(table[n*4:])); e < unallocated {
			return data + e*block, nil, nil
		}
		return 0, nil, nil
	}
	return Disk{&blocks{size, block, place, f}, size}, nil
}

// vhd is Virtual PC's and Azure's ("Virtual Hard Disk Image Format Specification", 2006).
func (f file) vhd() (Disk, error) {
	const foot, fixed, dynamic = 512, 2, 3
	footer, err := f.at(max(0, f.size-foot), min(foot, f.size))
	if err != nil {
		return Disk{}, err
	}
	if len(footer) < foot || !bytes.HasPrefix(footer, []byte("conectix")) {
		if begin, err := f.at(0, min(8, f.size)); err == nil && string(begin) == "conectix" {
			return Disk{}, &Damage{"it is cut off: it begins as a VHD, and the footer of one is not at its end"}
		}
		return Disk{}, &Damage{"the footer of a VHD is not at its end: it is cut off, or none"}
	}
	size := int64(binary.BigEndian.Uint64(footer[48:]))
	switch binary.BigEndian.Uint32(footer[60:]) {
	case fixed:
		if size > f.size-foot {
			return Disk{}, &Damage{fmt.Sprintf("it is cut off: it says that its disk has %d bytes, and it has %d", size, f.size)}
		}
		return Disk{f, f.size - foot}, nil // some writers count in cylinders
	case dynamic:
	default:
		return Disk{}, &Unread{"it is the difference to another VHD, or of a kind that is not read"}
	}
	h, err := f.at(int64(binary.BigEndian.Uint64(footer[16:])), 1024)
	if err != nil {
		return Disk{}, err
	}
	count, block := int64(binary.BigEndian.Uint32(h[28:])), int64(binary.BigEndian.Uint32(h[32:]))
	if string(h[:8]) != "cxsparse" || block < 512 || block%512 != 0 || count*4 > mostTable || size < 0 || size > mostVirtual {
		return Disk{}, &Damage{fmt.Sprintf("its header is damaged: %d blocks of %d bytes for a disk of %d bytes", count, block, size)}
	}
	table, err := f.at(int64(binary.BigEndian.Uint64(h[16:])), count*4)
	if err != nil {
		return Disk{}, err
	}
	bitmap := (block/512/8 + 511) / 512 * 512
	place := func(n int64) (int64, []byte, error) {
		if n < count {
			if e := binary.BigEndian.Uint32(table[n*4:]); e != 0xffffffff {
				return int64(e)*512 + bitmap, nil, nil
			}
		}
		return 0, nil, nil
	}
	for n := range count {
		if from, _, _ := place(n); from != 0 {
			if err := f.holds(from, block); err != nil {
				return Disk{}, err
			}
		}
	}
	return Disk{&blocks{size, block, place, f}, size}, nil
}
