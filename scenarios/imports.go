package scenarios

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"lifeboat/internal/userfile"
)

// imports checks what a k6 script imports, opens and requires, and what those files import in turn: k6 must need nothing
// from outside the folder. All of the folder is part of the digest, so this is for the words alone; what is put together at
// run time k6 itself says when the flow is tried before anything is restored.
func (r *review) imports(rel string) {
	seen := map[string]bool{}
	queue := []string{rel}
	for len(queue) > 0 {
		script := queue[0]
		queue = queue[1:]
		if seen[script] {
			continue
		}
		seen[script] = true
		r.ownPortsIn(filepath.Join(filepath.Dir(r.file), filepath.FromSlash(script)), r.scripts[script])
		for _, im := range scanImports(r.scripts[script]) {
			if next := r.importing(path.Dir(rel), script, im); next != "" {
				queue = append(queue, next)
			}
		}
	}
}

// importing checks one import and gives the script to look at next, if any. folder is
// the flow's own: it is what k6 gets.
func (r *review) importing(folder, script string, im jsImport) string {
	name := im.name
	bad := func(hint, message string) string {
		r.problems = append(r.problems, Problem{
			File: filepath.Join(filepath.Dir(r.file), filepath.FromSlash(script)),
			Line: im.pos.Line, Column: im.pos.Column, Message: message, Hint: hint})
		return ""
	}
	local := strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../")
	switch {
	case name == "k6" || strings.HasPrefix(name, "k6/"):
		return ""
	case strings.HasPrefix(name, "file:"):
		return bad("write its path from this script's folder, such as ./lib.js", clip(name)+" is not a path")
	case strings.Contains(name, "://") || strings.HasPrefix(name, "//"):
		return bad("a drill has no way out: save a copy in the scenario's folder and import that",
			"imports "+clip(name)+" from the network")
	case !local && !im.opens && !path.IsAbs(name):
		return bad(`k6's own modules begin with k6, files with ./`, "imports "+clip(name)+", which is not a file")
	}
	if path.IsAbs(name) {
		return bad(hintFolder, clip(name)+" does not start in the scenario's folder")
	}
	rel := path.Join(path.Dir(script), name)
	if _, hint, why := r.within(rel); why != "" {
		return bad(hint, why)
	}
	if folder != "." && !strings.HasPrefix(rel, folder+"/") {
		return bad("k6 gets the folder of the flow and what lies below it: keep it there", clip(name)+" leaves the flow's folder")
	}
	if hint, why := r.keep(filepath.FromSlash(rel)); why != "" {
		return bad(strings.Replace(hint, "the scenario's folder", "the script's own folder", 1), why)
	}
	if im.opens {
		return "" // data, not a script
	}
	return rel
}

// jsImport is a file that a script names.
type jsImport struct {
	name  string
	opens bool // by open(), as data
	pos   Pos
}

// imported by a statement that begins a line, or by a call that stands alone: a text that speaks of imports is none.
var imported = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?m)^[ \t]*(?:import|export)\b[^'"` + "`" + `;()=]*["']([^'"\\\n]+)["']` +
		`|(?:^|[\s=;({])(?:require|import)\s*\(\s*["'` + "`" + `]([^'"` + "`" + `\\$\n]+)["'` + "`" + `]\s*\)` +
		`|(?:^|[\s=;({])open\s*\(\s*["']([^'"\\\n]+)["']\s*[,)]`)
})

// scanImports finds them in a script, comments apart.
func scanImports(raw []byte) []jsImport {
	text := comments().ReplaceAllStringFunc(string(raw), func(c string) string {
		return strings.Map(func(r rune) rune {
			if r == '\n' {
				return r
			}
			return ' '
		}, c)
	})
	var found []jsImport
	for _, m := range imported().FindAllStringSubmatchIndex(text, -1) {
		from, to := max(m[2], m[4], m[6]), max(m[3], m[5], m[7])
		before := text[:from-1] // where its quote stands
		line := strings.LastIndexByte(before, '\n') + 1
		found = append(found, jsImport{name: text[from:to], opens: m[6] >= 0,
			pos: Pos{Line: 1 + strings.Count(before, "\n"), Column: 1 + len([]rune(before[line:]))}})
	}
	return found
}

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
