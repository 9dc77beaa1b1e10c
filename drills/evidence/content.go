package evidence

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"lifeboat/internal/userfile"
)

// content is a bundle that is read: its files by their names, with slashes. Opening never waits, and leads nowhere else.
type content interface {
	fs.FS
	io.Closer
	// list gives what lies in it; plain: a file and nothing else.
	list(each func(name string, size int64, plain bool) error) error
}

// folder is a bundle, or a drill of it, that lies unpacked.
type folder struct{ *os.Root }

// Open implements fs.FS.
func (f folder) Open(name string) (fs.File, error) {
	return userfile.OpenIn(f.Root, filepath.FromSlash(name))
}

// Sub implements fs.SubFS: what it gives is to be closed.
func (f folder) Sub(dir string) (fs.FS, error) {
	root, err := f.OpenRoot(filepath.FromSlash(dir))
	if err != nil {
		return nil, err
	}
	return folder{root}, nil
}

func (f folder) list(each func(name string, size int64, plain bool) error) error {
	return fs.WalkDir(f.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		return each(name, info.Size(), info.Mode().IsRegular())
	})
}

// readIn reads a file whole, if it holds no more than that.
func readIn(from fs.FS, name string, most int64) (raw []byte, err error) {
	in, err := from.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := in.Stat()
	if err == nil {
		raw = make([]byte, 0, min(info.Size(), most)+1) // and one to find its end with
		raw, err = appended(raw, io.LimitReader(in, most+1))
	}
	if err = errors.Join(err, in.Close()); err != nil {
		return nil, err
	}
	if int64(len(raw)) > most {
		return nil, &fs.PathError{Op: "read", Path: name, Err: fmt.Errorf("it is %w: more than %d bytes", userfile.ErrTooLarge, most)}
	}
	return raw, nil
}

// appended is what a reader gives, behind what is there: a buffer of the right size is not made anew.
func appended(to []byte, r io.Reader) ([]byte, error) {
	for {
		if len(to) == cap(to) {
			to = append(to, 0)[:len(to)]
		}
		n, err := r.Read(to[len(to):cap(to)])
		to = to[:len(to)+n]
		if err == io.EOF {
			return to, nil
		}
		if err != nil {
			return to, err
		}
	}
}
