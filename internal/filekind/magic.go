package filekind

import (
	"bytes"
	"encoding/binary"
	"slices"

	"lifeboat/internal/lazy"
)

// test of one kind; the first that holds wins.
type test struct {
	kind string
	is   func(head []byte) bool
}

// begins tests for the bytes at the very beginning, any of them.
func begins(kind string, magics ...string) test {
	return test{kind, func(head []byte) bool {
		return slices.ContainsFunc(magics, func(m string) bool { return bytes.HasPrefix(head, []byte(m)) })
	}}
}

// at tests for bytes at an offset.
func at(kind string, offset int, magic string) test {
	return test{kind, func(head []byte) bool { return has(head, offset, magic) }}
}

func has(head []byte, offset int, magic string) bool {
	return len(head) >= offset && bytes.HasPrefix(head[offset:], []byte(magic))
}

// tests by magic numbers, as the formats' own documents give them.
var tests = []test{
	begins("gzip", "\x1f\x8b"),
	begins("zstd", "\x28\xb5\x2f\xfd"),
	{"zstd", skippable}, // pzstd begins with such a frame
	begins("xz", "\xfd7zXZ\x00"),
	{"bzip2", isBzip2},
	begins("lz4", "\x04\x22\x4d\x18", "\x02\x21\x4c\x18"), // frames, and those of lz4 -l
	begins("lzip", "LZIP\x00", "LZIP\x01"),
	begins("lzop", "\x89LZO\x00\r\n\x1a\n"),
	begins("compress", "\x1f\x9d"),
	begins("snappy", "\xff\x06\x00\x00sNaPpY"),
	{"lzma", isLZMA},

	{"zip_sealed", func(head []byte) bool { return has(head, 0, "PK\x03\x04") && len(head) > 6 && head[6]&1 != 0 }},
	begins("zip", "PK\x03\x04", "PK\x05\x06", "PK\x07\x08"),
	begins("7z", "7z\xbc\xaf\x27\x1c"),
	begins("rar", "Rar!\x1a\x07"),
	begins("cpio", "070701", "070702", "070707"),
	begins("vma", "VMA\x00"),

	begins("gpg", "-----BEGIN PGP MESSAGE"),
	begins("age", "age-encryption.org/", "-----BEGIN AGE ENCRYPTED FILE"),
	begins("openssl", "Salted__"),
	begins("openssl_base64", "U2FsdGVkX1"),
	begins("ansible_vault", "$ANSIBLE_VAULT;"),
	begins("rclone", "RCLONE\x00\x00"),
	begins("luks", "LUKS\xba\xbe"),

	begins("utf32", "\xff\xfe\x00\x00", "\x00\x00\xfe\xff"),
	begins("utf16", "\xff\xfe", "\xfe\xff"),
	begins("xtrabackup", "XBSTCK01"),
	begins("sqlite", "SQLite format 3\x00"),
	begins("mssql", "TAPE\x00", "TAPE\x03"),
	begins("redis", "REDIS0", "VALKEY0"),
	{"redis_aof", isCommands},
	at("bbolt", 16, "\xed\xda\x0c\xed"),
	begins("mongodb", "\x6d\xe2\x99\x81"),
	begins("elf", "\x7fELF"),
	begins("wim", "MSWIM\x00\x00\x00"),
	{"oracle", func(head []byte) bool {
		return bytes.Contains(head[:min(64, len(head))], []byte("EXPORT:V")) ||
			bytes.Contains(head[:min(4<<10, len(head))], []byte("SYS_EXPORT_"))
	}},

	begins("pg_custom", "PGDMP"),

	begins("qcow2", "QFI\xfb"),
	begins("vmdk", "KDMV", "COWD"),
	begins("vmdk_text", "# Disk DescriptorFile"),
	begins("vhd", "conectix"),
	begins("vhdx", "vhdxfile"),
	at("vdi", 0x40, "\x7f\x10\xda\xbe"),
	begins("qed", "QED\x00"),
	at("iso", 0x8001, "CD001"),
	{"gpg", isPGP}, // weaker than all the others: two or three bytes
	{"disk", isDisk},
	{"utf16", isWide},
}

// commands begin the log of a server: the first one, or when it was written.
var commands = lazy.Regexp(`\A(#TS:\d+\r\n)?\*\d+\r\n\$\d+\r\n[A-Za-z]`)

func isCommands(head []byte) bool { return commands().Match(head[:min(len(head), 64)]) }

func skippable(head []byte) bool {
	return len(head) > 3 && head[0]&0xf0 == 0x50 && has(head, 1, "\x2a\x4d\x18")
}

// isBzip2: a block's magic, or that of the end of an empty file, follows the level.
func isBzip2(head []byte) bool {
	return len(head) >= 10 && has(head, 0, "BZh") && head[3] >= '1' && head[3] <= '9' &&
		(has(head, 4, "\x31\x41\x59\x26\x53\x59") || has(head, 4, "\x17\x72\x45\x38\x50\x90"))
}

// isLZMA: the format has no magic. Properties as everybody writes them, a dictionary of a power of two or half more, and
// a length that is unknown or below a petabyte.
func isLZMA(head []byte) bool {
	if len(head) < 14 || head[0] != 0x5d || head[13] != 0 {
		return false
	}
	dict, size := binary.LittleEndian.Uint32(head[1:]), binary.LittleEndian.Uint64(head[5:])
	power := func(n uint32) bool { return n != 0 && n&(n-1) == 0 }
	return dict >= 1<<12 && (power(dict) || power(dict/3*2) && dict%3 == 0) && (size == 1<<64-1 || size < 1<<50)
}

// isPGP knows the packets with which gpg begins an encrypted file (RFC 9580, 4.2 and 5): a session key for a public key,
// version 3, or for a passphrase, version 4.
func isPGP(head []byte) bool {
	if len(head) < 16 {
		return false
	}
	switch length := int(head[1]); head[0] {
	case 0x84: // old form, a length of one byte
		return head[2] == 3 && length > 10
	case 0x85: // of two
		return head[3] == 3 && head[1] < 0x10
	case 0x8c:
		return head[2] == 4 && length >= 4 && length < 64 && head[3] >= 1 && head[3] <= 13 && head[4] <= 4
	case 0xc1: // new form
		return head[2] == 3 && length > 10 && length < 192 || length >= 192 && length < 224 && head[3] == 3
	case 0xc3:
		return length < 96 && (head[2] == 4 && head[3] >= 1 && head[3] <= 13 && head[4] <= 4 || head[2] == 5 || head[2] == 6)
	}
	return false
}

// isDisk: the mark of a boot sector or a master boot record, and no text before it.
func isDisk(head []byte) bool {
	return has(head, 510, "\x55\xaa") && bytes.IndexByte(head[:510], 0) >= 0
}

// isWide: ASCII in UTF-16 without a mark, as some programs write it.
func isWide(head []byte) bool {
	const some = 64
	if len(head) < some {
		return false
	}
	for _, zero := range []int{0, 1} {
		wide := true
		for i, b := range head[:some] {
			if i%2 == zero {
				wide = wide && b == 0
			} else {
				wide = wide && (b >= ' ' && b < 0x7f || b == '\n' || b == '\r' || b == '\t')
			}
		}
		if wide {
			return true
		}
	}
	return false
}
