package qemu

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/drills/record"
)

// gptOf a disk of 1 GiB with partitions of these types, each of 1 MiB.
func gptOf(code string, types ...[]byte) []byte {
	head := make([]byte, headBytes)
	copy(head, code)
	head[510], head[511] = 0x55, 0xaa
	head[446+4], head[446+8] = mbrProtective, 1
	h := head[sector:]
	copy(h, "EFI PART")
	binary.LittleEndian.PutUint64(h[32:], 1<<21-1)
	binary.LittleEndian.PutUint64(h[72:], 2)
	binary.LittleEndian.PutUint32(h[80:], 128)
	binary.LittleEndian.PutUint32(h[84:], 128)
	for i, kind := range types {
		e := head[2*sector+i*128:]
		copy(e, kind)
		binary.LittleEndian.PutUint64(e[32:], uint64(2048*(i+1)))
	}
	return head
}

func mbrOf(code string, types ...byte) []byte {
	head := make([]byte, headBytes)
	copy(head, code)
	head[510], head[511] = 0x55, 0xaa
	for i, kind := range types {
		e := head[446+16*i:]
		e[4] = kind
		binary.LittleEndian.PutUint32(e[8:], uint32(2048*(i+1)))
		binary.LittleEndian.PutUint32(e[12:], 2048)
	}
	return head
}

func TestLayout(t *testing.T) {
	t.Parallel()
	linux := []byte("a type of nobody")
	for name, c := range map[string]struct {
		head       []byte
		bios, uefi string // what each firmware lacks
	}{
		"UEFI only":                      {gptOf("", typeESP, linux), record.LackUEFI, ""},
		"both":                           {gptOf("code", typeESP, linux), "", ""},
		"GPT, BIOS only":                 {gptOf("code", linux), "", record.LackBIOS},
		"GPT with a FAT":                 {gptOf("code", typeBasic), "", ""},
		"GPT with data":                  {gptOf("", linux), "", ""},
		"MBR, UEFI only":                 {mbrOf("", mbrESP, 0x83), record.LackUEFI, ""},
		"MBR, both":                      {mbrOf("code", mbrESP, 0x83), "", ""},
		"MBR, BIOS only":                 {mbrOf("code", 0x83), "", record.LackBIOS},
		"MBR with a FAT":                 {mbrOf("code", 0x0c), "", ""},
		"zeros":                          {make([]byte, headBytes), "", ""},
		"a boot sector without a table":  {tinySystem("x")[:headBytes], "", ""},
		"cut off":                        {make([]byte, 100), "", ""},
		"a table of GPT that is garbage": {append(gptOf("")[:2*sector:2*sector], bytes.Repeat([]byte{0xff}, 4096)...), "", ""},
	} {
		l := readLayout(c.head)
		assert.Equal(t, c.bios, l.unfit("").lack, "%s by BIOS", name)
		assert.Equal(t, c.bios, l.unfit("bios").lack, "%s by BIOS", name)
		assert.Equal(t, c.uefi, l.unfit("uefi").lack, "%s by UEFI", name)
	}
	l := readLayout(gptOf("", linux, typeESP))
	assert.EqualValues(t, 2<<20, l.esp)
	assert.EqualValues(t, 1<<30, l.end)
	assert.Equal(t, []part{{1, 1 << 20}, {2, 2 << 20}}, l.parts)
	assert.EqualValues(t, 3<<20, readLayout(mbrOf("code", 0x83, 0x83)).end)
	assert.Equal(t, "all of its disk is encrypted (LUKS)", readLayout(append([]byte("LUKS\xba\xbe"), make([]byte, 4096)...)).encrypted())
	assert.Equal(t, "partition 2, 3 is encrypted (LUKS)", layout{luks: []int{2, 3}}.encrypted())
	assert.Empty(t, l.encrypted())
}

func FuzzLayout(f *testing.F) {
	f.Add(gptOf("code", typeESP))
	f.Add(mbrOf("code", 0x83))
	f.Fuzz(func(_ *testing.T, head []byte) { readLayout(head).unfit("uefi") })
}

func TestBeginnings(t *testing.T) {
	t.Parallel()
	const said = "00100000:  4c 55 4b 53 ba be 00 02 00 00 00 00 00 00 40 00  LUKS..........@.\n" +
		"00100010:  01 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................\n" +
		"read 32/32 bytes at offset 1048576\n32 bytes, 1 ops; 00.00 sec (1 MiB/sec)\n" +
		"read failed: Input/output error\n" +
		"00300000:  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................\n" +
		"read 16/16 bytes at offset 3145728\n"
	assert.Equal(t, [][]byte{[]byte("LUKS\xba\xbe\x00\x02\x00\x00\x00\x00\x00\x00@\x00\x01" + strings.Repeat("\x00", 15)), nil,
		make([]byte, 16)}, beginnings(said))
}

func TestLoaderNames(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{"SHIMX64.EFI", "BOOTMGFW.EFI"}, loaderNames("SHIMX64 EFI\nBOOTMGFWEFI\nSHIMX64 EFI\n"))
	assert.Empty(t, loaderNames(""))
}
