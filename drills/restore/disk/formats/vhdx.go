package formats

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Identifiers of regions and of metadata, as they stand in the file (MS-VHDX, 2.2.3.2 and 2.6.2).
var (
	regionBAT   = []byte("\x66\x77\xc2\x2d\x23\xf6\x00\x42\x9d\x64\x11\x5e\x9b\xfd\x4a\x08")
	regionMeta  = []byte("\x06\xa2\x7c\x8b\x90\x47\x9a\x4b\xb8\xfe\x57\x5f\x05\x0f\x88\x6e")
	itemParams  = []byte("\x37\x67\xa1\xca\x36\xfa\x43\x4d\xb3\xb6\x33\xf0\xaa\x44\xe7\x6b")
	itemVirtual = []byte("\x24\x42\xa5\x2f\x1b\xcd\x76\x48\xb2\x11\x5d\xbe\xd8\x3b\xf4\xb8")
	itemSector  = []byte("\x1d\xbf\x41\x81\x6f\xa9\x09\x47\xba\x47\xf2\x33\xa8\xfa\xab\x5f")
)

// vhdx is Hyper-V's (MS-VHDX). One whose log must be replayed is not looked at.
func (f file) vhdx() (Disk, error) {
	const firstHeader, secondHeader, table = 64 << 10, 128 << 10, 192 << 10
	begin, err := f.at(0, 8)
	if err != nil {
		return Disk{}, err
	}
	if string(begin) != "vhdxfile" {
		return Disk{}, &Damage{"it does not begin as a VHDX image"}
	}
	var newest uint64
	var log []byte
	for _, at := range []int64{firstHeader, secondHeader} {
		h, err := f.at(at, 4096)
		if err != nil {
			return Disk{}, err
		}
		if n := binary.LittleEndian.Uint64(h[8:]); string(h[:4]) == "head" && (log == nil || n > newest) {
			newest, log = n, h[48:64]
		}
	}
	if log == nil {
		return Disk{}, &Damage{"both of its headers are gone"}
	}
	if !bytes.Equal(log, make([]byte, 16)) {
		return Disk{}, &Unread{"its log must be replayed first"}
	}
	regions, err := f.at(table, 64<<10)
	if err != nil {
		return Disk{}, err
	}
	if string(regions[:4]) != "regi" {
		return Disk{}, &Unread{"the first table of its regions is gone"}
	}
	m, err := f.region(regions, regionMeta)
	if err != nil {
		return Disk{}, err
	}
	t, err := f.region(regions, regionBAT)
	if err != nil {
		return Disk{}, err
	}
	return f.vhdxBlocks(m, t)
}

// found is the entry of an identifier in a table of VHDX; nil: there is none.
func found(table []byte, from int, count uint32, id []byte) []byte {
	const each, most = 32, 2047
	for i := 0; i < int(min(count, most)) && from+each <= len(table); i, from = i+1, from+each {
		if e := table[from:][:each]; bytes.Equal(e[:len(id)], id) {
			return e
		}
	}
	return nil
}

// region of the file, as the table of regions names it; nil: it does not.
func (f file) region(table, id []byte) ([]byte, error) {
	e := found(table, 16, binary.LittleEndian.Uint32(table[8:]), id)
	if e == nil || binary.LittleEndian.Uint32(e[24:]) > mostTable {
		return nil, &Damage{"its tables are damaged: where its blocks lie stands nowhere"}
	}
	return f.at(int64(binary.LittleEndian.Uint64(e[16:])), int64(binary.LittleEndian.Uint32(e[24:])))
}

func (f file) vhdxBlocks(meta, bat []byte) (Disk, error) {
	if len(meta) < 32 || string(meta[:8]) != "metadata" {
		return Disk{}, &Damage{"its tables are damaged: where its blocks lie stands nowhere"}
	}
	count := uint32(binary.LittleEndian.Uint16(meta[10:]))
	value := func(id []byte) (v [8]byte) {
		if e := found(meta, 32, count, id); e != nil {
			if at := int64(binary.LittleEndian.Uint32(e[16:])); at+8 <= int64(len(meta)) {
				copy(v[:], meta[at:])
			}
		}
		return v
	}
	params, virtual, sector := value(itemParams), value(itemVirtual), value(itemSector)
	block, flags := int64(binary.LittleEndian.Uint32(params[:])), binary.LittleEndian.Uint32(params[4:])
	size, of := int64(binary.LittleEndian.Uint64(virtual[:])), int64(binary.LittleEndian.Uint32(sector[:]))
	const hasParent = 2
	if flags&hasParent != 0 {
		return Disk{}, &Unread{"it is the difference to another VHDX"}
	}
	if block < 1<<20 || block > 256<<20 || size <= 0 || size > mostVirtual || of != 512 && of != 4096 {
		return Disk{}, &Damage{fmt.Sprintf("its header is damaged: blocks of %d bytes for a disk of %d bytes", block, size)}
	}
	ratio := (1 << 23) * of / block // blocks between two bitmaps
	const state, present, offset = 7, 6, 0xfffffffffff00000
	place := func(n int64) (int64, []byte, error) {
		at := (n + n/ratio) * 8
		if at+8 > int64(len(bat)) {
			return 0, nil, &Damage{fmt.Sprintf("its header is damaged: blocks of %d bytes for a disk of %d bytes", block, size)}
		}
		if e := binary.LittleEndian.Uint64(bat[at:]); e&state == present {
			return int64(e & offset), nil, nil
		}
		return 0, nil, nil
	}
	for n := range (size + block - 1) / block {
		from, _, err := place(n)
		if err == nil && from != 0 {
			err = f.holds(from, block)
		}
		if err != nil {
			return Disk{}, err
		}
	}
	return Disk{&blocks{size, block, place, f}, size}, nil
}
