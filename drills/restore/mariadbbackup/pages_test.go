package mariadbbackup

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Pages are judged alike in whatever pieces they come, and a broken one shows in each.
func TestPagesInPieces(t *testing.T) {
	t.Parallel()
	const size, count, broken = 16 << 10, 9, 5
	var text []byte
	for n := range uint32(count) {
		page := make([]byte, size)
		for i := range page {
			page[i] = byte(i) ^ byte(n)
		}
		binary.BigEndian.PutUint32(page[4:], n)
		binary.BigEndian.PutUint16(page[24:], 8)
		binary.BigEndian.PutUint32(page[46:], count)
		binary.BigEndian.PutUint32(page[54:], 1<<4|5) // full_crc32, of 16 KiB
		binary.BigEndian.PutUint32(page[size-4:], crc32.Checksum(page[:size-4], crc32.MakeTable(crc32.Castagnoli)))
		text = append(text, page...)
	}
	text[broken*size+100] ^= 1
	for _, piece := range []int{1, 63, 512, size - 1, size, size + 1, 3*size - 7, 256 << 10} {
		p := &pages{}
		for at := 0; at < len(text); at += piece {
			p.take(text[at:min(at+piece, len(text))])
		}
		assert.Equal(t, []uint32{broken}, p.bad, "in pieces of %d", piece)
		assert.EqualValues(t, count, p.read, "in pieces of %d", piece)
		assert.Nil(t, p.rest, "nothing is kept of what was read")
	}
}
