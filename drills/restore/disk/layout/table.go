package layout

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

const sector = 512

// Types of partitions: of MBR by their byte, of GPT as they stand on the disk (UEFI 2.10, 5.3.3).
const (
	typeProtective = 0xee
	typeLinux      = 0x83
	typeESP        = 0xef
)

var (
	guidESP   = []byte("\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b")
	guidLinux = []byte("\xaf\x3d\xc6\x0f\x83\x84\x72\x47\x8e\x79\x3d\x69\xd8\x47\x7d\xe4")
	guidRoot  = []byte("\xe3\xbc\x68\x4f\xcd\xe8\xb1\x4d\x96\xe7\xfb\xca\xf9\x84\xb7\x09") // of x86-64
)

// table reads the partition table; *damage where one was there and is none any more.
func (d disk) table() (Seen, error) {
	first, err := d.some(0, sector)
	if err != nil {
		return Seen{}, err
	}
	if len(first) < sector {
		return Seen{Volumes: []Volume{{Size: d.size}}}, nil
	}
	array, err := d.raid(0, d.size)
	if err != nil || array { // its table is that of all of the array
		return Seen{Volumes: []Volume{{Size: d.size}}}, err
	}
	mbr, protective := readMBR(first)
	switch {
	case protective:
		return d.gpt()
	case len(mbr) > 0:
		all, err := d.logical(mbr)
		return Seen{Table: "MBR", Volumes: all}, err
	}
	whole := Seen{Volumes: []Volume{{Size: d.size}}}
	kinds, err := d.kinds(0, d.size)
	if err != nil || len(kinds) > 0 {
		return whole, err
	}
	return whole, d.lostTable(first)
}

// lostTable is why a disk that begins with nothing known had a partition table; nil: nothing shows that it had.
func (d disk) lostTable(first []byte) error {
	for _, size := range []int64{sector, 4096} {
		for _, at := range []int64{1, d.size/size - 1} {
			if _, whole, err := d.gptAt(at, size); err != nil || whole {
				if err == nil {
					err = &damage{fmt.Sprintf("its partition table is gone: a GPT stands at byte %d, and nothing before it says so", at*size)}
				}
				return err
			}
		}
	}
	const tableAt, signed = 446, 510
	if len(bytes.Trim(first, "\x00")) > 0 && (len(bytes.Trim(first[tableAt:signed], "\x00")) > 0 || string(first[signed:]) != "\x55\xaa") {
		return nil // something unknown may well begin like this
	}
	for _, at := range []int64{63 * sector, 1 << 20, 4 << 20} { // where partitions have begun in the last 30 years
		kinds, err := d.kinds(at, d.size-at)
		if err != nil {
			return err
		}
		if len(kinds) == 1 {
			return &damage{fmt.Sprintf("its partition table is gone: its first sector names no partition, and at byte %d begins %s", at, kinds[0])}
		}
	}
	return nil
}

// entry of an MBR.
type entry struct {
	Volume
	kind byte
}

// readMBR reads four entries; none where the sector is no table, as that of a file system is not.
func readMBR(b []byte) (all []entry, protective bool) {
	const tableAt, each = 446, 16
	if b[510] != 0x55 || b[511] != 0xaa {
		return nil, false
	}
	for i := range 4 {
		e := b[tableAt+i*each:][:each]
		if e[0]&0x7f != 0 {
			return nil, false
		}
		from, size := int64(binary.LittleEndian.Uint32(e[8:]))*sector, int64(binary.LittleEndian.Uint32(e[12:]))*sector
		if e[4] == 0 || size == 0 {
			continue
		}
		protective = protective || e[4] == typeProtective
		all = append(all, entry{Volume{Number: i + 1, From: from, Size: size, linux: e[4] == typeLinux, esp: e[4] == typeESP}, e[4]})
	}
	return all, protective
}

