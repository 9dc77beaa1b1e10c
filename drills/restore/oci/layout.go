package oci

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// descriptor points to a blob of a layout.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations"`
	Platform    *struct {
		OS           string `json:"os"`
		Architecture string `json:"architecture"`
	} `json:"platform"`
}

// list is an index or a manifest: what is there tells which.
type list struct {
	Manifests []descriptor `json:"manifests"`
	Config    *descriptor  `json:"config"`
	Layers    []descriptor `json:"layers"`
}

// Annotations that name an image: of the specification, and of containerd.
const (
	refName  = "org.opencontainers.image.ref.name"
	fullRef  = "io.containerd.image.name"
	maxDepth = 4 // of indexes within indexes
)

func (d descriptor) names() []string {
	return []string{d.Annotations[fullRef], d.Annotations[refName], d.Digest}
}

// layout finds the image in an OCI layout.
func (i *Imager) layout(a *archive, index *part) (*image, error) {
	if err := a.version(); err != nil {
		return nil, err
	}
	var top list
	if err := index.decode(&top); err != nil {
		return nil, err
	}
	var wanted []descriptor
	var names []string
	for _, d := range top.Manifests {
		if d.attestation() {
			continue
		}
		names = append(names, d.names()[:2]...)
		same := func(w descriptor) bool { return w.Digest == d.Digest }
		if i.wants(d.names()) && !slices.ContainsFunc(wanted, same) {
			wanted = append(wanted, d)
		}
	}
	// One index.json may list the same image for several platforms.
	if fitting := i.fitting(wanted); len(wanted) > 1 && len(fitting) > 0 {
		wanted = fitting
	} else if len(wanted) > 1 && !slices.ContainsFunc(wanted, func(d descriptor) bool { return d.Platform == nil }) {
		return nil, i.misfit(platforms(wanted))
	}
	if err := i.only(len(wanted), len(top.Manifests), names); err != nil {
		return nil, err
	}
	return i.follow(a, wanted[0], 0)
}

func (a *archive) version() error {
	mark, err := a.find(layoutMark)
	if err != nil {
		return err
	}
	var v struct {
		Version string `json:"imageLayoutVersion"`
	}
	if err := mark.decode(&v); err != nil {
		return err
	}
	if !strings.HasPrefix(v.Version, "1.") {
		return fmt.Errorf("its layout has version %q, known is 1.0.0", v.Version)
	}
	return nil
}

// attestation: build tools keep notes beside images as if they were images.
func (d descriptor) attestation() bool {
	return d.Platform != nil && d.Platform.OS == "unknown" || d.Annotations["vnd.docker.reference.type"] != ""
}

// fitting are the descriptors for the wanted platform.
func (i *Imager) fitting(all []descriptor) []descriptor {
	var fit []descriptor
	for _, d := range all {
		if d.Platform != nil && d.Platform.OS == i.os && d.Platform.Architecture == i.arch {
			fit = append(fit, d)
		}
	}
	return fit
}

// blob finds what a descriptor points to and compares size and digest.
func (a *archive) blob(d descriptor) (*part, error) {
	hex, ok := strings.CutPrefix(d.Digest, "sha256:")
	if !ok {
		return nil, fmt.Errorf("its blob %s cannot be verified: only sha256 can", d.Digest)
	}
	p, err := a.find("blobs/sha256/" + hex)
	if err != nil {
		return nil, err
	}
	if p.digest != d.Digest {
		return nil, bad("%s is promised %s and is %s", p.name, d.Digest, p.digest)
	}
	if p.size != d.Size {
		return nil, bad("%s is promised %d bytes and has %d", p.name, d.Size, p.size)
	}
	return p, nil
}

// follow goes from a descriptor to its image.
func (i *Imager) follow(a *archive, d descriptor, depth int) (*image, error) {
	p, err := a.blob(d)
	if err != nil {
		return nil, err
	}
	var l list
	if err := p.decode(&l); err != nil {
		return nil, err
	}
	if l.Config == nil {
		fit := i.fitting(l.Manifests)
		switch {
		case depth == maxDepth:
			return nil, bad("its indexes lie within each other without end")
		case len(l.Manifests) == 0:
			return nil, bad("%s is neither an index nor a manifest", p.name)
		case len(fit) == 0 && len(l.Manifests) > 1:
			return nil, i.misfit(platforms(l.Manifests))
		case len(fit) == 0:
			fit = l.Manifests
		}
		return i.follow(a, fit[0], depth+1)
	}
	config, err := a.blob(*l.Config)
	if err != nil {
		return nil, within("the image's configuration", err)
	}
	img := &image{id: config.digest, config: config}
	for _, layer := range l.Layers {
		p, err := a.blob(layer)
		if err != nil {
			return nil, within("a layer of the image", err)
		}
		img.layers = append(img.layers, p)
	}
	if err := img.check(); err != nil {
		return nil, err
	}
	return img, i.fits(img)
}

// outside reads content as a layer's tar and says what is wrong with it as one: a name that leads out of the
// image, a hard link to something outside, a tar that breaks off. An engine may take the first for granted, and
// fails on the others in words of its own. What is no tar at all is for the list of layers to say.
// It reads content to its end, and returns its errors. What the layer holds is remembered as long as there is room.
func outside(content io.Reader, room *int) (wrong string, holds *files, err error) {
	in := &ending{r: content}
	holds = newFiles()
	wrong = faults(in, holds, room)
	if in.err == nil {
		_, in.err = io.Copy(io.Discard, content)
	}
	return wrong, holds, in.err
}

func faults(in *ending, holds *files, room *int) string {
	tr := tar.NewReader(in)
	for n := 0; ; n++ {
		h, err := tr.Next()
		switch {
		case in.err != nil, errors.Is(err, io.EOF):
			return ""
		case err != nil && n == 0:
			return "it is no tar"
		case err != nil:
			return fmt.Sprintf("its tar is damaged: %s", err)
		case leaves(h.Name):
			return fmt.Sprintf("it holds the name %s, which leads out of the image", quote(h.Name))
		case h.Typeflag == tar.TypeLink && leaves(h.Linkname):
			return fmt.Sprintf("it holds a hard link to %s, which leads out of the image", quote(h.Linkname))
		}
		holds.add(h, tr, room)
	}
}

// leaves tells whether a name, seen from the image's root, leads above it.
func leaves(name string) bool {
	if len(name) > maxName || strings.ContainsRune(name, 0) {
		return true
	}
	clean := path.Clean(strings.TrimLeft(name, "/"))
	return clean == ".." || strings.HasPrefix(clean, "../")
}

func quote(name string) string {
	const most = 200
	if len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "…"
	}
	return `"` + name + `"`
}

// ending remembers the error of the content itself, but for its end.
type ending struct {
	r   io.Reader
	err error
}

func (e *ending) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err != nil && err != io.EOF {
		e.err = err
	}
	return n, err
}
