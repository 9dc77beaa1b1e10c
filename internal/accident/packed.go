package accident

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Gzip compresses.
func Gzip(raw []byte) ([]byte, error) {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := w.Write(raw)
	err = errors.Join(err, w.Close())
	return buf.Bytes(), err
}

// Zstd compresses.
func Zstd(raw []byte) ([]byte, error) {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(raw, nil), w.Close()
}

// Gunzip unpacks.
func Gunzip(raw []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return plain, nil
}

// Repacked has it happen to what is inside the gzip.
func Repacked(happens Func) Func { return All(Gunzip, happens, Gzip) }

// Files happen to the files of a tar, by the last parts of their names.
type Files func(files map[string][]byte) error

// InTar has it happen to the files of a tar, which keep their order; new ones come last.
func InTar(happens Files) Func {
	return func(raw []byte) ([]byte, error) {
		names, files, err := Untar(raw)
		if err == nil {
			err = happens(files)
		}
		if err != nil {
			return nil, err
		}
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		var buf bytes.Buffer
		w := tar.NewWriter(&buf)
		for _, name := range names {
			content, ok := files[name]
			if !ok {
				continue
			}
			if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o600}); err != nil {
				return nil, err
			}
			if _, err := w.Write(content); err != nil {
				return nil, err
			}
		}
		err = w.Close()
		return buf.Bytes(), err
	}
}

// Untar gives the regular files of a tar, and their order.
func Untar(raw []byte) (names []string, files map[string][]byte, err error) {
	files = map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(raw)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return names, files, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("read the tar: %w", err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		name := path.Base(h.Name)
		names = append(names, name)
		if files[name], err = io.ReadAll(r); err != nil {
			return nil, nil, fmt.Errorf("read %s in the tar: %w", name, err)
		}
	}
}

// Member has the accident happen to one file.
func Member(name string, happens Func) Files {
	return func(files map[string][]byte) (err error) {
		files[name], err = happens(files[name])
		return err
	}
}

// LargestData has it happen to the largest data file of pg_dump's directory or tar format.
func LargestData(happens Func) Files {
	return func(files map[string][]byte) error {
		largest := ""
		for name, content := range files {
			if strings.Contains(name, ".dat") && name != "toc.dat" && len(content) > len(files[largest]) {
				largest = name
			}
		}
		if largest == "" {
			return errors.New("find a file of data in the tar: there is none")
		}
		return Member(largest, happens)(files)
	}
}

// Without removes the files whose names contain a text.
func Without(text string) Files {
	return func(files map[string][]byte) error {
		maps.DeleteFunc(files, func(name string, _ []byte) bool { return strings.Contains(name, text) })
		return nil
	}
}

// Only leaves one file.
func Only(name string) Files {
	return func(files map[string][]byte) error {
		maps.DeleteFunc(files, func(n string, _ []byte) bool { return n != name })
		return nil
	}
}

// With adds a file.
func With(name, content string) Files {
	return func(files map[string][]byte) error {
		files[name] = []byte(content)
		return nil
	}
}
