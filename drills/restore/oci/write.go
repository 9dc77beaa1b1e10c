package oci

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"lifeboat/drills/store"
)

// errChanged says nothing about the backup that was verified: somebody writes where backups are kept.
var errChanged = errors.New("it changed while it was read (drill a restore point that is finished)")

// write makes an archive of docker save out of the second reading of a backup: the wanted
// image's parts and nothing else, without compression, under names that are their
// digests. Engines before version 25 take no other form. The list of contents comes
// last, and only once everything was read and verified again: without it an engine
// keeps nothing.
func (i *Imager) write(ctx context.Context, out io.Writer, stream store.Stream, img *image, digest string) error {
	u, err := i.unpack("the archive", fromStore{ctx, stream}, nil)
	if err != nil {
		return err
	}
	defer u.Close()
	w := &copier{imager: i, w: tar.NewWriter(out), outer: u}
	layers, done := map[string]*part{}, map[string]bool{}
	for _, l := range img.layers {
		layers[l.name] = l
	}
	err = each(u, func(h *tar.Header, name string, content io.Reader) error {
		switch {
		case h.Typeflag != tar.TypeReg:
			return nil
		case name == img.config.name && !done[name]:
			done[name] = true
			return w.copy(configName(img), img.config, content)
		case layers[name] != nil && !done[layerName(layers[name])]:
			done[layerName(layers[name])] = true
			return w.copy(layerName(layers[name]), layers[name], content)
		}
		return nil
	})
	if errors.As(err, new(*broken)) { // it was good before
		return fmt.Errorf("%w: %v", errChanged, err)
	}
	if err != nil {
		return err
	}
	if err := toEnd(stream); err != nil {
		return err
	}
	if got := stream.Digest(); got != digest {
		return fmt.Errorf("%w: %s at first, then %s", errChanged, digest, got)
	}
	e := entry{Config: configName(img), RepoTags: []string{}}
	for _, l := range img.layers {
		e.Layers = append(e.Layers, layerName(l))
	}
	text, err := json.Marshal([]entry{e})
	if err != nil {
		return err
	}
	if err := w.w.WriteHeader(header(saveList, int64(len(text)))); err != nil {
		return err
	}
	if _, err := w.w.Write(text); err != nil {
		return err
	}
	return w.w.Close()
}

// toEnd reads what a decompressor left: it belongs to the digest.
func toEnd(stream io.Reader) error {
	_, err := io.Copy(io.Discard, stream)
	return err
}

func configName(img *image) string { return strings.TrimPrefix(img.id, "sha256:") + ".json" }

func layerName(p *part) string { return strings.TrimPrefix(p.plainSum, "sha256:") + "/layer.tar" }

func header(name string, size int64) *tar.Header {
	return &tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: size}
}

// copier copies the parts of an image from one archive to another.
type copier struct {
	imager *Imager
	w      *tar.Writer
	outer  *unpacked
}

// copy writes a part without its compression, comparing it with what was verified.
func (c *copier) copy(name string, p *part, content io.Reader) error {
	u, err := c.imager.unpack(p.name, content, c.outer)
	if err != nil {
		return err
	}
	defer u.Close()
	if err := c.w.WriteHeader(header(name, p.plain)); err != nil {
		return err
	}
	sum := &counter{hash: sha256.New()}
	_, err = io.Copy(io.MultiWriter(c.w, sum), u)
	if errors.Is(err, tar.ErrWriteTooLong) || err == nil && sum.sum() != p.plainSum {
		return bad("%s changed while it was read", p.name)
	}
	return err
}
