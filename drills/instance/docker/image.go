package docker

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"lifeboat/drills/instance"
)

const (
	programInside     = "/lifeboat-sandbox" // the only file of a sandbox
	sandboxRepository = "lifeboat/sandbox"
)

// sandboxImage is the image that holds the program of sandboxes and nothing else.
func (d *Driver) sandboxImage(ctx context.Context) (string, error) {
	return d.image(sandboxRepository, func() (string, error) {
		return d.engine.tool(ctx, sandboxRepository, programInside, io.NewSectionReader(d.site.Program, 0, d.site.Program.Size()))
	})
}

// programImage is the image of one static executable of this host.
func (d *Driver) programImage(ctx context.Context, executable string) (string, error) {
	return d.image(executable, func() (string, error) {
		f, err := os.Open(executable)
		if err != nil {
			return "", err
		}
		defer f.Close()
		return d.engine.tool(ctx, programRepository, programPath, f)
	})
}

// image makes an image the first time that it is wanted.
func (d *Driver) image(of string, build func() (string, error)) (string, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if ref := d.tools[of]; ref != "" {
		return ref, nil
	}
	ref, err := build()
	if err != nil {
		return "", fmt.Errorf("make the image of %s: %w", of, err)
	}
	d.tools[of] = ref
	return ref, nil
}

// tool returns an image of one static executable. Such images are kept
// between drills and belong to none: their content follows from the executable
// alone, so two drills that make one at once make the same.
func (e *Engine) tool(ctx context.Context, repository, inside string, f io.ReadSeeker) (string, error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return "", err
	}
	head := &tar.Header{Name: strings.TrimPrefix(inside, "/"), Mode: 0o755, Size: size, Format: tar.FormatUSTAR}
	layer, tail, err := framing(head)
	if err != nil {
		return "", err
	}
	whole := func() (io.Reader, error) {
		_, err := f.Seek(0, io.SeekStart)
		return io.MultiReader(bytes.NewReader(layer), f, bytes.NewReader(tail)), err
	}
	diff, bin := sha256.New(), sha256.New()
	r, err := whole()
	if err != nil {
		return "", err
	}
	if _, err := io.Copy(diff, r); err != nil {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	if _, err := io.Copy(bin, f); err != nil {
		return "", err
	}
	ref := repository + ":" + hex.EncodeToString(bin.Sum(nil))[:12]
	layers := []string{"sha256:" + hex.EncodeToString(diff.Sum(nil))}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "created": "1970-01-01T00:00:00Z",
		"config": map[string]any{"Entrypoint": []string{inside}},
		"rootfs": map[string]any{"type": "layers", "diff_ids": layers},
	})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(config)
	id := hex.EncodeToString(sum[:])
	if have, err := e.client.ImageInspect(ctx, ref); err == nil && isImage(have, "sha256:"+id, layers) {
		return ref, e.used(ctx, ref)
	}
	if r, err = whole(); err != nil {
		return "", err
	}
	if err := e.loadTool(ctx, ref, id, config, r, int64(len(layer)+len(tail))+size); err != nil {
		return "", err
	}
	if err := e.used(ctx, ref); err != nil {
		return "", err
	}
	return ref, e.forgetTools(ctx, repository, time.Now().Add(-toolUnused))
}

// toolUnused is how long the image of another build of an executable stays on the engine after its last use.
const toolUnused = 30 * 24 * time.Hour

// used has the engine note when an image was used: to tag it anew sets its time.
func (e *Engine) used(ctx context.Context, ref string) error {
	_, err := e.client.ImageTag(ctx, client.ImageTagOptions{Source: ref, Target: ref})
	return err
}

// forgetTools removes a repository's images that were last used before a moment, but for those that containers hold. Podman
// does not say when that was: there they stay.
func (e *Engine) forgetTools(ctx context.Context, repository string, before time.Time) error {
	list, err := e.client.ImageList(ctx, client.ImageListOptions{Filters: make(client.Filters).Add("reference", repository)})
	if err != nil {
		return fmt.Errorf("look for earlier images: %w", err)
	}
	for _, image := range list.Items {
		for _, ref := range image.RepoTags {
			have, err := e.client.ImageInspect(ctx, ref)
			if err != nil || have.Metadata.LastTagTime.IsZero() || have.Metadata.LastTagTime.After(before) {
				continue
			}
			if _, err := e.client.ImageRemove(ctx, ref, client.ImageRemoveOptions{}); err != nil {
				e.log.Debug("keep an earlier image", "image", ref, "why", err)
			}
		}
	}
	return nil
}

// framing is what a tar archive with one file has before and after its content.
func framing(h *tar.Header) (before, after []byte, err error) {
	var b bytes.Buffer
	if err := tar.NewWriter(&b).WriteHeader(h); err != nil {
		return nil, nil, err
	}
	const block = 512
	return b.Bytes(), make([]byte, (block-h.Size%block)%block+2*block), nil
}

func (e *Engine) loadTool(ctx context.Context, ref, id string, config []byte, layer io.Reader, size int64) error {
	manifest, err := json.Marshal([]map[string]any{{"Config": id + ".json", "RepoTags": []string{ref},
		"Layers": []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	r, w := io.Pipe()
	defer r.Close()
	go func() {
		t := tar.NewWriter(w)
		err := writeFile(t, id+".json", int64(len(config)), bytes.NewReader(config))
		if err == nil {
			err = writeFile(t, "layer.tar", size, layer)
		}
		if err == nil {
			err = writeFile(t, "manifest.json", int64(len(manifest)), bytes.NewReader(manifest))
		}
		if err == nil {
			err = t.Close()
		}
		w.CloseWithError(err)
	}()
	return e.load(ctx, r)
}

func writeFile(t *tar.Writer, name string, size int64, content io.Reader) error {
	if err := t.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size}); err != nil {
		return err
	}
	_, err := io.Copy(t, content)
	return err
}

// enginesOwn are words (of errno, in Go's runtime) for what an engine lacks, whatever the archive.
var enginesOwn = []string{"no space left", "disk quota", "read-only file system", "input/output error",
	"cannot allocate memory", "permission denied", "operation not permitted", "device or resource busy",
	"too many open files", "connection", "context canceled", "deadline exceeded"}

// refusal tells an engine that finds fault with an archive from one that cannot.
func refusal(words string) error {
	for _, w := range enginesOwn {
		if strings.Contains(words, w) {
			return fmt.Errorf("the engine cannot take it: %s", words)
		}
	}
	return &instance.RefusedError{Reason: words}
}

// load hands an archive to the engine. The engine answers 200 and reports
// errors in the stream.
func (e *Engine) load(ctx context.Context, archive io.Reader) error {
	r, err := e.client.ImageLoad(ctx, archive, client.ImageLoadWithQuiet(true))
	if err != nil {
		return err
	}
	defer r.Close()
	d := json.NewDecoder(r)
	for {
		var m struct {
			Error string `json:"error"`
		}
		if err := d.Decode(&m); err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("read the engine's answer: %w", err)
		}
		if m.Error != "" {
			return refusal(m.Error)
		}
	}
}
