package scenarios

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"lifeboat/internal/userfile"
)

const hintFolder = "keep everything that a scenario needs within its folder, so that it can be copied"

// largestScript is how big a file may be that a scenario names, in bytes.
const largestScript = 64 << 20

// files checks every script that the flow and the checks name, makes their paths
// absolute and keeps them for the digest.
func (r *review) files() {
	if f := r.sc.Flow; f != nil && f.Script != "" {
		f.Script = r.flowScript("flow.script", f.Script, Settings{})
		r.flowScenario(f.Script, f.Scenario, func(hint, format string, args ...any) {
			r.problem("flow.scenario", hint, format, args...)
		})
		r.afterUpgrade(f)
	}
	for _, c := range r.sc.Checks.All() {
		if file := c.Settings.Text("file"); file != "" && c.Kind == "profile" {
			r.named("file", file, c.Settings)
		}
		for _, script := range c.Settings.Texts("script") {
			if c.Kind == "k6" {
				full := r.flowScript("", script, c.Settings)
				wanted := c.Settings.Text("scenario")
				if f := r.sc.Flow; f != nil && f.Script == full {
					wanted = cmp.Or(wanted, f.Scenario)
				}
				r.flowScenario(full, wanted, func(hint, format string, args ...any) {
					r.problems = append(r.problems, c.Settings.Problem("script", hint, format, args...))
				})
			} else {
				r.script("", script, c.Settings)
			}
		}
	}
}

// flowScript checks a k6 script with all that it imports and gives its full path.
func (r *review) flowScript(at, script string, of Settings) string {
	full := r.script(at, script, of)
	if rel, err := filepath.Rel(r.sc.Dir, full); err == nil && full != script {
		r.imports(filepath.ToSlash(rel))
		r.flowTree(at, full, of)
	}
	return full
}

// scriptAt is what was read of a script, nil where it could not be.
func (r *review) scriptAt(full string) []byte {
	rel, err := filepath.Rel(r.sc.Dir, full)
	if err != nil {
		return nil
	}
	return r.scripts[filepath.ToSlash(rel)]
}

// script checks that a file exists within the folder and gives its full path,
// or the path as written where it does not.
func (r *review) script(at, script string, of Settings) string {
	if at == "" {
		return r.named("script", script, of)
	}
	full, hint, why := r.had(script)
	if why != "" {
		r.problem(at, hint, "%s", why)
	}
	return full
}

// named is script for what a key of a check or a step names.
func (r *review) named(key, path string, of Settings) string {
	full, hint, why := r.had(path)
	if why != "" {
		r.problems = append(r.problems, of.Problem(key, hint, "%s", why))
	}
	return full
}

// had keeps a file and gives its full path, or says why it cannot be had.
func (r *review) had(path string) (full, hint, why string) {
	rel, hint, why := r.within(path)
	if why == "" {
		if hint, why = r.keep(rel); why == "" {
			return filepath.Join(r.sc.Dir, rel), "", ""
		}
	}
	return path, hint, why
}

// within says where a path leads from the scenario's folder, or why it leaves it.
func (r *review) within(path string) (rel, hint, why string) {
	if filepath.IsAbs(path) || strings.ContainsAny(path, "\\\x00") {
		return "", hintFolder, fmt.Sprintf("%q does not start in the scenario's folder", clip(path))
	}
	rel = filepath.Clean(path)
	if !filepath.IsLocal(rel) {
		return "", hintFolder, fmt.Sprintf("%q leaves the scenario's folder", clip(path))
	}
	return rel, "", ""
}

// keep reads a file for the digest, or says why it cannot be had. Links that
// lead out of the folder are not followed.
func (r *review) keep(rel string) (hint, why string) {
	slashed := filepath.ToSlash(rel)
	if _, known := r.scripts[slashed]; known {
		return "", ""
	}
	root, err := os.OpenRoot(r.sc.Dir)
	if err != nil {
		return "", fmt.Sprintf("%q cannot be read", clip(rel))
	}
	defer func() { _ = root.Close() }()
	info, err := root.Stat(rel)
	switch {
	case err != nil && r.exists(rel):
		return hintFolder, fmt.Sprintf("%q is a link that leaves the scenario's folder", clip(slashed))
	case err != nil:
		return "paths start at the scenario's folder", fmt.Sprintf("there is no file %q", clip(slashed))
	case info.Mode().Type() != fs.FileMode(0):
		return "", fmt.Sprintf("%q is not a file", clip(slashed))
	case info.Size() > largestScript:
		return "", fmt.Sprintf("%q is larger than %s", clip(slashed), Size(largestScript))
	}
	raw, err := userfile.ReadIn(root, rel, largestScript)
	if err != nil {
		return "", fmt.Sprintf("%q cannot be read", clip(slashed))
	}
	r.scripts[slashed] = raw
	return "", ""
}

// exists tells whether a file can be had when links are followed anywhere.
func (r *review) exists(rel string) bool {
	_, err := os.Stat(filepath.Join(r.sc.Dir, rel))
	return err == nil
}

// digest is the SHA-256 over the lines that sha256sum would print for the
// scenario file (as "scenario"), the name of its drill (as "drill"), if it has several, and the files it names, sorted by path: it is
// the same wherever the folder lies.
func (r *review) digest(raw []byte, name string) string {
	var lines strings.Builder
	fmt.Fprintf(&lines, "%x  scenario\n", sha256.Sum256(raw))
	if name != "" {
		fmt.Fprintf(&lines, "%x  drill\n", sha256.Sum256([]byte(name)))
	}
	for rel, content := range r.scripts {
		r.sums[rel] = fmt.Sprintf("%x", sha256.Sum256(content))
	}
	for _, rel := range keysOf(r.sums) {
		fmt.Fprintf(&lines, "%s  ./%s\n", r.sums[rel], rel)
	}
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(lines.String())))
}

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
