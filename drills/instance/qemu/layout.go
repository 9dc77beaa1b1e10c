package qemu

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
)

const (
	headBytes  = 64 << 10 // of the beginning of a guest's disk
	sector     = 512
	beginBytes = 2048 // of a partition
	mostParts  = 16   // partitions that are looked at
)

// layout is what the beginning of a guest's disk says of how it boots.
type layout struct {
	table string // GPT or MBR; "": neither
	code  bool   // there is boot code for BIOS
	esp   int64  // where the EFI system partition begins, bytes; 0: there is none
	fat   bool   // there are partitions beside that, which UEFI may look at
	parts []part
	end   int64    // of the last partition, or of GPT's copy, bytes
	uuids []string // of the file systems that were found
	luks  []int    // numbers of the partitions that LUKS encrypts; 0: all of the disk
}

type part struct {
	number int
	begin  int64 // bytes
}

// Types of partitions: of GPT as they stand on the disk (UEFI 2.10, section 5.3.3), of MBR by their byte.
var (
	typeESP   = []byte("\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b")
	typeBasic = []byte("\xa2\xa0\xd0\xeb\xe5\xb9\x33\x44\x87\xc0\x68\xb6\xb7\x26\x99\xc7")
	luksMagic = []byte("LUKS\xba\xbe")
)

const (
	mbrESP        = 0xef
	mbrProtective = 0xee
)

var mbrFAT = []byte{0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e}

// readLayout reads the first 64 KiB of a disk with sectors of 512 bytes.
func readLayout(head []byte) layout {
	var l layout
	if len(head) < 2*sector {
		return l
	}
	const codeBytes, tableAt, entryBytes = 440, 446, 16
	signed := head[510] == 0x55 && head[511] == 0xaa
	l.code = signed && len(bytes.Trim(head[:codeBytes], "\x00")) > 0
	if bytes.HasPrefix(head, luksMagic) {
		l.luks = append(l.luks, 0)
	}
	if bytes.HasPrefix(head[sector:], []byte("EFI PART")) {
		l.gpt(head)
		return l
	}
	for i := range 4 {
		e := head[tableAt+i*entryBytes:][:entryBytes]
		begin, size := int64(binary.LittleEndian.Uint32(e[8:]))*sector, int64(binary.LittleEndian.Uint32(e[12:]))*sector
		if !signed || e[0]&0x7f != 0 { // no table: a boot sector of a file system
			break
		}
		if e[4] == 0 || e[4] == mbrProtective || begin == 0 {
			continue
		}
		l.table = "MBR"
		l.add(i+1, begin, begin+size, e[4] == mbrESP, bytes.IndexByte(mbrFAT, e[4]) >= 0)
	}
	return l
}

func (l *layout) gpt(head []byte) {
	h := head[sector:]
	l.table = "GPT"
	l.end = (int64(binary.LittleEndian.Uint64(h[32:])) + 1) * sector // after the copy of the table
	at := binary.LittleEndian.Uint64(h[72:])
	count, size := int(binary.LittleEndian.Uint32(h[80:])), int(binary.LittleEndian.Uint32(h[84:]))
	if at != 2 || size < 128 || size > 4096 || count > 1024 {
		return
	}
	for i := range count {
		begin := int(at)*sector + i*size
		if begin+size > len(head) {
			return
		}
		e := head[begin:][:size]
		if len(bytes.Trim(e[:16], "\x00")) == 0 {
			continue
		}
		l.add(i+1, int64(binary.LittleEndian.Uint64(e[32:]))*sector, 0, bytes.Equal(e[:16], typeESP),
			bytes.Equal(e[:16], typeBasic))
	}
}

func (l *layout) add(number int, begin, end int64, esp, fat bool) {
	if begin <= 0 || len(l.parts) >= mostParts {
		return
	}
	l.parts = append(l.parts, part{number, begin})
	l.end = max(l.end, end)
	l.fat = l.fat || fat
	if esp && l.esp == 0 {
		l.esp = begin
	}
}

// flaw is why an image is not booted.
type flaw struct {
	words string
	lack  string // kind of what the scenario does not give, if it is that; as record.Lack has it
}

// unfit tells why a firmware cannot boot a disk: nothing where that is not sure.
func (l layout) unfit(firmware string) flaw {
	switch {
	case l.table == "":
	case firmware != "uefi" && l.esp > 0 && !l.code:
		return flaw{"has an EFI system partition and no boot code for BIOS (" + l.table + ")", record.LackUEFI}
	case firmware == "uefi" && l.esp == 0 && !l.fat && l.code:
		return flaw{"has boot code for BIOS and no EFI system partition (" + l.table + ")", record.LackBIOS}
	}
	return flaw{}
}

// readDisk reads the layout of a disk of the guest, as the container's inspection found it, and looks into its partitions.
// Where that cannot be read nothing is known, and nothing said.
func (m *Machine) readDisk(ctx context.Context, v *drive) layout {
	head, err := m.hypervisor.Get(ctx, v.head())
	if err != nil {
		return layout{}
	}
	l := readLayout(head)
	if len(l.parts) == 0 {
		return l
	}
	graph, err := json.Marshal(v.imageNode())
	if err != nil {
		return l
	}
	args := []string{"qemu-io", "-r", "-U"}
	for _, p := range l.parts {
		args = append(args, "-c", fmt.Sprintf("read -v %d %d", p.begin, beginBytes))
	}
	r, err := m.hypervisor.Exec(ctx, instance.Command{Args: append(args, "json:"+string(graph))})
	if err != nil {
		return l
	}
	for i, begin := range beginnings(r.Stdout) {
		if i < len(l.parts) && bytes.HasPrefix(begin, luksMagic) {
			l.luks = append(l.luks, l.parts[i].number)
		}
		if id := uuidOf(begin); id != "" {
			l.uuids = append(l.uuids, id)
		}
	}
	return l
}

// beginnings are what each read of qemu-io printed, nil of one that failed.
// A read prints lines like "00100000:  4c 55 4b 53 ba be 00 02  …  LUKS....", then "read 512/512 bytes at offset 1048576".
func beginnings(output string) [][]byte {
	var all [][]byte
	var begin []byte
	for line := range strings.Lines(output) {
		if strings.HasPrefix(line, "read ") {
			all, begin = append(all, begin), nil
			continue
		}
		_, rest, dump := strings.Cut(line, ":  ")
		if !dump {
			continue
		}
		fields := strings.Fields(rest)
		if b, err := hex.DecodeString(strings.Join(fields[:min(16, len(fields))], "")); err == nil {
			begin = append(begin, b...)
		}
	}
	return all
}

// encrypted names the partitions that LUKS encrypts; "" where there are none.
func (l layout) encrypted() string {
	var names []string
	for _, n := range l.luks {
		if n == 0 {
			return "all of its disk is encrypted (LUKS)"
		}
		names = append(names, strconv.Itoa(n))
	}
	if len(names) == 0 {
		return ""
	}
	return "partition " + strings.Join(slices.Compact(names), ", ") + " is encrypted (LUKS)"
}

// encrypted names what of the machine's disks is encrypted; "" where nothing is known to be.
func (m *Machine) encrypted() string {
	var all []string
	for _, v := range m.drives {
		words := v.layout.encrypted()
		if words != "" && v.index > 0 {
			words = "backup " + v.image.Name + ": " + words
		}
		if words != "" {
			all = append(all, words)
		}
	}
	return strings.Join(all, "; ")
}
