// Package bolt reads the files of bbolt, in which etcd keeps what it holds, by offsets and never by a map into memory: a file
// that was cut or changed gives an error, and cannot end the program that reads it.
package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"

	"lifeboat/drills/restore/dump"
)

// Layout of a file, as bbolt's page.go, db.go and bucket.go have it (format version 2).
const (
	magic      = 0xED0CDAED
	version    = 2
	pageHeader = 16
	element    = 16 // of a branch or a leaf
	metaSize   = 64
	rootSize   = 16 // of a bucket, before its inline page

	flagBranch = 0x01
	flagLeaf   = 0x02
	isBucket   = 0x01 // of a leaf's element

	mostDeep = 64      // pages from a root to a leaf
	mostPage = 1 << 30 // bytes of a page with what flows over
)

// File is one that is read; used from one goroutine.
type File struct {
	from  io.ReaderAt
	page  int64  // bytes
	pages uint64 // that belong to it
	root  uint64
	seen  map[uint64]bool // pages that were reached: a second time is a loop
}

// Open reads the two headers of a file of size bytes. What is wrong with it is *dump.Damage.
func Open(from io.ReaderAt, size int64) (*File, error) {
	var best *File
	var newest uint64
	take := func(at int64) (page int64) {
		f, tx, err := meta(from, at)
		if err != nil {
			return 0
		}
		if best == nil || tx > newest {
			best, newest = f, tx
		}
		return f.page
	}
	if page := take(pageHeader); page > 0 {
		take(page + pageHeader)
	} else {
		for page := int64(1 << 10); page <= 1<<16 && best == nil; page <<= 1 {
			take(page + pageHeader)
		}
	}
	switch {
	case best == nil && size < pageHeader+metaSize:
		return nil, &dump.Damage{Reason: fmt.Sprintf("it is cut off: it has %d bytes, and its headers are longer", size)}
	case best == nil:
		return nil, &dump.Damage{Reason: "neither of its two headers is whole"}
	case best.Size() > size || best.Size() <= 0:
		return nil, &dump.Damage{Reason: fmt.Sprintf("it is cut off: it has %d bytes, and its pages need %d", size, best.Size())}
	}
	return best, nil
}

// meta reads one header.
func meta(from io.ReaderAt, at int64) (*File, uint64, error) {
	b := make([]byte, metaSize)
	if _, err := from.ReadAt(b, at); err != nil {
		return nil, 0, err
	}
	le := binary.LittleEndian
	sum := fnv.New64a()
	sum.Write(b[:56])
	f := &File{from: from, page: int64(le.Uint32(b[8:])), root: le.Uint64(b[16:]), pages: le.Uint64(b[40:])}
	if le.Uint32(b) != magic || le.Uint32(b[4:]) != version || sum.Sum64() != le.Uint64(b[56:]) || f.page < 1<<10 || f.page > 1<<16 ||
		f.pages > 1<<40 {
		return nil, 0, errNoHeader
	}
	return f, le.Uint64(b[48:]), nil
}

var errNoHeader = errors.New("it is no header")

// Size is how many bytes belong to the file.
func (f *File) Size() int64 { return int64(f.pages) * f.page }

// Bucket has each key of a bucket in the root with its value, in their order; a bucket that is not there has none. The slices
// hold until the call returns.
func (f *File) Bucket(name string, each func(key, value []byte) error) error {
	f.seen = map[uint64]bool{}
	return f.walk(f.root, 0, func(flags uint32, key, value []byte) error {
		if flags&isBucket == 0 || string(key) != name {
			return nil
		}
		if len(value) < rootSize {
			return &dump.Damage{Reason: fmt.Sprintf("its bucket %s is cut off", name)}
		}
		inside := ordered(func(_ uint32, key, value []byte) error { return each(key, value) })
		if root := binary.LittleEndian.Uint64(value); root != 0 {
			return f.walk(root, 1, inside)
		}
		return f.elements(0, value[rootSize:], 0, inside)
	})
}

type visit func(flags uint32, key, value []byte) error

// ordered refuses keys that do not rise: a page that belongs elsewhere took the place of one.
func ordered(each visit) visit {
	var last []byte
	return func(flags uint32, key, value []byte) error {
		if last != nil && bytes.Compare(last, key) >= 0 {
			return &dump.Damage{Reason: "its keys are out of order: a page is in the place of another"}
		}
		last = append(last[:0], key...)
		return each(flags, key, value)
	}
}

// walk goes through the tree below a page.
func (f *File) walk(id uint64, deep int, each visit) error {
	if id < 2 || id >= f.pages {
		return &dump.Damage{Reason: fmt.Sprintf("it leads to page %d, which there is not", id)}
	}
	if deep > mostDeep || deep > 0 && f.seen[id] {
		return &dump.Damage{Reason: fmt.Sprintf("it leads to page %d twice", id)}
	}
	f.seen[id] = true
	head := make([]byte, pageHeader)
	if err := f.read(head, id); err != nil {
		return err
	}
	le := binary.LittleEndian
	size := (int64(le.Uint32(head[12:])) + 1) * f.page
	if le.Uint64(head) != id || size > mostPage || int64(id)*f.page+size > f.Size() {
		return &dump.Damage{Reason: fmt.Sprintf("page %d is not the one that belongs there", id)}
	}
	b := make([]byte, size)
	if err := f.read(b, id); err != nil {
		return err
	}
	return f.elements(id, b, deep, each)
}

func (f *File) read(b []byte, id uint64) error {
	_, err := f.from.ReadAt(b, int64(id)*f.page)
	if errors.Is(err, io.EOF) {
		return &dump.Damage{Reason: fmt.Sprintf("page %d lies behind its end", id)}
	}
	return err
}

// elements of a page, whose bytes are given from its header on.
func (f *File) elements(id uint64, b []byte, deep int, each visit) error {
	wrong := &dump.Damage{Reason: fmt.Sprintf("page %d does not hold what its header says", id)}
	if len(b) < pageHeader {
		return wrong
	}
	le := binary.LittleEndian
	flags, count := le.Uint16(b[8:]), int(le.Uint16(b[10:]))
	if flags != flagBranch && flags != flagLeaf || pageHeader+count*element > len(b) {
		return wrong
	}
	part := func(from, size uint64) ([]byte, bool) {
		if from > uint64(len(b)) || size > uint64(len(b))-from {
			return nil, false
		}
		return b[from : from+size], true
	}
	for i := range count {
		at := uint64(pageHeader + i*element)
		e := b[at:]
		if flags == flagBranch {
			if err := f.walk(le.Uint64(e[8:]), deep+1, each); err != nil {
				return err
			}
			continue
		}
		start, keySize := at+uint64(le.Uint32(e[4:])), uint64(le.Uint32(e[8:]))
		key, ok := part(start, keySize)
		value, has := part(start+keySize, uint64(le.Uint32(e[12:])))
		if !ok || !has {
			return wrong
		}
		if err := each(le.Uint32(e), key, value); err != nil {
			return err
		}
	}
	return nil
}
