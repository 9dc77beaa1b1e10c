package docker

import (
	"archive/tar"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
)

// shadow is a volume that went over into a machine of another image than the one with which it began: the engine copies
// what an image has in a folder into a volume that is new, and never again.
type shadow struct {
	instance, folder string
	image, began     string // ids: of the machine's image, and of the one whose content the volume began with
}

// begins enters the image with which a volume begins.
func (d *Driver) begins(volume, image string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.began[volume] = image
}

// shadows enters what kept data may hide from a machine.
func (d *Driver) shadows(r instance.Request, image string, kept map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for folder, volume := range kept {
		s := shadow{instance: r.Name, folder: folder, image: image, began: d.began[volume]}
		if _, known := d.hidden[s]; !known && s.began != s.image {
			d.hidden[s] = r.Generation
		}
	}
}

// Hidden implements instance.HiddenReporter. Of what an image has, and another one has alike, nothing is hidden.
func (d *Driver) Hidden(ctx context.Context) ([]instance.Hidden, error) {
	d.mu.Lock()
	first := maps.Clone(d.hidden)
	d.mu.Unlock()
	all := slices.SortedFunc(maps.Keys(first), func(a, b shadow) int {
		return cmp.Or(cmp.Compare(a.instance, b.instance), cmp.Compare(first[a], first[b]), cmp.Compare(a.folder, b.folder))
	})
	l := look{d: d, containers: map[string]*ownContainer{}}
	var found []instance.Hidden
	var errs []error
	for _, s := range all {
		files, err := l.hides(ctx, s)
		if err != nil {
			errs = append(errs, fmt.Errorf("look at what the image of %s has in %s: %w", s.instance, s.folder, err))
		}
		if len(files) > 0 {
			found = append(found, instance.Hidden{Instance: s.instance, Generation: first[s], Folder: s.folder, Files: files})
		}
	}
	return found, errors.Join(append(errs, l.end(ctx))...)
}

// look reads images by containers that are never started.
type look struct {
	d          *Driver
	containers map[string]*ownContainer // by the image's id
}

func (l *look) hides(ctx context.Context, s shadow) ([]string, error) {
	now, err := l.files(ctx, s.image, s.folder)
	if err != nil || len(now) == 0 {
		return nil, err
	}
	then, err := l.files(ctx, s.began, s.folder)
	if err != nil {
		return nil, err
	}
	maps.DeleteFunc(now, func(name, content string) bool { return then[name] == content })
	return slices.Sorted(maps.Keys(now)), nil
}

// files of an image in a folder: what tells each from another one, by its path within the folder.
func (l *look) files(ctx context.Context, image string, folder string) (map[string]string, error) {
	c, err := l.at(ctx, image)
	if err != nil {
		return nil, err
	}
	got, err := l.d.engine.client.CopyFromContainer(ctx, c.id, client.CopyFromContainerOptions{SourcePath: path.Clean(folder) + "/."})
	if gone(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer got.Content.Close()
	return filesOf(got.Content)
}

// filesOf an archive.
func filesOf(stream io.Reader) (map[string]string, error) {
	files := map[string]string{}
	for t := tar.NewReader(stream); ; {
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return files, nil
		case err != nil:
			return nil, err
		}
		name := path.Clean(h.Name)
		switch h.Typeflag {
		case tar.TypeDir:
		case tar.TypeReg:
			sum := sha256.New()
			if _, err := io.Copy(sum, t); err != nil {
				return nil, err
			}
			files[name] = hex.EncodeToString(sum.Sum(nil))
		default:
			files[name] = string(h.Typeflag) + h.Linkname
		}
	}
}

// at is the container in which an image is looked at: it has no mount of ours, and is never started.
func (l *look) at(ctx context.Context, image string) (*ownContainer, error) {
	if c := l.containers[image]; c != nil {
		return c, nil
	}
	c, err := l.d.createContainer(ctx, plan{name: l.d.name("look", fmt.Sprint(len(l.containers)+1)), image: image, role: roleLook,
		entrypoint: []string{"/never-started"}, host: container.HostConfig{NetworkMode: "none"}})
	if err != nil {
		return nil, err
	}
	l.containers[image] = c
	return c, nil
}

func (l *look) end(ctx context.Context) error {
	var errs []error
	for _, c := range l.containers {
		errs = append(errs, c.terminate(ctx))
	}
	return errors.Join(errs...)
}
