// Package tree says what a tree of files is: read from a tar, or from a folder, as lines of text that hold any name, and
// held against another one. It knows no backup and no machine, and runs in sandboxes, too.
package tree

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Type of what a path names.
type Type string

// The types.
const (
	File   Type = "file"
	Dir    Type = "dir"
	Link   Type = "link" // symbolic
	Pipe   Type = "pipe"
	Device Type = "device" // of either sort
	Socket Type = "socket"
)

// Entry is one path of a tree.
type Entry struct {
	Path   string // within the tree, clean, any bytes but NUL; Root is the tree's own folder
	Type   Type
	Mode   uint32 // permissions with setuid, setgid and sticky; of a link LinkMode
	UID    int
	GID    int
	Size   int64     // of a file, bytes
	Time   time.Time // of its last change, as fine as its source says it; zero: it does not say
	Digest string    // of a file, SHA-256 in hex; "": nobody read it
	Target string    // of a symbolic link
	Same   string    // the first path of the same file, where it has several and this is not that one
	// raw values of extended attributes by their names, ACLs and capabilities among them, as the kernel keeps them
	Xattrs map[string]string
	Sparse bool // it has holes
	// Partial says that only type, size, digest and target are known, as of a list of digests.
	Partial bool
}

// Root is the path of a tree's own folder.
const Root = "."

// LinkMode of every symbolic link: Linux keeps none.
const LinkMode = 0o777

// Special bits of a mode, as POSIX numbers them.
const (
	ModeBits = 0o7777
	SetUID   = 0o4000
	SetGID   = 0o2000
)

// Names of extended attributes that hold what has names of its own.
const (
	XattrCapability = "security.capability"
	XattrAccess     = "system.posix_acl_access"
	XattrDefault    = "system.posix_acl_default"
)

// Totals of a tree.
type Totals struct {
	Files int64 `json:"files"` // paths of files: one with two names counts twice
	Dirs  int64 `json:"dirs"`
	Links int64 `json:"links"`
	Other int64 `json:"other,omitempty"`
	Bytes int64 `json:"bytes"` // of files, each once
}

// Sum of entries.
func Sum(all []Entry) (t Totals) {
	for _, e := range all {
		switch {
		case e.Type == File:
			t.Files++
			if e.Same == "" {
				t.Bytes += e.Size
			}
		case e.Type == Dir:
			t.Dirs++
		case e.Type == Link:
			t.Links++
		default:
			t.Other++
		}
	}
	return t
}

// Empty tells what makes a tree one in which nothing was kept; "": something was.
func (t Totals) Empty() string {
	switch {
	case t.Files == 0:
		return "it holds not one file"
	case t.Bytes == 0:
		return "not one of its files holds a byte"
	}
	return ""
}

// Sort brings entries into the order of their paths.
func Sort(all []Entry) {
	slices.SortFunc(all, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
}

// named are entries, each with what makes those of one file the same one; what has no other path is 0.
type named struct {
	Entry
	file int
}

// settle sorts entries, and says of the paths of one file which is the first.
func settle(all []named) []Entry {
	slices.SortFunc(all, func(a, b named) int { return cmp.Compare(a.Path, b.Path) })
	first := map[int]string{}
	out := make([]Entry, 0, len(all))
	for _, n := range all {
		n.Same = ""
		if n.file != 0 {
			if path, ok := first[n.file]; ok {
				n.Same = path
			} else {
				first[n.file] = n.Path
			}
		}
		out = append(out, n.Entry)
	}
	return out
}

// Restored is a tree as it was read from where it was restored.
type Restored struct {
	Folder  string // of the instance
	Entries []Entry
	Lost    map[string][]string // as Made has it
	Lists   map[string]string   // texts of lists of digests at its top, by their names
	Only    Pick                // what alone of the backup it is
	// Paths with ACLs, and with labels, that were left out.
	Nameless, Relabelled int64
	Rootless             bool // the backup does not hold the folder itself
}

// LostDevice is a device that was not made: it would be this host's.
const LostDevice = "device"

// Made is what became of a tar that was unpacked.
type Made struct {
	Removed int64 `json:"removed,omitempty"` // names that were in the folder before
	// Lost are the paths, quoted, of what this host or this file system did not take, by what that is: LostDevice, or the name of an
	// extended attribute.
	Lost map[string][]string `json:"lost,omitempty"`
	// Reading is what of the time went into reading back what was made.
	Reading time.Duration `json:"-"`
}

// mostLost bounds the paths of Made.Lost.
const mostLost = 100_000
