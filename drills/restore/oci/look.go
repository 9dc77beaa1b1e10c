package oci

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/filekind"
	"lifeboat/internal/filekind/unpack"
)

// Look tells from the beginning of a backup whether it can be an image archive, and of one that lies where it can be read
// at any place, for which platform its image is.
func (i *Imager) Look(ctx context.Context, s restore.Source) error {
	head, err := start(ctx, s)
	if err != nil {
		return err
	}
	found := filekind.Of(head)
	packed := unpack.Can(found.Kind)
	if packed {
		found = inside(found.Kind, head)
	}
	if found.Name != "" && !found.In("oci", "tar") {
		return &restore.KindError{Backup: s.Backup, Found: found}
	}
	if s.OpenAt == nil || packed || found.Name == "" {
		return nil
	}
	if err := i.lookInside(ctx, s); err != nil {
		return classify(s.Backup, err)
	}
	return nil
}

// start is the beginning of a backup.
func start(ctx context.Context, s restore.Source) ([]byte, error) {
	stream, err := s.Open(ctx)
	if err != nil {
		return nil, fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	defer stream.Close()
	head := make([]byte, filekind.Enough)
	n, err := io.ReadFull(stream, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("restore %s: %w", s.Backup, err)
	}
	return head[:n], nil
}

// inside is what is known of a compressed file by the bytes that come out of its beginning; nothing where none do.
func inside(kind filekind.Kind, head []byte) filekind.Found {
	r, err := unpack.Open(kind, bytes.NewReader(head))
	if err != nil {
		return filekind.Found{} // what is wrong with it is found when all of it is read
	}
	defer r.Close()
	inner := make([]byte, filekind.Enough)
	n, _ := io.ReadFull(r, inner)
	if n == 0 {
		return filekind.Found{}
	}
	return filekind.Of(inner[:n])
}

// lookInside tells for which platform the image of an archive of docker save is. What is not found there, or is wrong, is
// left to the restore.
func (i *Imager) lookInside(ctx context.Context, s restore.Source) error {
	c, err := i.describe(ctx, s)
	if err != nil || c == nil || c.OS == "" || c.Architecture == "" {
		return err
	}
	return i.fits(&image{os: c.OS, arch: c.Architecture})
}

// Env is what the image of an archive of docker save sets.
func (i *Imager) Env(ctx context.Context, s restore.Source) (map[string]string, error) {
	if s.OpenAt == nil {
		return nil, nil
	}
	c, err := i.describe(ctx, s)
	if err != nil || c == nil {
		return nil, err
	}
	env := map[string]string{}
	for _, pair := range c.Config.Env {
		key, value, _ := strings.Cut(pair, "=")
		env[key] = value
	}
	return env, nil
}

// describe reads the wanted image's configuration in an archive of docker save by way of its list, which is its last
// part, without reading its layers; nil: it cannot be told.
func (i *Imager) describe(ctx context.Context, s restore.Source) (*configuration, error) {
	r, err := s.OpenAt(ctx)
	if err != nil {
		return nil, nil
	}
	defer r.Close()
	texts := descriptions(ctx, r)
	var entries []entry
	if json.Unmarshal(texts[saveList], &entries) != nil || len(entries) == 0 {
		return nil, nil
	}
	var wanted, names []string // names of configurations
	for _, e := range entries {
		names = append(append(names, e.RepoTags...), e.Config)
		name, err := plainName(e.Config)
		if err != nil || idOf(e.Config) == "" && (i.tag != "" || len(entries) > 1) { // its id is not known before it is read
			return nil, nil
		}
		if i.wants(append(slices.Clone(e.RepoTags), idOf(e.Config))) && !slices.Contains(wanted, name) {
			wanted = append(wanted, name)
		}
	}
	if err := i.only(len(wanted), len(entries), names); err != nil {
		return nil, err
	}
	var c configuration
	if json.Unmarshal(texts[wanted[0]], &c) != nil {
		return nil, nil
	}
	return &c, nil
}

// descriptions are the files of an archive that may be descriptions, by their names. The others are skipped, not read.
func descriptions(ctx context.Context, r store.Random) map[string][]byte {
	const most = 1 << 20 // bytes; a configuration has a few KiB
	texts := map[string][]byte{}
	kept := 0
	tr := tar.NewReader(io.NewSectionReader(r, 0, r.Size())) // which seeks over what is not read
	for range maxFiles {
		h, err := tr.Next()
		if err != nil || ctx.Err() != nil {
			break
		}
		name, err := plainName(h.Name)
		if err != nil || h.Typeflag != tar.TypeReg || h.Size > most || kept > maxTexts || strings.HasSuffix(name, ".tar") {
			continue
		}
		text, err := io.ReadAll(tr)
		if err != nil {
			break
		}
		texts[name] = text
		kept += len(text)
	}
	return texts
}

var _ restore.Reader = (*Imager)(nil)

// Read verifies an archive to its end, and that the image is in it that is to be booted.
func (i *Imager) Read(ctx context.Context, s restore.Source) (restore.Outcome, error) {
	archive, digest, err := i.verify(ctx, s)
	if err == nil {
		_, err = i.choose(archive)
	}
	if err != nil {
		return restore.Outcome{}, classify(s.Backup, err)
	}
	return restore.Outcome{Digest: digest, Bytes: s.Point.Size}, nil
}
