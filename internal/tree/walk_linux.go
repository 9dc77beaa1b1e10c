package tree

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"lifeboat/internal/userfile"
)

// visit is a path on its way to whoever asked for it.
type visit struct {
	Entry
	read chan struct{} // closed when its content was
	err  error
}

// Walk gives every path of a folder, each folder before what is in it, with the digests of files, of which n are read side by side. It follows
// no link, and asks no other file system that is mounted below. What cannot be read ends it.
func Walk(folder string, n int, each func(Entry) error) error {
	files, all := make(chan *visit, n), make(chan *visit, 16*n)
	for range n {
		go func() {
			buf := make([]byte, 256<<10)
			for v := range files {
				if v.Size, v.Digest, v.Sparse, v.err = contents(path.Join(folder, v.Path), buf); v.err != nil {
					v.err = fmt.Errorf("read %q: %w", v.Path, v.err)
				}
				close(v.read)
			}
		}()
	}
	var enough atomic.Bool
	told := make(chan error)
	go func() {
		var err error
		for v := range all {
			if <-v.read; err != nil {
				continue
			}
			if err = v.err; err == nil {
				err = each(v.Entry)
			}
			enough.Store(err != nil)
		}
		told <- err
	}()
	w := &walk{top: folder, first: map[inode]string{}, each: func(e Entry) error {
		if enough.Load() {
			return errors.New("nobody reads on")
		}
		v := &visit{Entry: e, read: make(chan struct{})}
		if all <- v; e.Type == File {
			files <- v
		} else {
			close(v.read)
		}
		return nil
	}}
	err := w.all()
	close(files)
	close(all)
	return cmp.Or(<-told, err)
}

type inode struct{ device, number uint64 }

type walk struct {
	top    string
	each   func(Entry) error
	device uint64
	first  map[inode]string // path of each file that has several
	unread bool             // no digest is asked for: only how large files are, and which have holes
}

func statOf(info fs.FileInfo) (*syscall.Stat_t, error) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return nil, errors.New("this system tells no owners")
	}
	return st, nil
}

func (w *walk) one(name string, info fs.FileInfo) error {
	at := path.Join(w.top, name)
	st, err := statOf(info)
	if err != nil {
		return err
	}
	if st.Dev != w.device {
		return nil
	}
	e := Entry{Path: name, Mode: st.Mode & ModeBits, UID: int(st.Uid), GID: int(st.Gid), Time: time.Unix(st.Mtim.Unix()).UTC()}
	switch st.Mode & syscall.S_IFMT {
	case syscall.S_IFREG:
		e.Type, e.Size = File, st.Size
	case syscall.S_IFDIR:
		e.Type = Dir
	case syscall.S_IFLNK:
		e.Type, e.Mode = Link, LinkMode
		e.Target, err = os.Readlink(at)
	case syscall.S_IFIFO:
		e.Type = Pipe
	case syscall.S_IFSOCK:
		e.Type = Socket
	default:
		e.Type = Device
	}
	if err != nil {
		return err
	}
	if e.Type == File || e.Type == Dir {
		if e.Xattrs, err = xattrs(at); err != nil {
			return fmt.Errorf("read the attributes of %q: %w", name, err)
		}
	}
	if e.Type == File {
		if st.Nlink > 1 {
			id := inode{st.Dev, st.Ino}
			if e.Same = w.first[id]; e.Same == "" {
				w.first[id] = name
			}
		}
		if w.unread {
			if e.Size, _, e.Sparse, err = contents(at, nil); err != nil {
				return fmt.Errorf("read %q: %w", name, err)
			}
		}
	}
	if err := w.each(e); err != nil || e.Type != Dir {
		return err
	}
	return w.folder(name)
}

func (w *walk) folder(name string) error {
	all, err := os.ReadDir(path.Join(w.top, name))
	if err != nil {
		return err
	}
	for _, d := range all {
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // of a tree in use
		}
		if err != nil {
			return err
		}
		if err := w.one(path.Join(name, d.Name()), info); err != nil {
			return err
		}
	}
	return nil
}

// contents reads a file to its end, or without a buffer only asks how large it is.
func contents(at string, buf []byte) (size int64, digest string, holes bool, err error) {
	f, err := userfile.Open(at)
	if err != nil {
		return 0, "", false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return 0, "", false, err
	}
	if hole, err := unix.Seek(int(f.Fd()), 0, unix.SEEK_HOLE); err == nil {
		holes = hole < info.Size()
	}
	if buf == nil {
		return info.Size(), "", holes, nil
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return 0, "", false, err
	}
	h := sha256.New()
	if size, err = io.CopyBuffer(h, onlyReader{f}, buf); err != nil {
		return 0, "", false, err
	}
	return size, hex.EncodeToString(h.Sum(nil)), holes, nil
}

// xattrs that are the tree's own; none where the file system keeps none.
func xattrs(at string) (map[string]string, error) {
	list, err := sized(func(to []byte) (int, error) { return unix.Llistxattr(at, to) })
	if errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var all map[string]string
	names := slices.Collect(bytes.SplitSeq(list, []byte{0}))
	for _, raw := range names {
		name := string(raw)
		if name == "" || Foreign(name) {
			continue
		}
		value, err := sized(func(to []byte) (int, error) { return unix.Lgetxattr(at, name, to) })
		if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", strings.ToValidUTF8(name, "?"), err)
		}
		if all == nil {
			all = map[string]string{}
		}
		all[name] = string(value)
	}
	return all, nil
}

// sized asks for as much as there is.
func sized(ask func([]byte) (int, error)) ([]byte, error) {
	for {
		n, err := ask(nil)
		if err != nil || n == 0 {
			return nil, err
		}
		b := make([]byte, n)
		n, err = ask(b)
		if errors.Is(err, unix.ERANGE) {
			continue
		}
		if err != nil {
			return nil, err
		}
		return b[:n], nil
	}
}
