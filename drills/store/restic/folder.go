package restic

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"lifeboat/internal/userfile"
)

// folder is a repository in a folder of this host.
type folder struct{ path string }

func (f folder) root() (*os.Root, error) { return os.OpenRoot(f.path) }

// list implements files.
func (f folder) list(ctx context.Context, kind string) ([]file, error) {
	root, err := f.root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return either(kind, func(kind string) (all []file, err error) {
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
	})
}

// either lists a kind of files where it lies, or where old buckets have it: key, lock, snapshot.
func either(kind string, list func(kind string) ([]file, error)) ([]file, error) {
	all, err := list(kind)
	if len(all) > 0 || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return all, err
	}
	if old := strings.TrimSuffix(kind, "s"); old != kind {
		if more, e := list(old); e == nil && len(more) > 0 {
			return more, nil
		}
	}
	return all, err
}

// open implements files.
func (f folder) open(_ context.Context, kind, name string, from, _ int64) (io.ReadCloser, file, error) {
	root, err := f.root()
	if err != nil {
		return nil, file{}, err
	}
	defer root.Close()
	at := places(kind, name)
	in, err := userfile.OpenIn(root, at[0])
	if errors.Is(err, fs.ErrNotExist) {
		in, err = userfile.OpenIn(root, at[1])
	}
	if err != nil {
		return nil, file{}, err
	}
	info, err := in.Stat()
	if err == nil {
		_, err = in.Seek(from, io.SeekStart)
	}
	if err != nil {
		return nil, file{}, errors.Join(fmt.Errorf("read %s/%s: %w", kind, name, err), in.Close())
	}
	return in, file{name: name, size: info.Size(), written: info.ModTime()}, nil
}

// places are where a file may lie: packs in folders by the first byte of their names, or, as old repositories have it, beside each other; see either.
func places(kind, name string) []string {
	if kind == packs {
		return []string{path.Join(kind, name[:2], name), path.Join(kind, name)}
	}
	return []string{path.Join(kind, name), path.Join(strings.TrimSuffix(kind, "s"), name)}
}
