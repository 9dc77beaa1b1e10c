package dir

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"lifeboat/drills/store"
	"lifeboat/drills/store/sha256sums"
	"lifeboat/internal/userfile"
)

// file is one file of a folder.
type file struct {
	name    string // within the folder
	size    int64
	written time.Time
}

// walk lists a folder's files in the order of their names, at any depth. Only files,
// folders and links to files within the store are allowed.
func walk(root *os.Root, folder string) ([]file, error) {
	var files []file
	err := fs.WalkDir(root.FS(), folder, func(at string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := root.Stat(at)
		if err != nil {
			return fmt.Errorf("%s: %w", at, cause(err))
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a file", at)
		}
		name := strings.TrimPrefix(at, folder+"/")
		if name != sha256sums.Name { // the list itself is no part of the backup
			files = append(files, file{name: name, size: info.Size(), written: info.ModTime()})
		}
		return nil
	})
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, err
}

func (s *Store) fetchFolder(ctx context.Context, root *os.Root, p store.Point) (store.Stream, error) {
	files, err := walk(root, p.ID)
	if err == nil {
		return newFolderStream(ctx, root, p, files, s.sums(root, []string{p.ID}).Below(p.ID)), nil
	}
	root.Close()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("fetch %s: %w", p.ID, store.ErrNoPoint)
	}
	return nil, fmt.Errorf("fetch %s: %w", p.ID, err)
}

// folderStream makes a tar while it is read. The bytes are the same each time
// as long as the files are: names in order, no times, no owners.
type folderStream struct {
	pipe  *io.PipeReader
	done  chan struct{} // closed when the writer has ended
	hash  hash.Hash     // of the lines of sha256sum
	n     atomic.Int64
	whole atomic.Bool
}

func newFolderStream(ctx context.Context, root *os.Root, p store.Point, files []file,
	want sha256sums.List,
) *folderStream {
	r, w := io.Pipe()
	s := &folderStream{pipe: r, done: make(chan struct{}), hash: sha256.New()}
	stop := context.AfterFunc(ctx, func() { r.CloseWithError(ctx.Err()); w.CloseWithError(ctx.Err()) })
	go func() {
		defer close(s.done)
		defer root.Close()
		defer stop()
		w.CloseWithError(s.write(w, root, p, files, want))
	}()
	return s
}

func (s *folderStream) write(w io.Writer, root *os.Root, p store.Point, files []file, want sha256sums.List) error {
	for _, name := range want.Names() {
		if !slices.ContainsFunc(files, func(f file) bool { return f.name == name }) {
			return &store.Mismatch{Point: p.ID + "/" + name, Want: "sha256:" + want[name].Hex, Got: "missing"}
		}
	}
	tw := tar.NewWriter(w)
	for _, f := range files {
		got, err := add(tw, root, path.Join(p.ID, f.name), f)
		if err != nil {
			return fmt.Errorf("fetch %s: %w", p.ID, err)
		}
		fmt.Fprintf(s.hash, "%s  %s\n", got, f.name)
		if promised := want[f.name].Hex; len(want) > 0 && promised != got {
			if promised == "" {
				promised = "no file of this name"
			} else {
				promised = "sha256:" + promised
			}
			return &store.Mismatch{Point: p.ID + "/" + f.name, Want: promised, Got: "sha256:" + got}
		}
	}
	if err := tw.Close(); err != nil {
		return err
	}
	s.whole.Store(true)
	if got := s.Digest(); p.Digest != "" && got != p.Digest {
		return &store.Mismatch{Point: p.ID, Want: p.Digest, Got: got}
	}
	return nil
}

// add writes one file into the tar and returns its digest.
func add(tw *tar.Writer, root *os.Root, at string, f file) (string, error) {
	in, err := userfile.OpenIn(root, at)
	if err != nil {
		return "", err
	}
	defer in.Close()
	h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: f.size, Mode: 0o644, Format: tar.FormatPAX}
	if err := tw.WriteHeader(h); err != nil {
		return "", err
	}
	sum := sha256.New()
	n, err := io.Copy(tw, io.TeeReader(in, sum))
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.name, err)
	}
	if n < f.size {
		return "", fmt.Errorf("%s became shorter while it was read", f.name)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func (s *folderStream) Read(p []byte) (int, error) {
	n, err := s.pipe.Read(p)
	s.n.Add(int64(n))
	return n, err
}

// Close waits until nothing reads the files any more.
func (s *folderStream) Close() error {
	err := s.pipe.Close()
	<-s.done
	return err
}

func (s *folderStream) Bytes() int64 { return s.n.Load() }

func (s *folderStream) Digest() string {
	if !s.whole.Load() {
		return ""
	}
	return "sha256:" + hex.EncodeToString(s.hash.Sum(nil))
}
