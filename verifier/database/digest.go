package database

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// Digest is an order-independent SHA-256 over rows: the sum of the rows' own
// digests modulo 2^256, with their number and the columns.
type Digest struct {
	sum  [4]uint64 // least significant first
	rows uint64
	head []byte
}

// Columns takes the columns' names.
func (d *Digest) Columns(all []string) {
	for _, c := range all {
		d.head = binary.BigEndian.AppendUint32(d.head, uint32(len(c)))
		d.head = append(d.head, c...)
	}
}

// Row takes a row.
func (d *Digest) Row(values [][]byte) error {
	var b []byte
	for _, v := range values {
		if v == nil {
			b = append(b, 0)
			continue
		}
		b = append(b, 1)
		b = binary.BigEndian.AppendUint64(b, uint64(len(v)))
		b = append(b, v...)
	}
	h := sha256.Sum256(b)
	carry := uint64(0)
	for i := range d.sum {
		part := binary.LittleEndian.Uint64(h[i*8:])
		sum := d.sum[i] + part
		next := uint64(0)
		if sum < part {
			next = 1
		}
		if sum += carry; sum < carry {
			next = 1
		}
		d.sum[i], carry = sum, next
	}
	d.rows++
	return nil
}

// Rows taken so far.
func (d *Digest) Rows() int64 { return int64(d.rows) }

// String is sha256:… over all of it.
func (d *Digest) String() string {
	b := append([]byte(nil), d.head...)
	for _, part := range d.sum {
		b = binary.BigEndian.AppendUint64(b, part)
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256(binary.BigEndian.AppendUint64(b, d.rows)))
}
