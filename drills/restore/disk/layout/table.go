package layout

import (
	"bytes"
	"encoding/binary"
	"fmt"
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
