package accident

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Folder is what a folder holds, by path; paths of folders end with a slash.
type Folder map[string]string

// Unpacked is what a tar holds.
func Unpacked(r io.Reader) (Folder, error) {
	all := Folder{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the tar: %w", err)
		}
		raw, err := io.ReadAll(tr)
		if err != nil {
			return nil, fmt.Errorf("read %s in the tar: %w", h.Name, err)
		}
		name := strings.TrimPrefix(h.Name, "./")
		if h.Typeflag == tar.TypeDir && !strings.HasSuffix(name, "/") {
			name += "/"
		}
		all[name] = string(raw)
	}
}

// Tarred is a tar of it, as a store streams a folder: files alone, in their order.
func (f Folder) Tarred() string {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(f)) {
		if strings.HasSuffix(name, "/") || name == "" {
			continue
		}
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(f[name])), Mode: 0o644}); err != nil {
			panic(err) // it is written to memory
		}
		_, _ = io.WriteString(w, f[name])
	}
	_ = w.Close()
	return b.String()
}

// Below is a part of it, by the paths in that.
func (f Folder) Below(folder string) Folder {
	all := Folder{}
	for name, content := range f {
		if rest, ok := strings.CutPrefix(name, folder+"/"); ok && rest != "" {
			all[rest] = content
		}
	}
	return all
}

// Under has another one be a part of it.
func (f Folder) Under(folder string, of Folder) Folder {
	all := maps.Clone(f)
	for name, content := range of {
		all[folder+"/"+name] = content
	}
	return all
}

// With is a copy in which some files are others; an empty one is gone.
func (f Folder) With(changed Folder) Folder {
	all := maps.Clone(f)
	for name, content := range changed {
		if content == "" {
			delete(all, name)
		} else {
			all[name] = content
		}
	}
	return all
}

// Less is a copy without some files.
func (f Folder) Less(names ...string) Folder {
	all := maps.Clone(f)
	for _, name := range names {
		delete(all, name)
	}
	return all
}

// In changes files within a tar that is a file of it.
func (f Folder) In(name string, change func(inner Folder) Folder) (Folder, error) {
	inner, err := Unpacked(strings.NewReader(f[name]))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return f.With(Folder{name: change(inner).Tarred()}), nil
}

// Write writes it below a folder.
func (f Folder) Write(dir string) error {
	for name, content := range f {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if strings.HasSuffix(name, "/") || name == "" {
			if err := os.MkdirAll(path, 0o700); err != nil {
				return err
			}
			continue
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			return err
		}
	}
	return nil
}
