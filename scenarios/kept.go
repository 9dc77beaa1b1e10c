package scenarios

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// File is one that a scenario names, that lies in the folder of a flow, or the scenario itself, as it was when the
// scenario was loaded.
type File struct {
	Path   string // from the scenario's folder, with slashes
	Digest string // sha256:…
	Size   int64  // bytes
	Text   []byte // nil: data
}

// largestText is up to how many bytes a file is a text.
const largestText = 1 << 20

// Files are what the digest covers, in the order of their paths.
func (s *Scenario) Files() []File { return s.files }

// kept lists what the digest was made of.
func (r *review) kept(raw []byte) []File {
	list := []File{{Path: filepath.Base(r.file), Digest: sumOf(raw), Size: int64(len(raw)), Text: raw}}
	for name, content := range r.scripts {
		if name == list[0].Path {
			continue
		}
		f := File{Path: name, Digest: sumOf(content), Size: int64(len(content))}
		if len(content) <= largestText && utf8.Valid(content) && bytes.IndexByte(content, 0) < 0 {
			f.Text = append([]byte{}, content...)
		}
		list = append(list, f)
	}
	for name, sum := range r.sums {
		if _, known := r.scripts[name]; !known {
			list = append(list, File{Path: name, Digest: "sha256:" + sum, Size: r.sizes[name]})
		}
	}
	slices.SortFunc(list, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return list
}

func sumOf(content []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(content)) }
