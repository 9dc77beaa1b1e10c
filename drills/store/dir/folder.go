package dir

import (
	"archive/tar"
	"bufio"
	"cmp"
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

	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/drills/store/checksums"
	"lifeboat/internal/userfile"
)

// pieceSize is how much of a folder is read, hashed and passed on at once, bytes.
const pieceSize = 256 << 10

// file is one file of a folder.
type file struct {
	name    string // within the folder
	size    int64
	written time.Time
}

// walk lists a folder's files in the order of their names, at any depth. Only files, folders, links to files within the store and
// links to folders within the folder are allowed.
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
		if info.IsDir() && within(root, folder, at) {
			return nil // what it leads to is seen where it lies
		}
		if !info.Mode().IsRegular() {
			return fmt.Errorf("%s is not a file", at)
		}
		name := strings.TrimPrefix(at, folder+"/")
		if name != checksums.Name { // the list itself is no part of the backup
			files = append(files, file{name: name, size: info.Size(), written: info.ModTime()})
		}
		return nil
	})
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return files, err
}

// within tells whether a link leads to another place in its folder, as pgBackRest's "latest" does.
func within(root *os.Root, folder, link string) bool {
	to, err := root.Readlink(link)
	to = path.Join(path.Dir(link), to)
	return err == nil && !path.IsAbs(to) && strings.HasPrefix(to, folder+"/")
}

func (s *Store) fetchFolder(ctx context.Context, root *os.Root, p store.Point) (store.Stream, error) {
	files, err := walk(root, p.ID)
	if err == nil {
		return newFolderStream(ctx, root, p, files, s.sums(root, []string{p.ID}).List), nil
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
	promised checksums.List,
) *folderStream {
	r, w := io.Pipe()
	s := &folderStream{pipe: r, done: make(chan struct{}), hash: sha256.New()}
	stop := context.AfterFunc(ctx, func() { r.CloseWithError(ctx.Err()); w.CloseWithError(ctx.Err()) })
	go func() {
		defer close(s.done)
		defer root.Close()
		defer stop()
		w.CloseWithError(s.write(w, root, p, files, promised))
	}()
	return s
}

func (s *folderStream) write(w io.Writer, root *os.Root, p store.Point, files []file, promised checksums.List) error {
	want := promised.Below(p.ID)
	for _, name := range want.Names() {
		if !slices.ContainsFunc(files, func(f file) bool { return f.name == name }) {
			return &store.Mismatch{Point: p.ID + "/" + name, Want: want[name].String(), Got: "missing"}
		}
	}
	out := bufio.NewWriterSize(w, pieceSize)
	tw, buf := tar.NewWriter(out), make([]byte, pieceSize)
	for _, f := range files {
		promise := want[f.name]
		if !promise.Given() {
			promise.Algorithm = record.SHA256
		}
		sum, got := sha256.New(), promise
		by, digests := sum, io.Writer(sum)
		if promise.Algorithm != record.SHA256 {
			by = promise.Hash()
			digests = io.MultiWriter(sum, by)
		}
		if err := add(tw, root, path.Join(p.ID, f.name), f, digests, buf); err != nil {
			return fmt.Errorf("fetch %s: %w", p.ID, err)
		}
		fmt.Fprintf(s.hash, "%x  %s\n", sum.Sum(nil), f.name)
		if got.Value = hex.EncodeToString(by.Sum(nil)); len(want) > 0 && promise != got {
			return &store.Mismatch{Point: p.ID + "/" + f.name, Want: cmp.Or(promise.String(), "no file of this name"), Got: got.String()}
		}
	}
	if err := errors.Join(tw.Close(), out.Flush()); err != nil {
		return err
	}
	got := s.sum()
	if p.Digest.Algorithm != record.SHA256 { // each file is what the lists say now: so must they have said when it was listed
		got = promised.Folder(p.ID).String()
	}
	if p.Digest.Given() && got != p.Digest.String() {
		return &store.Mismatch{Point: p.ID, Want: p.Digest.String(), Got: got}
	}
	s.whole.Store(true)
	return nil
}

// add writes one file into the tar, and to whoever takes its digests.
func add(tw *tar.Writer, root *os.Root, at string, f file, digests io.Writer, buf []byte) error {
	in, err := userfile.OpenIn(root, at)
	if err != nil {
		return err
	}
	defer in.Close()
	h := &tar.Header{Typeflag: tar.TypeReg, Name: f.name, Size: f.size, Mode: 0o644, Format: tar.FormatPAX}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	n, err := io.CopyBuffer(struct{ io.Writer }{tw}, io.TeeReader(in, digests), buf)
	if err != nil {
		return fmt.Errorf("%s: %w", f.name, err)
	}
	if n < f.size {
		return fmt.Errorf("%s became shorter while it was read", f.name)
	}
	return nil
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
	return s.sum()
}

func (s *folderStream) sum() string { return "sha256:" + hex.EncodeToString(s.hash.Sum(nil)) }
