package scenarios

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"lifeboat/internal/userfile"
)

const hintLink = "put the file itself there"

// Limits of what a put step may name: enough for a distribution's kernels, too
// little for a home folder that was named by mistake.
const (
	largestTree = 4 << 30 // bytes
	mostFiles   = 10_000
)

// tree checks that a file or a folder within the scenario's can be copied, keeps the digest of each
// file, and gives its full path, or the path as written where it cannot.
func (r *review) tree(at, path string) string {
	rel, hint, why := r.within(path)
	if why == "" {
		hint, why = r.sum(rel)
	}
	if why != "" {
		r.problem(at, hint, "%s", why)
		return path
	}
	return filepath.Join(r.sc.Dir, rel)
}

// sum reads every file below a path for the digest, none of them into memory, or says why it cannot be had.
func (r *review) sum(rel string) (hint, why string) {
	slashed := filepath.ToSlash(rel)
	root, err := os.OpenRoot(r.sc.Dir)
	if err != nil {
		return "", fmt.Sprintf("%q cannot be read", clip(slashed))
	}
	defer func() { _ = root.Close() }()
	info, err := root.Lstat(rel)
	if err != nil {
		return "paths start at the scenario's folder", fmt.Sprintf("there is no file or folder %q", clip(slashed))
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return hintLink, fmt.Sprintf("%q is neither a file nor a folder", clip(slashed))
	}
	var size int64
	count := 0
	err = fs.WalkDir(root.FS(), slashed, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		if !e.Type().IsRegular() {
			return &unfit{hint: hintLink, why: fmt.Sprintf("%q is neither a file nor a folder", clip(p))}
		}
		n, err := r.sumFile(root, p)
		size, count = size+n, count+1
		if err == nil && (size > largestTree || count > mostFiles) {
			err = &unfit{hint: "name a smaller folder", why: fmt.Sprintf("%q holds more than %s or more than %d files",
				clip(slashed), Size(largestTree), mostFiles)}
		}
		return err
	})
	var not *unfit
	switch {
	case errors.As(err, &not):
		return not.hint, not.why
	case err != nil:
		return "", fmt.Sprintf("%q cannot be read", clip(slashed))
	case count == 0:
		return "put a file into it, or delete the step", fmt.Sprintf("%q holds no file", clip(slashed))
	}
	return "", ""
}

// unfit says why a tree is not copied.
type unfit struct{ hint, why string }

func (e *unfit) Error() string { return e.why + "; " + e.hint }

// sumFile keeps the digest of one file and gives its size. A folder put twice is read once.
func (r *review) sumFile(root *os.Root, name string) (int64, error) {
	f, err := userfile.OpenIn(root, name)
	if err != nil {
		return 0, err
	}
	defer func() { _ = f.Close() }()
	if _, known := r.sums[name]; known {
		info, err := f.Stat()
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	}
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(f, largestTree+1))
	r.sums[name], r.sizes[name] = fmt.Sprintf("%x", h.Sum(nil)), n
	return n, err
}
