package docker

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/moby/moby/client"
)

const (
	getLimit  = 64 << 20
	linkLimit = 16
)

// Put implements instance.Machine. Owners and modes are those of the tar
// stream; dir and its parents are made (root, 0755) when they are missing.
func (m *Machine) Put(ctx context.Context, dir string, stream io.Reader) error {
	if err := m.d.engine.put(ctx, m.id, dir, stream); err != nil {
		return fmt.Errorf("put files into %s: %w", m.slot, err)
	}
	return nil
}

func (e *Engine) put(ctx context.Context, id, dir string, stream io.Reader) error {
	if !path.IsAbs(dir) {
		return fmt.Errorf("folder %q is not absolute", dir)
	}
	var err error
	if path.Clean(dir) != "/" { // which is there: an engine mounts all that a machine has for each question, where that does not run
		_, err = e.client.ContainerStatPath(ctx, id, client.ContainerStatPathOptions{Path: dir})
	}
	if gone(err) {
		folders := tarOf(folderHeaders(dir), nil)
		_, err = e.client.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: "/", Content: folders})
	}
	if err != nil {
		return fmt.Errorf("make folder %s: %w", dir, err)
	}
	// Who sends it takes 32 KiB at a time: what a loader writes at once is taken at once, so that it goes on while that is on its way.
	content := bufio.NewReaderSize(stream, inputPiece)
	_, err = e.client.CopyToContainer(ctx, id, client.CopyToContainerOptions{DestinationPath: dir, Content: content})
	return err
}

// folderHeaders are the tar entries of dir and its parents, outermost first.
func folderHeaders(dir string) []*tar.Header {
	var all []*tar.Header
	whole := ""
	for _, p := range strings.Split(strings.Trim(path.Clean(dir), "/"), "/") {
		whole += p + "/"
		all = append(all, &tar.Header{Typeflag: tar.TypeDir, Name: whole, Mode: 0o755})
	}
	return all
}

// tarOf makes a small archive in memory. contents are by header name.
func tarOf(headers []*tar.Header, contents map[string][]byte) io.Reader {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		h.Size = int64(len(contents[h.Name]))
		if err := w.WriteHeader(h); err != nil {
			return failed{err}
		}
		if _, err := w.Write(contents[h.Name]); err != nil {
			return failed{err}
		}
	}
	if err := w.Close(); err != nil {
		return failed{err}
	}
	return &b
}

// failed is a reader of an archive that could not be made.
type failed struct{ err error }

func (f failed) Read([]byte) (int, error) { return 0, f.err }

// Get implements instance.Machine. It follows symbolic links and refuses files
// above 64 MiB. It sees what is stored, so nothing below /proc or /sys.
func (m *Machine) Get(ctx context.Context, name string) ([]byte, error) {
	b, err := m.d.engine.get(ctx, m.id, name)
	if err != nil {
		return nil, fmt.Errorf("read %s of %s: %w", name, m.slot, err)
	}
	return b, nil
}

// Tail reads the last bytes of a file of any size, and how large it is; fs.ErrNotExist when there is none.
func (m *Machine) Tail(ctx context.Context, name string, most int) (end []byte, size int64, err error) {
	end, err = m.d.engine.follow(ctx, m.id, name, func(r io.Reader, h *tar.Header) ([]byte, error) {
		size = h.Size
		if _, err := io.CopyN(io.Discard, r, max(0, size-int64(most))); err != nil {
			return nil, err
		}
		return io.ReadAll(r)
	})
	if err != nil {
		return nil, 0, fmt.Errorf("read the end of %s of %s: %w", name, m.slot, err)
	}
	return end, size, nil
}

func (e *Engine) get(ctx context.Context, id, name string) ([]byte, error) {
	return e.follow(ctx, id, name, func(r io.Reader, h *tar.Header) ([]byte, error) {
		if h.Size > getLimit {
			return nil, fmt.Errorf("it is %d bytes long; at most %d are read", h.Size, getLimit)
		}
		return io.ReadAll(r)
	})
}

// reading takes what it wants of a file.
type reading func(r io.Reader, h *tar.Header) ([]byte, error)

// follow reads the file that symbolic links lead to.
func (e *Engine) follow(ctx context.Context, id, name string, read reading) ([]byte, error) {
	for range linkLimit {
		r, err := e.client.CopyFromContainer(ctx, id, client.CopyFromContainerOptions{SourcePath: name})
		if gone(err) {
			if i, ierr := e.client.ContainerInspect(ctx, id, client.ContainerInspectOptions{}); ierr != nil ||
				i.Container.ID == "" {
				return nil, err
			}
			return nil, fs.ErrNotExist
		}
		if err != nil {
			return nil, err
		}
		b, link, err := oneFile(r.Content, read)
		_ = r.Content.Close()
		if err != nil || link == "" {
			return b, err
		}
		if !path.IsAbs(link) {
			link = path.Join(path.Dir(name), link)
		}
		name = link
	}
	return nil, errors.New("too many symbolic links")
}

func oneFile(stream io.Reader, read reading) (content []byte, link string, err error) {
	t := tar.NewReader(stream)
	h, err := t.Next()
	if err != nil {
		return nil, "", err
	}
	switch h.Typeflag {
	case tar.TypeSymlink:
		return nil, h.Linkname, nil
	case tar.TypeReg:
		content, err = read(t, h)
		return content, "", err
	}
	return nil, "", errors.New("it is not a regular file")
}
