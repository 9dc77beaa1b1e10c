package tree

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Unpack empties a folder, which is made where it is missing, and unpacks a tar of a tree into it, below it alone: owners by their
// numbers, modes, times, links, extended attributes, holes. *Damage and *Odd are as those of Tar; any other error is the folder's or the stream's.
func Unpack(folder string, r io.Reader) (Made, error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return Made{}, err
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return Made{}, err
	}
	defer root.Close()
	u := &unpacker{root: root, dirs: map[string]Entry{}, made: Made{Lost: map[string][]string{}}, buf: make([]byte, 256<<10)}
	defer u.leave()
	if err := u.clear(); err != nil {
		return u.made, fmt.Errorf("empty the folder: %w", err)
	}
	for t := NewTar(r, false); ; {
		e, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return u.made, err
		}
		if err := u.member(e, t); err != nil {
			if t.src.err != nil {
				return u.made, t.src.err
			}
			return u.made, fmt.Errorf("unpack %q: %w", clip(e.Path), err)
		}
	}
	for _, e := range u.dirs {
		if err := u.attributes(e); err != nil {
			return u.made, fmt.Errorf("unpack %q: %w", clip(e.Path), err)
		}
	}
	return u.made, nil
}

type unpacker struct {
	root *os.Root
	dirs map[string]Entry // whose attributes are set at the end: what is put into them changes them
	made Made
	lost int
	buf  []byte
	in   string   // the folder that was last used, and
	dir  *os.File // that folder, open
}

func (u *unpacker) clear() error {
	all, err := fs.ReadDir(u.root.FS(), Root)
	if err != nil {
		return err
	}
	for _, d := range all {
		u.made.Removed++
		if err := u.root.RemoveAll(d.Name()); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) leave() {
	if u.dir != nil {
		_ = u.dir.Close() // nothing was written
		u.dir = nil
	}
}

// parent gives the open folder of a path, which is made where the archive does not hold it, and the path's last part. It lies within the
// tree, whoever changes that meanwhile.
func (u *unpacker) parent(name string) (int, string, error) {
	dir, base := path.Split(name)
	if dir = path.Clean(dir); u.dir == nil || u.in != dir {
		u.leave()
		if err := u.root.MkdirAll(dir, 0o755); err != nil && dir != Root {
			return 0, "", err
		}
		f, err := u.root.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return 0, "", err
		}
		u.in, u.dir = dir, f
	}
	return int(u.dir.Fd()), base, nil
}

func (u *unpacker) member(e Entry, content io.Reader) error {
	if e.Path == Root {
		u.dirs[Root] = e
		return nil
	}
	dir, base, err := u.parent(e.Path)
	if err != nil {
		return err
	}
	if err := u.room(dir, base, e); err != nil {
		return err
	}
	switch {
	case e.Type == Dir:
		if err := unix.Mkdirat(dir, base, 0o700); err != nil && !errors.Is(err, unix.EEXIST) {
			return err
		}
		u.dirs[e.Path] = e
		return nil
	case e.Same != "":
		from, was, err := u.link(e.Same)
		if err != nil {
			return err
		}
		defer from.Close()
		return unix.Linkat(int(from.Fd()), was, dir, base, 0)
	case e.Type == Link:
		err = unix.Symlinkat(e.Target, dir, base)
	case e.Type == Pipe:
		err = unix.Mkfifoat(dir, base, 0o600)
	case e.Type == Device:
		return u.lose(LostDevice, e.Path)
	default:
		err = u.file(dir, base, e, content)
	}
	if err != nil {
		return err
	}
	return u.attributes(e)
}

// link opens the folder of a path that is there.
func (u *unpacker) link(name string) (*os.File, string, error) {
	dir, base := path.Split(name)
	f, err := u.root.OpenFile(path.Clean(dir), os.O_RDONLY|unix.O_DIRECTORY, 0)
	return f, base, err
}

// room takes away what has the name of a member that comes later in the archive.
func (u *unpacker) room(dir int, base string, e Entry) error {
	var st unix.Stat_t
	err := unix.Fstatat(dir, base, &st, unix.AT_SYMLINK_NOFOLLOW)
	switch {
	case errors.Is(err, unix.ENOENT):
		return nil
	case err != nil:
		return err
	case st.Mode&unix.S_IFMT == unix.S_IFDIR && e.Type == Dir:
		return nil
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		delete(u.dirs, e.Path)
		return unix.Unlinkat(dir, base, unix.AT_REMOVEDIR)
	}
	return unix.Unlinkat(dir, base, 0)
}

const holeSize = 4096 // what a file system of Linux leaves out at least

func (u *unpacker) file(dir int, base string, e Entry, content io.Reader) error {
	fd, err := unix.Openat(dir, base, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	f := os.NewFile(uintptr(fd), base)
	size := int64(0)
	for {
		n, err := io.ReadFull(content, u.buf)
		if werr := u.write(f, u.buf[:n], size, e.Sparse); werr != nil {
			_ = f.Close() // the first error is told
			return werr
		}
		size += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break // of a member that is cut off the tar says so itself
		}
		if err != nil {
			_ = f.Close()
			return err
		}
	}
	if e.Sparse {
		if err := f.Truncate(size); err != nil {
			_ = f.Close()
			return err
		}
	}
	return f.Close()
}

func (u *unpacker) write(f *os.File, p []byte, at int64, sparse bool) error {
	if !sparse {
		_, err := f.Write(p)
		return err
	}
	for piece := range slices.Chunk(p, holeSize) {
		if strings.Trim(string(piece), "\x00") != "" {
			if _, err := f.WriteAt(piece, at); err != nil {
				return err
			}
		}
		at += int64(len(piece))
	}
	return nil
}

// attributes come in the order in which none takes another one away: a change of owner takes setuid and capabilities.
func (u *unpacker) attributes(e Entry) error {
	dir, base, err := u.parent(e.Path)
	if err != nil {
		return err
	}
	base = cmp.Or(base, Root)
	if err := unix.Fchownat(dir, base, e.UID, e.GID, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("set its owner: %w", err)
	}
	if e.Type != Link {
		if err := unix.Fchmodat(dir, base, e.Mode, 0); err != nil {
			return fmt.Errorf("set its mode: %w", err)
		}
	}
	if err := u.extend(dir, base, e); err != nil {
		return err
	}
	if e.Time.IsZero() {
		return nil
	}
	stamp, err := unix.TimeToTimespec(e.Time)
	if err != nil {
		return fmt.Errorf("set its time: %w", err)
	}
	if err := unix.UtimesNanoAt(dir, base, []unix.Timespec{stamp, stamp}, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("set its time: %w", err)
	}
	return nil
}

func (u *unpacker) extend(dir int, base string, e Entry) error {
	if len(e.Xattrs) == 0 {
		return nil
	}
	if e.Type != File && e.Type != Dir {
		return u.lose("attributes of a "+string(e.Type), e.Path)
	}
	fd, err := unix.Openat(dir, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(fd) }() // nothing was written
	for name, value := range e.Xattrs {
		switch err := unix.Fsetxattr(fd, name, []byte(value), 0); {
		case errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.EINVAL):
			if err := u.lose(name, e.Path); err != nil {
				return err
			}
		case err != nil:
			return fmt.Errorf("set its attribute %s: %w", name, err)
		}
	}
	return nil
}

func (u *unpacker) lose(what, name string) error {
	if u.lost++; u.lost > mostLost {
		return fmt.Errorf("this host does not take %s, nor that of %d others", what, mostLost)
	}
	u.made.Lost[what] = append(u.made.Lost[what], quote(name))
	return nil
}