// logical puts the logical partitions in the place of the extended ones that hold them.
func (d disk) logical(mbr []entry) (all []Volume, err error) {
	const most = 128
	number := 5
	for _, p := range mbr {
		if p.kind != 0x05 && p.kind != 0x0f && p.kind != 0x85 {
			all = append(all, p.Volume)
			continue
		}
		seen := map[int64]bool{}
		for at := p.From; at > 0 && !seen[at] && len(seen) < most; {
			seen[at] = true
			b, err := d.at(at, sector)
			if err != nil {
				return all, err
			}
			next := int64(0)
			if b[510] != 0x55 || b[511] != 0xaa {
				if at == p.From { // nobody has made one in it yet
					break
				}
				return all, &damage{fmt.Sprintf("its partition table is damaged: the chain of logical partitions ends at byte %d in nothing", at)}
			}
			chain, _ := readMBR(b)
			for _, e := range chain {
				if e.kind == 0x05 || e.kind == 0x0f || e.kind == 0x85 {
					next = p.From + e.From
					continue
				}
				v := e.Volume
				v.Number, v.From = number, at+e.From
				all, number = append(all, v), number+1
			}
			at = next
		}
	}
	return all, nil
}

// fat looks at the boot sector of FAT and at the beginning of its first table ("Microsoft FAT Specification", 3 and 4).
func (d disk) fat(v *Volume) error {
	b, err := d.at(v.From, sector)
	if err != nil {
		return err
	}
	bytesPer, perCluster, reserved := u16(b, 11), int64(b[13]), u16(b, 14)
	sectors := u16(b, 19)
	if sectors == 0 {
		sectors = u32(b, 32)
	}
	power := func(n int64) bool { return n > 0 && n&(n-1) == 0 }
	size := sectors * bytesPer
	switch {
	case bytesPer < 512 || bytesPer > 4096 || !power(bytesPer) || !power(perCluster) || reserved == 0 || b[16] == 0 || sectors == 0:
		return &damage{fmt.Sprintf("the boot sector of the FAT file system on %s is damaged", v.name())}
	case v.From+size > d.size: // behind its partition alone it is read all the same
		return &damage{fmt.Sprintf("the file system on %s is cut off: it has %d bytes, and there are %d", v.name(), size, min(v.Size, d.size-v.From))}
	}
	first, err := d.at(v.From+reserved*bytesPer, 4)
	if err == nil && first[0] == 0 && first[1] == 0 && first[2] == 0 {
		err = &damage{fmt.Sprintf("the FAT file system on %s is damaged: the table of its files is empty", v.name())}
	}
	return err
}

// lostFAT tells of a partition that UEFI is to boot from and in which something stands that is no FAT; one that is empty was never made.
func (d disk) lostFAT(v Volume) error {
	const begins = 1 << 20
	b, err := d.some(v.From, min(v.Size, begins))
	if err != nil || len(bytes.Trim(b, "\x00")) == 0 {
		return err
	}
	return &damage{fmt.Sprintf("the EFI system partition, %s, holds no FAT file system", v.name())}
}

// xfs looks at the first superblock (the kernel's fs/xfs/libxfs/xfs_format.h).
func (d disk) xfs(v *Volume) error {
	b, err := d.at(v.From, sector)
	if err != nil {
		return err
	}
	const version5, sumAt = 5, 224
	block, blocks := int64(binary.BigEndian.Uint32(b[4:])), binary.BigEndian.Uint64(b[8:])
	version, sectorSize := binary.BigEndian.Uint16(b[100:])&0xf, int64(binary.BigEndian.Uint16(b[102:]))
	if block < 512 || block > 65536 || blocks > 1<<50 || sectorSize < 512 || sectorSize > 32768 || b[126] != 0 {
		return &damage{fmt.Sprintf("the superblock of the file system on %s is damaged", v.name())}
	}
	if size := int64(blocks) * block; size > v.Size || v.From+size > d.size {
		return &damage{fmt.Sprintf("the file system on %s is cut off: it has %d bytes, and there are %d", v.name(), size, min(v.Size, d.size-v.From))}
	}
	if version != version5 {
		return nil
	}
	if b, err = d.at(v.From, sectorSize); err != nil {
		return err
	}
	sum := binary.LittleEndian.Uint32(b[sumAt:])
	clear(b[sumAt : sumAt+4])
	if crc32.Checksum(b, castagnoli) != sum {
		return &damage{fmt.Sprintf("the superblock of the file system on %s is damaged: its checksum is another", v.name())}
	}
	return nil
}
