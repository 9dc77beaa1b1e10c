package oci

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
)

// image is one of an archive whose parts are all there and right.
type image struct {
	id     string // sha256:… of its configuration
	config *part
	layers []*part
	os     string
	arch   string
	notes  []string
	says   configuration
}

// entry is one image in a manifest.json.
type entry struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// configuration is what matters here of an image's configuration.
type configuration struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Config       struct {
		Volumes, ExposedPorts map[string]struct{}
		Env, Entrypoint, Cmd  []string
		WorkingDir, User      string
	} `json:"config"`
	History []struct {
		CreatedBy  string `json:"created_by"`
		EmptyLayer bool   `json:"empty_layer"`
	} `json:"history"`
	RootFS struct {
		Type    string   `json:"type"`
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
}

const (
	saveList   = "manifest.json"
	layoutList = "index.json"
	layoutMark = "oci-layout"
)

// choose finds the wanted image and verifies it.
func (i *Imager) choose(a *archive) (*image, error) {
	if err := a.blobs(); err != nil {
		return nil, err
	}
	if p, ok := a.parts[saveList]; ok {
		return i.saved(a, p)
	}
	if p, ok := a.parts[layoutList]; ok {
		return i.layout(a, p)
	}
	return nil, bad("it has neither %s (docker save) nor %s (OCI layout): it is cut off, or no image archive",
		saveList, layoutList)
}

var blobName = regexp.MustCompile(`^blobs/sha256/([0-9a-f]{64})$`)

// blobs checks that every file that is named by its digest has it, wanted or not.
func (a *archive) blobs() error {
	for name, p := range a.parts {
		if m := blobName.FindStringSubmatch(name); m != nil && p.digest != "sha256:"+m[1] {
			return bad("%s has another digest than its name: %s", name, p.digest)
		}
	}
	return nil
}

func (p *part) decode(into any) error {
	if p.text == nil {
		return bad("%s is not JSON of a sensible size", p.name)
	}
	if err := json.Unmarshal(p.text, into); err != nil {
		return bad("%s cannot be read: %v", p.name, err)
	}
	return nil
}

// saved finds the image in an archive of docker save. All images of it are verified,
// wanted or not: what is damaged beside it was damaged in the same place.
func (i *Imager) saved(a *archive, list *part) (*image, error) {
	var entries []entry
	if err := list.decode(&entries); err != nil {
		return nil, err
	}
	var wanted []*image
	var names []string
	for _, e := range entries {
		img, err := a.image(e)
		if err != nil {
			return nil, err
		}
		names = append(append(names, e.RepoTags...), e.Config)
		same := func(w *image) bool { return w.id == img.id }
		if i.wants(append(slices.Clone(e.RepoTags), img.id)) && !slices.ContainsFunc(wanted, same) {
			wanted = append(wanted, img)
		}
	}
	if err := i.only(len(wanted), len(entries), names); err != nil {
		return nil, err
	}
	return wanted[0], i.fits(wanted[0])
}

// image verifies one image of docker save.
func (a *archive) image(e entry) (*image, error) {
	config, err := a.find(e.Config)
	if err != nil {
		return nil, within("the image's configuration", err)
	}
	id := idOf(e.Config)
	if id != "" && id != config.digest {
		return nil, bad("the configuration %s has another digest than its name: %s", e.Config, config.digest)
	}
	img := &image{id: config.digest, config: config}
	if id == "" {
		img.notes = append(img.notes, "the archive does not say its configuration's digest: only a manifest beside "+
			"the backup can tell whether it was changed")
	}
	for _, name := range e.Layers {
		layer, err := a.find(name)
		if err != nil {
			return nil, within("a layer of the image", err)
		}
		img.layers = append(img.layers, layer)
	}
	return img, img.check()
}

var digestInName = regexp.MustCompile(`[0-9a-f]{64}`)

// idOf is the image id that the name of a configuration tells; "" when it tells none.
func idOf(config string) string {
	if hex := digestInName.FindString(path.Base(config)); hex != "" {
		return "sha256:" + hex
	}
	return ""
}

