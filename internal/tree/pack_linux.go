package tree

import (
	"archive/tar"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"lifeboat/internal/userfile"
)

// Pack writes the tree of a folder as a tar that Tar reads as the same tree: owners by their numbers, modes, times, hard links, extended
// attributes, and which files have holes. It follows no link. A socket is left out, as every tar has it. What cannot be read, and a file
// that becomes another one meanwhile, ends it.
func Pack(folder string, out io.Writer) error {
	p := &packer{top: folder, tw: tar.NewWriter(out), buf: make([]byte, 256<<10)}
	w := &walk{top: folder, each: p.one, first: map[inode]string{}, unread: true}
	if err := w.all(); err != nil {
		return err
	}
	return p.tw.Close()
}

type packer struct {
	top string
	tw  *tar.Writer
	buf []byte
}

// types of members by those of entries; a socket has none.
var types = map[Type]byte{File: tar.TypeReg, Dir: tar.TypeDir, Link: tar.TypeSymlink, Pipe: tar.TypeFifo, Device: tar.TypeChar}

func (p *packer) one(e Entry) error {
	kind, ok := types[e.Type]
	if !ok {
		return nil
	}
	h := &tar.Header{Typeflag: kind, Name: "./" + strings.TrimPrefix(e.Path, Root), Mode: int64(e.Mode), Uid: e.UID, Gid: e.GID,
		ModTime: e.Time, Linkname: e.Target, Format: tar.FormatPAX, PAXRecords: map[string]string{}}
	if e.Type == Dir && e.Path != Root {
		h.Name += "/"
	}
	if e.Same != "" {
		h.Typeflag, h.Linkname = tar.TypeLink, "./"+e.Same
		return p.tw.WriteHeader(h)
	}
	for name, value := range e.Xattrs {
		h.PAXRecords[paxXattr+name] = value
	}
	if e.Sparse {
		h.PAXRecords[paxHoles] = "1"
	}
	if e.Type != File {
		return p.tw.WriteHeader(h)
	}
	return p.file(h, e)
}

func (p *packer) file(h *tar.Header, e Entry) error {
	f, err := userfile.Open(path.Join(p.top, e.Path))
	if err != nil {
		return err
	}
	defer f.Close()
	h.Size = e.Size
	if err := p.tw.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.CopyBuffer(onlyWriter{p.tw}, io.LimitReader(f, e.Size), p.buf)
	if err != nil {
		return fmt.Errorf("read %q: %w", e.Path, err)
	}
	now, err := f.Stat()
	if err == nil && (n != e.Size || now.Size() != e.Size || !now.ModTime().Equal(e.Time)) {
		err = fmt.Errorf("%q was changed while it was read", e.Path)
	}
	return err
}

// onlyWriter keeps io.Copy from asking the writer to read by itself.
type onlyWriter struct{ io.Writer }

// all walks from the top.
func (w *walk) all() error {
	info, err := os.Lstat(w.top)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%s is no folder", w.top)
	}
	st, err := statOf(info)
	if err != nil {
		return err
	}
	w.device = st.Dev
	return w.one(Root, info)
}
