package tree

import (
	"cmp"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
)

// Tags of entries of an ACL as the kernel keeps them: include/uapi/linux/posix_acl.h and posix_acl_xattr.h.
const (
	aclVersion   = 2
	aclUserObj   = 0x01
	aclUser      = 0x02
	aclGroupObj  = 0x04
	aclGroup     = 0x08
	aclMask      = 0x10
	aclOther     = 0x20
	aclUndefined = 0xffffffff
)

type aclEntry struct {
	tag, perm uint16
	id        uint32
}

// aclOf makes the kernel's form of an ACL's text, user::rw-,user:1001:r--,mask::r--, in which star writes a number behind a name:
// user:bob:r--:1001. "" where it says no more than the mode does, which a kernel keeps as no ACL; false where it cannot be told whom a name means.
func aclOf(name, text string) (raw string, ok bool) {
	var all []aclEntry
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == '\n' }) {
		part, _, _ = strings.Cut(strings.TrimSpace(part), "#")
		f := strings.Split(strings.TrimSpace(part), ":")
		if len(f) == 1 && f[0] == "" {
			continue
		}
		if len(f) < 3 {
			return "", false
		}
		tags := map[string][2]uint16{"u": {aclUserObj, aclUser}, "g": {aclGroupObj, aclGroup}, "m": {aclMask, 0}, "o": {aclOther, 0}}
		tag, known := tags[f[0][:min(1, len(f[0]))]]
		e := aclEntry{tag: tag[0], id: aclUndefined}
		if f[1] != "" {
			number := f[1]
			if len(f) > 3 {
				number = f[3]
			}
			id, err := strconv.ParseUint(number, 10, 32)
			if known = known && err == nil && tag[1] != 0; known {
				e.tag, e.id = tag[1], uint32(id)
			}
		}
		for _, c := range f[2] {
			bit, valid := map[rune]uint16{'r': 4, 'w': 2, 'x': 1, '-': 0}[c]
			known = known && valid
			e.perm |= bit
		}
		if !known {
			return "", false
		}
		all = append(all, e)
	}
	plain := !slices.ContainsFunc(all, func(e aclEntry) bool { return e.id != aclUndefined || e.tag == aclMask })
	if name == XattrAccess && plain {
		return "", true
	}
	return encodeACL(all), true
}

func encodeACL(all []aclEntry) string {
	slices.SortFunc(all, func(a, b aclEntry) int { return cmp.Or(cmp.Compare(a.tag, b.tag), cmp.Compare(a.id, b.id)) })
	b := binary.LittleEndian.AppendUint32(nil, aclVersion)
	for _, e := range all {
		b = binary.LittleEndian.AppendUint16(b, e.tag)
		b = binary.LittleEndian.AppendUint16(b, e.perm)
		b = binary.LittleEndian.AppendUint32(b, e.id)
	}
	return string(b)
}