// wants tells whether one of an image's names is the one that the scenario asks for.
func (i *Imager) wants(names []string) bool {
	return i.tag == "" || slices.ContainsFunc(names, func(n string) bool { return n != "" && sameName(n, i.tag) })
}

// sameName compares two names of an image as the engine would complete them.
func sameName(a, b string) bool {
	if strings.HasPrefix(a, "sha256:") {
		b = strings.TrimPrefix(b, "sha256:")
		const enough = 12
		return len(b) >= enough && strings.HasPrefix(a, "sha256:"+b)
	}
	return fullName(a) == fullName(b)
}

func fullName(name string) string {
	if at := strings.LastIndex(name, ":"); at < 0 || strings.Contains(name[at:], "/") {
		name += ":latest"
	}
	first, _, slash := strings.Cut(name, "/")
	switch {
	case !slash:
		return "docker.io/library/" + name
	case strings.ContainsAny(first, ".:") || first == "localhost":
		return name
	}
	return "docker.io/" + name
}

// only makes sure that exactly one image is meant.
func (i *Imager) only(wanted, all int, names []string) error {
	there := strings.Join(slices.DeleteFunc(names, func(n string) bool { return n == "" }), ", ")
	switch {
	case all == 0:
		return bad("it holds no image")
	case wanted == 0:
		return lacksTag("it does not hold the image %s (it holds %s)", i.tag, there)
	case wanted > 1:
		return lacksTag("it holds %d images (add tag: with one of %s)", wanted, there)
	}
	return nil
}

// lacksTag is the error of an archive in which nobody knows which image is meant: any of them may be good.
func lacksTag(format string, args ...any) error {
	return &restore.LackError{Lack: record.LackTag, What: fmt.Sprintf(format, args...)}
}

// check compares an image's layers with its configuration.
func (img *image) check() error {
	var c configuration
	if err := img.config.decode(&c); err != nil {
		return err
	}
	if c.RootFS.Type != "layers" || len(c.RootFS.DiffIDs) == 0 {
		return bad("its configuration names no layers: it is no image, or an empty one")
	}
	if len(c.RootFS.DiffIDs) != len(img.layers) {
		return bad("its configuration names %d layers, it holds %d", len(c.RootFS.DiffIDs), len(img.layers))
	}
	for n, want := range c.RootFS.DiffIDs {
		if got := img.layers[n].plainSum; got != want {
			return bad("layer %d, %s, is %s, its configuration promises %s", n+1, img.layers[n].name, got, want)
		}
		if wrong := img.layers[n].wrong; wrong != "" {
			return bad("layer %d, %s, is damaged or hostile: %s", n+1, img.layers[n].name, wrong)
		}
	}
	img.os, img.arch, img.says = c.OS, c.Architecture, c
	if folders := slices.Sorted(maps.Keys(c.Config.Volumes)); len(folders) > 0 {
		img.notes = append(img.notes, fmt.Sprintf(
			"the image declares volumes, and holds nothing that was written to them: %s", strings.Join(folders, ", ")))
	}
	return nil
}

// plain are the digests of the layers without compression, lowest first.
func (img *image) plain() (sums []string) {
	for _, l := range img.layers {
		sums = append(sums, l.plainSum)
	}
	return sums
}

// fits compares what the image was built for with what is wanted.
func (i *Imager) fits(img *image) error {
	if img.os != i.os || img.arch != i.arch {
		return i.misfit(img.os + "/" + img.arch)
	}
	return nil
}

// misfit is the error of an image that is built for another platform: it may be as good as any.
func (i *Imager) misfit(has string) error {
	return &restore.MisfitError{What: restore.MisfitPlatform, Has: has, Wants: i.os + "/" + i.arch}
}

// platforms of what an index names, as text.
func platforms(all []descriptor) string {
	var names []string
	for _, d := range all {
		if d.Platform != nil && !slices.Contains(names, d.Platform.OS+"/"+d.Platform.Architecture) {
			names = append(names, d.Platform.OS+"/"+d.Platform.Architecture)
		}
	}
	return strings.Join(names, ", ")
}
