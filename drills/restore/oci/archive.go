package oci

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"

	"lifeboat/internal/tarend"
)

// Limits of what is kept of an archive while it is read.
const (
	maxText  = 16 << 20 // bytes of one JSON file
	maxTexts = 64 << 20 // bytes of all
	maxFiles = 20_000   // docker save writes three for each layer
	maxName  = 4096     // bytes
)

// part is one file of an archive.
type part struct {
	name     string
	size     int64
	digest   string // sha256:… of its bytes
	plain    int64  // size without compression
	plainSum string // digest without compression: of a layer, its diff id
	text     []byte // of a small file that may be JSON
	wrong    string // with it as a layer; "": nothing
	holds    *files // as a layer; nil: it is none
}

// same tells whether an archive may hold both under one name: some writers repeat a
// layer that several images share.
func (p *part) same(o *part) bool { return p.size == o.size && p.digest == o.digest }

// archive is all that was found in one.
type archive struct {
	parts map[string]*part
	links map[string]string // docker save writes a layer once and links to it
	texts int
	outer *unpacked
	room  int // for files of layers, of mostNodes
}

// read reads an archive to its end.
func (i *Imager) read(ctx context.Context, stream io.Reader) (*archive, error) {
	u, err := i.unpack("the archive", fromStore{ctx, stream}, nil)
	if err != nil {
		return nil, err
	}
	defer u.Close()
	a := &archive{parts: map[string]*part{}, links: map[string]string{}, outer: u, room: mostNodes}
	err = each(u, func(h *tar.Header, name string, content io.Reader) error {
		return a.add(i, h, name, content)
	})
	if err == nil && len(a.parts) == 0 {
		err = bad("it is empty")
	}
	return a, err
}

// each calls do for every entry of a tar that matters, with its name made plain, and reads
// the tar to its very end. A name that leaves the archive is damage.
func each(u *unpacked, do func(h *tar.Header, name string, content io.Reader) error) error {
	in := tarend.New(u)
	tr := tar.NewReader(in)
	files := 0
	for {
		h, err := tr.Next()
		if err == io.EOF {
			return ended(in)
		}
		if err != nil {
			return tarError(err, files)
		}
		if files++; files > maxFiles {
			return bad("it holds more than %d files", maxFiles)
		}
		if err := entryOf(h, tr, do); err != nil {
			return tarError(err, files)
		}
		if _, err := io.Copy(io.Discard, tr); err != nil {
			return tarError(err, files)
		}
		in.Mark()
	}
}

// ended reads what follows the last entry.
func ended(in *tarend.Reader) error {
	wrong, _, err := in.Finish()
	if err == nil && wrong != "" {
		err = bad("%s", wrong)
	}
	return err
}

func entryOf(h *tar.Header, content io.Reader, do func(h *tar.Header, name string, content io.Reader) error) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name, err := plainName(h.Name)
	if err != nil || h.Typeflag == tar.TypeDir {
		return err
	}
	// A sparse file may claim any size at no cost.
	sparse := h.Typeflag == tar.TypeGNUSparse
	for key := range h.PAXRecords {
		sparse = sparse || strings.HasPrefix(key, "GNU.sparse.")
	}
	if sparse {
		return fmt.Errorf("its file %s is sparse, which is not supported (pack it without --sparse)", name)
	}
	return do(h, name, content)
}

func plainName(name string) (string, error) {
	if len(name) > maxName {
		return "", bad("it holds a name of %d bytes", len(name))
	}
	clean := path.Clean(name)
	if path.IsAbs(name) || clean == ".." || strings.HasPrefix(clean, "../") || strings.ContainsAny(name, "\x00\\") ||
		strings.Contains("/"+name+"/", "/../") {
		return "", bad("it holds the name %q, which leads out of it", name)
	}
	return clean, nil
}

func tarError(err error, files int) error {
	switch {
	case errors.As(err, new(*sourceError)): // whatever it says: it is the store's, not the archive's
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return bad("it is cut off after %d files", files)
	case errors.Is(err, tar.ErrHeader) && files == 0:
		return bad("it is not an image archive")
	case errors.Is(err, tar.ErrHeader), errors.Is(err, tar.ErrFieldTooLong):
		return bad("its tar is damaged after %d files", files)
	}
	return err
}

func (a *archive) add(i *Imager, h *tar.Header, name string, content io.Reader) error {
	switch h.Typeflag {
	case tar.TypeReg:
	case tar.TypeSymlink:
		target := path.Join(path.Dir(name), h.Linkname)
		if _, err := plainName(target); err != nil || path.IsAbs(h.Linkname) {
			return bad("its link %s leads out of it", name)
		}
		if old, ok := a.links[name]; a.parts[name] != nil || ok && old != target {
			return bad("%s is there twice, and differs", name)
		}
		a.links[name] = target
		return nil
	default:
		return bad("%s of it is neither a file nor a folder", name)
	}
	p, err := i.measure(name, content, a)
	if err != nil {
		return err
	}
	if p.size != h.Size {
		return bad("%s has %d bytes, its header says %d", name, p.size, h.Size)
	}
	if old, linked := a.parts[name], a.links[name] != ""; old != nil || linked {
		if linked || !old.same(p) {
			return bad("%s is there twice, and differs", name)
		}
		return nil
	}
	if a.texts+len(p.text) > maxTexts {
		p.text = nil // it matters only if it is a description: decode says so then
	}
	a.texts += len(p.text)
	a.parts[name] = p
	return nil
}

// measure takes the digests of one file, with and without its compression, in one pass.
func (i *Imager) measure(name string, content io.Reader, a *archive) (*part, error) {
	raw := &counter{hash: sha256.New()}
	in := io.TeeReader(content, raw)
	u, err := i.unpack(name, in, a.outer)
	if err != nil {
		return nil, err
	}
	defer u.Close()
	p := &part{name: name}
	if u.name == "" {
		if head, _ := u.in.Peek(1); bytes.ContainsAny(head, "{[") {
			text, err := io.ReadAll(io.LimitReader(u, maxText+1))
			if err != nil {
				return nil, err
			}
			if len(text) <= maxText {
				p.text = text
			}
		}
		wrong := "it is no tar"
		if p.text == nil {
			if wrong, p.holds, err = outside(u, &a.room); err != nil {
				return nil, err
			}
		}
		if _, err := io.Copy(io.Discard, u); err != nil {
			return nil, err
		}
		p.wrong = wrong
		p.size, p.digest = raw.n, raw.sum()
		p.plain, p.plainSum = p.size, p.digest
		return p, nil
	}
	plain := &counter{hash: sha256.New()}
	if p.wrong, p.holds, err = outside(io.TeeReader(u, plain), &a.room); err != nil {
		return nil, err
	}
	if _, err := io.Copy(io.Discard, u.in); err != nil {
		return nil, err
	}
	p.size, p.digest, p.plain, p.plainSum = raw.n, raw.sum(), plain.n, plain.sum()
	return p, nil
}

// counter measures what is written to it.
type counter struct {
	hash hash.Hash
	n    int64
}

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return c.hash.Write(p)
}

func (c *counter) sum() string { return "sha256:" + hex.EncodeToString(c.hash.Sum(nil)) }

// find gives a part by its name, over links as well.
func (a *archive) find(name string) (*part, error) {
	clean, err := plainName(name)
	if err != nil {
		return nil, err
	}
	const most = 10
	for range most {
		if p, ok := a.parts[clean]; ok {
			return p, nil
		}
		next, ok := a.links[clean]
		if !ok {
			return nil, bad("%s is missing", name)
		}
		clean = next
	}
	return nil, bad("the links at %s lead nowhere", name)
}
