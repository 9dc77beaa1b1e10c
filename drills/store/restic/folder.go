package restic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"

	"lifeboat/internal/userfile"
)

// folder is a repository in a folder of this host.
type folder struct{ path string }

func (f folder) root() (*os.Root, error) { return os.OpenRoot(f.path) }

// list implements files. Packs lie in folders by the first byte of their names, or, as old repositories have it, beside each other.
func (f folder) list(ctx context.Context, kind string) ([]file, error) {
	root, err := f.root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	var all []file
	err = fs.WalkDir(root.FS(), kind, func(at string, d fs.DirEntry, err error) error {
		if err != nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if d.IsDir() || !isID(path.Base(at)) {
			return nil
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed just now
		}
		if err == nil {
			all = append(all, file{name: path.Base(at), size: info.Size(), written: info.ModTime()})
		}
		return err
	})
	return all, err
}

// open implements files.
func (f folder) open(_ context.Context, kind, name string, from int64) (io.ReadCloser, int64, error) {
	root, err := f.root()
	if err != nil {
		return nil, 0, err
	}
	defer root.Close()
	at := path.Join(kind, name)
	if kind == packs {
		at = path.Join(kind, name[:2], name)
	}
	in, err := userfile.OpenIn(root, at)
	if kind == packs && errors.Is(err, fs.ErrNotExist) {
		in, err = userfile.OpenIn(root, path.Join(kind, name))
	}
	if err != nil {
		return nil, 0, err
	}
	info, err := in.Stat()
	if err == nil {
		_, err = in.Seek(from, io.SeekStart)
	}
	if err != nil {
		return nil, 0, errors.Join(fmt.Errorf("read %s: %w", at, err), in.Close())
	}
	return in, info.Size(), nil
}
