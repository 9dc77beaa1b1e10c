// Package filekind says what a file is by its first bytes: in the place of a backup stand compressed and encrypted
// files, archives, dumps of other systems, and pages and messages that are no backup at all. It only looks.
package filekind

import (
	"bytes"
	"slices"
	"strings"
)

// Enough bytes from a file's beginning tell every kind; fewer, if the file has no more.
const Enough = 64 << 10

// Class says what a kind means to who wants to restore it.
type Class string

// The classes.
const (
	Unknown Class = ""        // its first bytes say nothing
	Packed  Class = "packed"  // one file, compressed
	Bundle  Class = "bundle"  // several files in one
	Sealed  Class = "sealed"  // encrypted
	Foreign Class = "foreign" // text in an encoding that nothing here reads, or of another system
	Dump    Class = "dump"    // of PostgreSQL
	Image   Class = "image"   // of a disk or a container
	Nothing Class = "nothing" // no backup: there is nothing in it, or a message stands in its place
)

// Kind of file.
type Kind struct {
	Name  string // stable; reports have words for it under filekind.NAME; "" for what is not known
	Class Class
	Words string // after "it is": English, as the reports' catalogue has them
	// unpack is the command that makes something of it that can be restored; FILE stands for its name.
	unpack string
}

// Found is what was found in one file.
type Found struct {
	Kind
	Said string // the message that stands in the backup's place, in one line of at most 200 bytes
}

// Command that unpacks a file of this kind, for a person to type; "" where there is none.
func (k Kind) Command(file string) string {
	if strings.Trim(file, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/-+:@") != "" ||
		strings.HasPrefix(file, "-") {
		file = "'" + strings.ReplaceAll(file, "'", `'\''`) + "'"
	}
	return strings.ReplaceAll(k.unpack, "FILE", file)
}

// In tells whether it is one of the named kinds.
func (k Kind) In(names ...string) bool {
	return slices.Contains(names, k.Name)
}

// Of tells what a file is of which head is the beginning: Enough bytes, or all that there are.
func Of(head []byte) Found {
	if len(head) == 0 {
		return Found{Kind: Named("empty")}
	}
	for _, t := range tests {
		if t.is(head) {
			return Found{Kind: Named(t.kind)}
		}
	}
	if member, ok := firstMember(head); ok {
		return Found{Kind: Named(tarOf(member))}
	}
	if len(bytes.Trim(head, "\x00")) == 0 {
		return Found{Kind: Named("zeros")}
	}
	return ofText(head)
}

// Named is the kind of a name; the zero value where there is none.
func Named(name string) Kind {
	for _, k := range Kinds {
		if k.Name == name {
			return k
		}
	}
	return Kind{}
}
