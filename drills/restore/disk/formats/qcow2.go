package formats

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"io"
	"math/bits"

	"github.com/klauspost/compress/zstd"
)

// qcow2 is an image of QEMU (docs/interop/qcow2.txt).
type qcow2 struct {
	file
	cluster, virtual int64
	l1               []byte
	entry            int64 // bytes of an entry of a second table: 8, or 16 with subclusters
	zstd             bool
	l2               []byte // the table that was read last
	l2Of             int64
	unpacked         []byte // the cluster that was unpacked last
	unpackedFrom     uint64
}

const (
	qcowOffset     = 0x00fffffffffffe00
	qcowCompressed = 1 << 62
	qcowZero       = 1
	mostVirtual    = 1 << 50
)

func (f file) qcow2() (Disk, error) {
	const headBytes = 112
	if f.size < headBytes {
		return Disk{}, f.holds(0, headBytes)
	}
	h, err := f.at(0, headBytes)
	if err != nil {
		return Disk{}, err
	}
	u32 := func(at int) uint32 { return binary.BigEndian.Uint32(h[at:]) }
	u64 := func(at int) uint64 { return binary.BigEndian.Uint64(h[at:]) }
	version, order := u32(4), u32(20)
	var features uint64
	if version >= 3 {
		features = u64(72)
	}
	const dirty, corrupt, known = 1, 2, 1 | 2 | 8 | 16
	switch {
	case string(h[:4]) != "QFI\xfb":
		return Disk{}, &Damage{"it does not begin as a qcow2 image"}
	case version != 2 && version != 3, features&^known != 0, u64(8) != 0, u32(32) != 0:
		return Disk{}, &Unread{"it stands on another file, is encrypted, or of a version that is not read"}
	case features&corrupt != 0:
		return Disk{}, &Damage{"it is marked as corrupt by QEMU, which found its tables damaged when it was in use"}
	case order < 9 || order > 21 || u64(24) > mostVirtual:
		return Disk{}, &Damage{fmt.Sprintf("its header is damaged: clusters of 2^%d bytes, a disk of %d bytes", order, u64(24))}
	}
	q := &qcow2{file: f, cluster: 1 << order, virtual: int64(u64(24)), entry: 8, l2Of: -1}
	if features&16 != 0 {
		q.entry = 16
	}
	if features&8 != 0 && version == 3 && u32(100) > 104 {
		q.zstd = h[104] == 1
	}
	each := q.cluster * (q.cluster / q.entry) // that an entry of the first table speaks of
	entries := (q.virtual + each - 1) / each
	if int64(u32(36)) < entries {
		return Disk{}, &Damage{fmt.Sprintf("its header is damaged: a table of %d entries for a disk of %d bytes", u32(36), q.virtual)}
	}
	if q.l1, err = q.at(int64(u64(40)), entries*8); err == nil {
		_, err = q.at(int64(u64(48)), int64(u32(56))*q.cluster) // the counts of references
	}
	if err == nil {
		err = q.whole()
	}
	return Disk{&blocks{q.virtual, q.cluster, q.place, f}, q.virtual}, err
}

// whole goes through all tables, none of which two entries may share.
func (q *qcow2) whole() error {
	seen := map[int64]bool{}
	for i := int64(0); i < int64(len(q.l1))/8; i++ {
		table, err := q.table(i)
		if err != nil {
			return err
		}
		if table == nil {
			continue
		}
		if seen[q.l2Of] {
			return &Damage{fmt.Sprintf("its tables are damaged: two parts of the disk share the table at byte %d", q.l2Of)}
		}
		seen[q.l2Of] = true
		per := q.cluster / q.entry
		for k := range per {
			e := binary.BigEndian.Uint64(table[k*q.entry:])
			guest := (i*per + k) * q.cluster
			if e == 0 || guest >= q.virtual {
				continue
			}
			n := min(q.cluster, (q.virtual-guest+511)/512*512)
			if q.entry == 16 { // the last of its 32 parts need not be there
				n = min(n, q.cluster/32*int64(bits.Len32(uint32(binary.BigEndian.Uint64(table[k*q.entry+8:])))))
			}
			if err := q.within(e, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// within tells whether what an entry names is in the file.
func (q *qcow2) within(e uint64, n int64) error {
	if e&qcowCompressed != 0 {
		from, sectors := q.packed(e)
		return q.holds(from, sectors-511) // the last sector need not be whole
	}
	if from := int64(e & qcowOffset); from != 0 {
		return q.holds(from, n)
	}
	return nil
}

// table is the second table of an entry of the first; nil: there is none.
func (q *qcow2) table(i int64) ([]byte, error) {
	from := int64(binary.BigEndian.Uint64(q.l1[i*8:]) & qcowOffset)
	if from == 0 {
		return nil, nil
	}
	if from == q.l2Of && q.l2 != nil {
		return q.l2, nil
	}
	if from%q.cluster != 0 {
		return nil, &Damage{fmt.Sprintf("its tables are damaged: one points to byte %d, where no table can be", from)}
	}
	t, err := q.at(from, q.cluster)
	if err == nil {
		q.l2, q.l2Of = t, from
	}
	return t, err
}

func (q *qcow2) packed(e uint64) (from, sectors int64) {
	more := bits.TrailingZeros64(uint64(q.cluster)) - 8
	x := 62 - more
	from = int64(e & (1<<x - 1))
	n := int64(e>>x&(1<<more-1)) + 1
	return from, n*512 - from%512
}

func (q *qcow2) place(n int64) (int64, []byte, error) {
	per := q.cluster / q.entry
	if n/per >= int64(len(q.l1))/8 {
		return 0, nil, nil
	}
	table, err := q.table(n / per)
	if err != nil || table == nil {
		return 0, nil, err
	}
	e := binary.BigEndian.Uint64(table[n%per*q.entry:])
	switch {
	case e&qcowCompressed != 0:
		b, err := q.unpack(e)
		return 0, b, err
	case e&qcowZero != 0 && q.entry == 8:
		return 0, nil, nil
	case q.entry == 16:
		b, err := q.subclusters(int64(e&qcowOffset), binary.BigEndian.Uint64(table[n%per*q.entry+8:]))
		return 0, b, err
	}
	return int64(e & qcowOffset), nil, nil
}

// subclusters are 32 parts of a cluster, of which each is there or zeros.
func (q *qcow2) subclusters(from int64, bitmap uint64) ([]byte, error) {
	b, part := make([]byte, q.cluster), q.cluster/32
	for i := range int64(32) {
		if from == 0 || bitmap>>i&1 == 0 {
			continue
		}
		got, err := q.at(from+i*part, part)
		if err != nil {
			return nil, err
		}
		copy(b[i*part:], got)
	}
	return b, nil
}

func (q *qcow2) unpack(e uint64) ([]byte, error) {
	if q.unpacked != nil && q.unpackedFrom == e {
		return q.unpacked, nil
	}
	from, n := q.packed(e)
	raw, err := q.at(from, min(n, q.size-from))
	if err != nil {
		return nil, err
	}
	var r io.Reader = flate.NewReader(bytes.NewReader(raw))
	if q.zstd {
		z, err := zstd.NewReader(bytes.NewReader(raw), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
		if err != nil {
			return nil, fmt.Errorf("unpack a cluster: %w", err)
		}
		defer z.Close()
		r = z
	}
	b := make([]byte, q.cluster)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, &Damage{fmt.Sprintf("its compressed cluster at byte %d cannot be unpacked: %v", from, err)}
	}
	q.unpacked, q.unpackedFrom = b, e
	return b, nil
}
