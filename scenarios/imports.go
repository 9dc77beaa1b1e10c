package scenarios

import (
	"path"
	"path/filepath"
	"strings"
)

// imports checks what a k6 script imports, opens and requires, and what those
// files import in turn: k6 must need nothing from outside the folder.
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
			if next := r.imported(path.Dir(rel), script, im); next != "" {
				queue = append(queue, next)
			}
		}
	}
}

// imported checks one import and gives the script to look at next, if any. folder is
// the flow's own: it is what k6 gets.
func (r *review) imported(folder, script string, im jsImport) string {
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

// scanImports finds the texts after import, from, require( and open( in a
// script, and passes over comments. It reads letters, not JavaScript: what is
// put together at run time it does not see; k6 runs without a network anyway.
func scanImports(raw []byte) []jsImport {
	var found []jsImport
	s := jsScanner{text: []rune(string(raw)), line: 1, column: 1}
	for !s.end() {
		switch c := s.text[s.at]; {
		case s.has("//"):
			s.until("\n")
		case s.has("/*"):
			s.step(2)
			s.until("*/")
		case c == '"' || c == '\'' || c == '`':
			pos := Pos{Line: s.line, Column: s.column}
			text, plain := s.quoted(c)
			if verb := s.verb(); plain && verb != "" {
				found = append(found, jsImport{name: text, opens: verb == "open", pos: pos})
			}
			s.before = []string{"'"}
		default:
			s.token()
		}
	}
	return found
}

// jsScanner walks through a script.
type jsScanner struct {
	text         []rune
	at           int
	line, column int
	before       []string // the last tokens, at most three
}

func (s *jsScanner) end() bool { return s.at >= len(s.text) }

// has tells whether a text comes next.
func (s *jsScanner) has(text string) bool {
	for i, c := range []rune(text) {
		if s.at+i >= len(s.text) || s.text[s.at+i] != c {
			return false
		}
	}
	return true
}

// step goes on by n letters.
func (s *jsScanner) step(n int) {
	for ; n > 0 && !s.end(); n-- {
		s.column++
		if s.text[s.at] == '\n' {
			s.line, s.column = s.line+1, 1
		}
		s.at++
	}
}

// until goes on behind the next such text.
func (s *jsScanner) until(text string) {
	for !s.end() && !s.has(text) {
		s.step(1)
	}
	s.step(len(text))
}

// quoted reads a text in quotes and tells whether it is plain: closed, without
// escapes and without ${…}. A line break ends what is no template: an
// apostrophe in a regular expression must not hide the rest of the script.
func (s *jsScanner) quoted(quote rune) (string, bool) {
	var text strings.Builder
	plain := true
	for s.step(1); !s.end(); s.step(1) {
		switch c := s.text[s.at]; {
		case c == quote:
			s.step(1)
			return text.String(), plain
		case c == '\n' && quote != '`':
			return "", false
		case c == '\\':
			plain = false
			s.step(1)
		case s.has("${"):
			plain = false
		default:
			text.WriteRune(c)
		}
	}
	return "", false
}

// token reads a word, or one letter that is not part of one.
func (s *jsScanner) token() {
	start := s.at
	for !s.end() && isWord(s.text[s.at]) {
		s.step(1)
	}
	if s.at == start {
		s.step(1)
	}
	if word := strings.TrimSpace(string(s.text[start:s.at])); word != "" {
		s.before = append(s.before[max(0, len(s.before)-2):], word)
	}
}

func isWord(c rune) bool {
	return c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c > 127
}

// verb is what the next text is for: import, open, or nothing that matters.
func (s *jsScanner) verb() string {
	last := func(n int) string {
		if i := len(s.before) - n; i >= 0 {
			return s.before[i]
		}
		return ""
	}
	called := last(1) == "(" && last(3) != "."
	switch {
	case last(1) == "import" || last(1) == "from" && last(2) != ".":
		return "import"
	case called && (last(2) == "require" || last(2) == "import"):
		return "import"
	case called && last(2) == "open":
		return "open"
	}
	return ""
}
