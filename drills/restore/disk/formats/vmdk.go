package formats

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"lifeboat/internal/lazy"
)

// vmdk is a sparse extent of VMware that holds its own description ("Virtual Disk Format 5.0").
type vmdk struct {
	file
	grain, perTable int64 // bytes; entries of a second table
	first           []byte
	packed          bool
	table           []byte
	tableAt         int64
	unpacked        []byte
	unpackedAt      int64
}

// parentOf is the line of the description that names the image of which this one is the difference; ffffffff: none.
var parentOf = lazy.Regexp(`(?m)^parentCID\s*=\s*([0-9A-Fa-f]+)`)

func (f file) vmdk() (Disk, error) {
	const headBytes, atEnd = 512, -1
	h, err := f.at(0, headBytes)
	if err != nil {
		return Disk{}, err
	}
	if string(h[:4]) != "KDMV" {
		return Disk{}, &Unread{"it is a description of other files, or of a kind that is not read"}
	}
	u64 := func(at int) int64 { return int64(binary.LittleEndian.Uint64(h[at:])) }
	const mostWords = 2048 // sectors
	var words []byte
	if at, n := u64(28), u64(36); at > 0 && n > 0 && at < f.size/512 {
		if words, err = f.at(at*512, min(n, mostWords)*512); err != nil {
			return Disk{}, err
		}
	}
	if parent := parentOf().FindSubmatch(words); parent == nil || !strings.EqualFold(string(parent[1]), "ffffffff") {
		return Disk{}, &Unread{"it is one file of several, or the difference to another VMDK"}
	}
	if u64(56) == atEnd { // what is written in order has its header once more behind all grains
		if h, err = f.at(max(0, f.size-2*headBytes), headBytes); err != nil {
			return Disk{}, err
		}
		if string(h[:4]) != "KDMV" {
			return Disk{}, &Damage{"it is cut off: the footer of a stream-optimised VMDK is not at its end"}
		}
	}
	m := &vmdk{file: f, grain: u64(20) * 512, perTable: int64(binary.LittleEndian.Uint32(h[44:])), packed: h[10]&1 != 0, tableAt: -1}
	sectors := u64(12)
	if m.grain < 4096 || m.grain > 64<<20 || m.perTable < 1 || m.perTable > 1<<20 || sectors < 0 || sectors > mostVirtual/512 {
		return Disk{}, &Damage{fmt.Sprintf("its header is damaged: blocks of %d bytes for a disk of %d bytes", m.grain, sectors*512)}
	}
	size := sectors * 512
	each := m.grain * m.perTable
	tables := (size + each - 1) / each
	if tables*4 > mostTable {
		return Disk{}, &Damage{fmt.Sprintf("its header is damaged: blocks of %d bytes for a disk of %d bytes", m.grain, size)}
	}
	if m.first, err = f.at(u64(56)*512, tables*4); err != nil {
		return Disk{}, err
	}
	return Disk{&blocks{size, m.grain, m.place, f}, size}, m.whole(size)
}

// whole goes through all tables, none of which two entries may share.
func (m *vmdk) whole(size int64) error {
	seen, last := map[uint32]bool{}, int64(0)
	for i := range int64(len(m.first)) / 4 {
		at := binary.LittleEndian.Uint32(m.first[i*4:])
		if at == 0 {
			continue
		}
		if seen[at] {
			return &Damage{fmt.Sprintf("its tables are damaged: two parts of the disk share the table at byte %d", int64(at)*512)}
		}
		seen[at] = true
		for n := i * m.perTable; n < min((i+1)*m.perTable, (size+m.grain-1)/m.grain); n++ {
			from, err := m.entry(n)
			if err != nil {
				return err
			}
			if last = max(last, from); from > 512 && !m.packed { // else it is zeros
				err = m.holds(from, min(m.grain, size-n*m.grain))
			}
			if err != nil {
				return err
			}
		}
	}
	if m.packed && last > 512 {
		_, err := m.packedAt(last)
		return err
	}
	return nil
}

// entry is where a grain begins; 0 or one sector: it is zeros.
func (m *vmdk) entry(n int64) (int64, error) {
	at := int64(binary.LittleEndian.Uint32(m.first[n/m.perTable*4:])) * 512
	if at == 0 {
		return 0, nil
	}
	if at != m.tableAt {
		t, err := m.at(at, m.perTable*4)
		if err != nil {
			return 0, err
		}
		m.table, m.tableAt = t, at
	}
	return int64(binary.LittleEndian.Uint32(m.table[n%m.perTable*4:])) * 512, nil
}

func (m *vmdk) place(n int64) (int64, []byte, error) {
	from, err := m.entry(n)
	switch {
	case err != nil || from <= 512:
		return 0, nil, err
	case !m.packed:
		return from, nil, nil
	case from == m.unpackedAt:
		return 0, m.unpacked, nil
	}
	raw, err := m.packedAt(from)
	if err != nil {
		return 0, nil, err
	}
	b := make([]byte, m.grain)
	z, err := zlib.NewReader(bytes.NewReader(raw))
	if err == nil {
		_, err = io.ReadFull(z, b) // the last one of a disk may be shorter
	}
	if err != nil && err != io.ErrUnexpectedEOF {
		return 0, nil, &Damage{fmt.Sprintf("its compressed cluster at byte %d cannot be unpacked: %v", from, err)}
	}
	m.unpacked, m.unpackedAt = b, from
	return 0, b, nil
}

// packedAt are the bytes of a compressed grain.
func (m *vmdk) packedAt(from int64) ([]byte, error) {
	const marker = 12 // the sector of the disk, and how many bytes follow
	head, err := m.at(from, marker)
	if err != nil {
		return nil, err
	}
	return m.at(from+marker, int64(min(binary.LittleEndian.Uint32(head[8:]), 128<<20)))
}
