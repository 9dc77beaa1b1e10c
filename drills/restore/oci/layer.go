package oci

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

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
