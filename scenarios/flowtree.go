package scenarios

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/internal/userfile"
)

// largestFlow is how much the folder of a flow may hold, in bytes: all of it is copied into k6's container.
const largestFlow = 16 << 20

// FlowFiles reads what k6 gets of a flow: the folder of its script whole, by path from there, with slashes. Links
// within the folder are read as files. What leaves it is an error, and so is more than 16 MiB. Names that begin with a
// dot (.git, a home of lifeboat's) stay behind, and so does what is no file.
func FlowFiles(script string) (map[string][]byte, error) {
	folder := filepath.Dir(script)
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }()
	files := map[string][]byte{}
	var total int64
	err = fs.WalkDir(root.FS(), ".", func(p string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case p != "." && strings.HasPrefix(e.Name(), ".") && e.IsDir():
			return fs.SkipDir
		case e.IsDir() || strings.HasPrefix(e.Name(), "."):
			return nil
		}
		info, err := root.Stat(p) // through links, as long as they stay
		if err != nil || info.IsDir() {
			return &unfit{hint: hintLink, why: fmt.Sprintf("%q is a link out of the flow's folder, or to a folder", clip(p))}
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		if total += info.Size(); total > largestFlow { // asked first: a backup may lie beside the script
			return &unfit{hint: "keep flows in a folder of their own", why: fmt.Sprintf("the folder %s holds more than %s",
				filepath.Base(folder), Size(largestFlow))}
		}
		files[p], err = userfile.ReadIn(root, p, largestFlow)
		return err
	})
	return files, err
}

// flowTree takes all that k6 gets of a flow into the digest, whether the script names it or not.
func (r *review) flowTree(at, script string, of Settings) {
	files, err := FlowFiles(script)
	if err != nil {
		hint, why := "", err.Error()
		if not, ok := err.(*unfit); ok { //nolint:errorlint // nothing wraps it
			hint, why = not.hint, not.why
		}
		if at != "" {
			r.problem(at, hint, "%s", why)
		} else {
			r.problems = append(r.problems, of.Problem("script", hint, "%s", why))
		}
		return
	}
	folder, err := filepath.Rel(r.sc.Dir, filepath.Dir(script))
	if err != nil {
		return
	}
	for name, content := range files {
		r.scripts[filepath.ToSlash(filepath.Join(folder, filepath.FromSlash(name)))] = content
	}
}
