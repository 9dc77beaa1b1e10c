package layout

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
)

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
