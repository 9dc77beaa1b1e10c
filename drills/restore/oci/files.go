package oci

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"hash/fnv"
	"io"
	"path"
	"slices"
	"strings"
)

// mostNodes of an archive's layers are remembered: some 60 bytes each.
const mostNodes = 250_000

// files are what a layer holds, by hashes of their paths, and what it hides of the layers below.
type files struct {
	nodes  map[uint64]node
	gone   map[string]bool // paths that it removes
	opaque map[string]bool // folders of which it hides what was in them
	cut    bool            // there was no room for all
}

type node struct {
	kind nodeKind
	runs bool   // a file that somebody may run
	to   string // of a link where it leads; of a program what runs it: its interpreter, or its loader
}

type nodeKind byte

const (
	kindFile nodeKind = iota
	kindDir
	kindLink
	kindImplied // a folder that the layer does not name, but something in it
)

func newFiles() *files {
	return &files{nodes: map[uint64]node{}, gone: map[string]bool{}, opaque: map[string]bool{}}
}

// Marks of what a layer removes: OCI image specification, layer.md, "Whiteouts".
const (
	whiteout       = ".wh."
	opaqueWhiteout = ".wh..wh..opq"
)

// add remembers an entry of a layer's tar.
func (f *files) add(h *tar.Header, content io.Reader, room *int) {
	name := path.Clean("/" + h.Name)
	if name == "/" || f.cut {
		return
	}
	if *room--; *room < 0 {
		f.cut = true
		return
	}
	dir, base := path.Split(name)
	dir = path.Clean(dir)
	if base == opaqueWhiteout {
		f.opaque[dir] = true
		return
	}
	if was, ok := strings.CutPrefix(base, whiteout); ok {
		f.gone[path.Join(dir, was)] = true
		return
	}
	n := node{kind: kindFile, runs: h.Mode&0o111 != 0}
	switch h.Typeflag {
	case tar.TypeDir:
		n.kind = kindDir
	case tar.TypeSymlink:
		n.kind, n.to = kindLink, h.Linkname
	case tar.TypeLink:
		if of, ok := f.nodes[hashOf(path.Clean("/"+h.Linkname))]; ok {
			n = of
		}
	case tar.TypeReg:
		if n.runs {
			n.to = runBy(content)
		}
	}
	f.nodes[hashOf(name)] = n
	for ; dir != "/"; dir = path.Dir(dir) {
		at := hashOf(dir)
		if _, ok := f.nodes[at]; ok {
			break
		}
		f.nodes[at] = node{kind: kindImplied}
	}
}

func hashOf(name string) uint64 {
	h := fnv.New64a()
	_, _ = io.WriteString(h, name) // a hash takes everything
	return h.Sum64()
}

// runBy is what a program needs to be run: what stands behind #!, or the loader that its ELF header names; "" for one that needs
// none, or whose header says it too far from its beginning.
func runBy(program io.Reader) string {
	head := make([]byte, 4096)
	n, _ := io.ReadFull(program, head) // a damaged tar is told by whoever reads on
	head = head[:n]
	if script, ok := bytes.CutPrefix(head, []byte("#!")); ok {
		line, _, _ := bytes.Cut(script, []byte("\n"))
		if words := strings.Fields(string(line)); len(words) > 0 && len(words[0]) < 256 {
			return words[0]
		}
		return ""
	}
	return loader(head)
}

// loader reads the segment PT_INTERP of an ELF file with 64 bits: System V ABI, "Program Header".
func loader(head []byte) string {
	const phoffAt, sizeAt, countAt, interp = 32, 54, 56, 3
	if len(head) < 64 || !bytes.HasPrefix(head, []byte("\x7fELF\x02\x01")) {
		return ""
	}
	le := binary.LittleEndian
	begin, size := le.Uint64(head[phoffAt:]), uint64(le.Uint16(head[sizeAt:]))
	for i := range uint64(le.Uint16(head[countAt:])) {
		at := begin + i*size
		if begin > 4096 || size < 56 || at+size > uint64(len(head)) {
			return ""
		}
		if p := head[at:]; le.Uint32(p) == interp {
			from, long := le.Uint64(p[8:]), le.Uint64(p[32:])
			if from > uint64(len(head)) || long > uint64(len(head))-from {
				return ""
			}
			return string(bytes.TrimRight(head[from:from+long], "\x00"))
		}
	}
	return ""
}

// view is an image's file system: its layers, lowest first.
type view []*files

// cut tells whether something of it is not known.
func (v view) cut() bool {
	return slices.ContainsFunc(v, func(f *files) bool { return f == nil || f.cut })
}

// node at a path, links not followed.
func (v view) node(name string) (n node, ok bool) {
	implied := false
	for i := len(v) - 1; i >= 0; i-- {
		if n, ok = v[i].nodes[hashOf(name)]; ok && n.kind != kindImplied {
			return n, true
		}
		implied = implied || ok
		if v[i].hides(name) {
			break
		}
	}
	return node{kind: kindDir}, implied
}

// hides tells whether a layer hides a path of the layers below it.
func (f *files) hides(name string) bool {
	if f.gone[name] {
		return true
	}
	for dir := path.Dir(name); dir != "/"; dir = path.Dir(dir) {
		if n, ok := f.nodes[hashOf(dir)]; f.gone[dir] || f.opaque[dir] || ok && n.kind != kindDir && n.kind != kindImplied {
			return true
		}
	}
	return f.opaque["/"]
}

// find follows links as a kernel does whose root is the image.
func (v view) find(name string) (node, bool) {
	const mostLinks = 40
	n, at, links := node{kind: kindDir}, "/", 0
	rest := strings.Split(name, "/")
	for len(rest) > 0 {
		one := rest[0]
		rest = rest[1:]
		if one == "" || one == "." || one == ".." {
			at = path.Join(at, one)
			continue
		}
		var ok bool
		if n, ok = v.node(path.Join(at, one)); !ok {
			return n, false
		}
		switch {
		case n.kind == kindLink:
			if links++; links > mostLinks {
				return n, false
			}
			if path.IsAbs(n.to) {
				at = "/"
			}
			rest = append(strings.Split(n.to, "/"), rest...)
			n = node{kind: kindDir}
		case n.kind != kindDir && len(rest) > 0:
			return n, false
		default:
			at = path.Join(at, one)
		}
	}
	return n, true
}
