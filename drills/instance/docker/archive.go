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
// The image gets one tag that names the drill. An image that the engine
// had before is booted by its id and not tagged, so that nothing is removed
// with the drill; the archive is read to its end all the same. An image that
// only other drills hold gets a tag of this drill too, or it would go with them.
func (d *Driver) LoadImage(ctx context.Context, r instance.ImageArchive) (string, error) {
	hexID := strings.TrimPrefix(r.ID, "sha256:")
	if len(hexID) != 64 || hexID == r.ID {
		return "", fmt.Errorf("load image of %s: %q is no image id", r.Name, r.ID)
	}
	ref := d.imageName(r.Name) + ":" + hexID[:12]
	have, err := d.engine.client.ImageInspect(ctx, r.ID)
	if err == nil && have.ID == r.ID {
		shared, err := d.share(ctx, have.RepoTags, ref, r.ID)
		if err == nil {
			if _, err := io.Copy(io.Discard, r.Archive); err != nil {
				return "", fmt.Errorf("read image archive of %s: %w", r.Name, err)
			}
			return shared, nil
		}
		if !gone(err) { // the last drill that held it just ended: load it after all
			return "", fmt.Errorf("share image of %s: %w", r.Name, err)
		}
	}
	if err != nil && !gone(err) {
		return "", fmt.Errorf("look for image of %s: %w", r.Name, err)
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
	if got.ID != r.ID {
		return "", fmt.Errorf("load image of %s: the engine made %s of it instead of %s", r.Name, got.ID, r.ID)
	}
	return ref, nil
}

// share returns how to boot an image that the engine has already: by this
// drill's own tag where only drills hold it, by its id where it was there before all drills.
func (d *Driver) share(ctx context.Context, tags []string, ref, id string) (string, error) {
	if slices.Contains(tags, ref) {
		return ref, nil
	}
	others := func(t string) bool { return !strings.HasPrefix(t, imageRepository+"/") }
	if len(tags) == 0 || slices.ContainsFunc(tags, others) {
		return id, nil
	}
	if err := d.intendImage(ref, id); err != nil {
		return "", err
	}
	_, err := d.engine.client.ImageTag(ctx, client.ImageTagOptions{Source: id, Target: ref})
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
