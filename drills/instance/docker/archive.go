package docker

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

	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
)

const (
	imageRepository = "lifeboat-drill" // then /drill/backup: loaded images cannot carry labels
	manifestLimit   = 8 << 20
)

// LoadImage implements instance.ImageLoader. The archive's own tags are not
// taken over: they are production's names, and could displace a local image.
// The image gets one tag that names the drill, also where the engine has it already: whoever else holds it, another
// drill or the host's owner, may let go of it at any time. Only one that was there without any tag is booted by its id,
// since it would be removed with the last of its tags. The archive is read to its end all the same.
func (d *Driver) LoadImage(ctx context.Context, r instance.ImageArchive) (string, error) {
	hexID := strings.TrimPrefix(r.ID, "sha256:")
	if len(hexID) != 64 || hexID == r.ID {
		return "", fmt.Errorf("load image of %s: %q is no image id", r.Name, r.ID)
	}
	ref := d.imageName(r.Name) + ":" + hexID[:12]
	have, err := d.hold(ctx, ref, r)
	if err != nil {
		return "", fmt.Errorf("look for image of %s: %w", r.Name, err)
	}
	if have != "" {
		if _, err := io.Copy(io.Discard, r.Archive); err != nil {
			return "", fmt.Errorf("read image archive of %s: %w", r.Name, err)
		}
		return have, nil
	}
	if err := d.intendImage(ref, r.ID); err != nil {
		return "", err
	}
	pr, pw := io.Pipe()
	defer pr.Close()
	go func() { pw.CloseWithError(retag(pw, r.Archive, ref, hexID)) }()
	if err := d.engine.load(ctx, pr); err != nil {
		return "", fmt.Errorf("load image of %s: %w", r.Name, err)
	}
	got, err := d.engine.client.ImageInspect(ctx, ref)
	if err != nil {
		return "", fmt.Errorf("look for the loaded image of %s: %w", r.Name, err)
	}
	if !isImage(got, r.ID, r.Layers) {
		return "", fmt.Errorf("load image of %s: the engine made %s of it instead of %s", r.Name, got.ID, r.ID)
	}
	return ref, nil
}

// isImage tells whether an engine's image is the one of a configuration. Its id is the configuration's digest, or
// (containerd's store) that of a manifest that the engine wrote itself: then the layers tell.
func isImage(got client.ImageInspectResult, id string, layers []string) bool {
	return got.ID == id || len(layers) > 0 && slices.Equal(got.RootFS.Layers, layers)
}

// hold takes this drill's own tag of an image that the engine has, and then looks what it got. It returns how to boot it,
// or "" where the archive has to be loaded.
func (d *Driver) hold(ctx context.Context, ref string, r instance.ImageArchive) (string, error) {
	if got, err := d.engine.client.ImageInspect(ctx, ref); err == nil && isImage(got, r.ID, r.Layers) {
		return ref, nil
	}
	have, err := d.engine.client.ImageInspect(ctx, r.ID)
	switch {
	case gone(err):
		return "", nil
	case err != nil:
		return "", err
	case !isImage(have, r.ID, nil): // the id of something else
		return "", nil
	case len(have.RepoTags) == 0:
		return r.ID, nil
	}
	if err := d.intendImage(ref, r.ID); err != nil {
		return "", err
	}
	_, err = d.engine.client.ImageTag(ctx, client.ImageTagOptions{Source: r.ID, Target: ref})
	if gone(err) { // the last that held it just let go
		return "", nil
	}
	return ref, err
}

func (d *Driver) imageName(backup string) string {
	return imageRepository + "/" + strings.ToLower(d.site.Scope.Drill+"/"+backup)
}

type manifestEntry struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// retag copies a docker-save archive, keeping of its manifest only the wanted image, under one tag.
func retag(w io.Writer, archive io.Reader, ref, hexID string) error {
	in, out := tar.NewReader(archive), tar.NewWriter(w)
	found := false
	for {
		h, err := in.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		var content io.Reader = in
		switch strings.TrimPrefix(h.Name, "./") {
		case "repositories": // the tags in their oldest form
			continue
		case "manifest.json":
			b, err := oneManifest(in, ref, hexID)
			if err != nil {
				return err
			}
			h.Size, content, found = int64(len(b)), bytes.NewReader(b), true
		}
		if err := out.WriteHeader(h); err != nil {
			return err
		}
		if _, err := io.Copy(out, content); err != nil {
			return err
		}
	}
	if !found {
		return errors.New("the archive has no manifest.json")
	}
	// What follows the archive's end belongs to its digest.
	if _, err := io.Copy(io.Discard, archive); err != nil {
		return err
	}
	return out.Close()
}

func oneManifest(r io.Reader, ref, hexID string) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, manifestLimit))
	if err != nil {
		return nil, err
	}
	var all []manifestEntry
	if err := json.Unmarshal(b, &all); err != nil {
		return nil, fmt.Errorf("read manifest.json: %w", err)
	}
	for _, m := range all {
		if strings.Contains(m.Config, hexID) {
			m.RepoTags = []string{ref}
			return json.Marshal([]manifestEntry{m})
		}
	}
	return nil, fmt.Errorf("manifest.json does not name the image %.12s", hexID)
}
