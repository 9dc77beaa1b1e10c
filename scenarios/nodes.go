package scenarios

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// parse reads exactly one YAML document and gives its root.
func parse(file string, raw []byte) (*yaml.Node, Problems) {
	if problems := foreign(file, raw); problems != nil {
		return nil, problems
	}
	loader, err := yaml.NewLoader(bytes.NewReader(raw))
	if err != nil {
		return nil, Problems{{File: file, Message: err.Error()}}
	}
	var document, second yaml.Node
	if err := loader.Load(&document); errors.Is(err, io.EOF) || err == nil && len(document.Content) == 0 {
		return nil, Problems{{File: file, Line: 1, Column: 1, Message: "the file is empty",
			Hint: "lifeboat new writes one to begin with"}}
	} else if err != nil {
		return nil, Problems{syntax(file, raw, err)}
	}
	root := document.Content[0]
	standIn(root, "")
	switch err := loader.Load(&second); {
	case errors.Is(err, io.EOF):
		return root, nil
	case err != nil:
		return root, Problems{syntax(file, raw, err)}
	}
	return root, Problems{{File: file, Line: second.Line, Column: max(1, second.Column),
		Message: "the file holds a second document", Hint: "write one scenario into each file"}}
}

// syntax turns an error of the YAML reader into a problem.
func syntax(file string, raw []byte, err error) Problem {
	p := Problem{File: file, Line: 1, Column: 1, Message: "is not YAML: " + strings.TrimPrefix(err.Error(), "yaml: ")}
	if load, ok := errors.AsType[*yaml.LoadError](err); ok {
		p.Message = "is not YAML: " + load.Message
		p.Line, p.Column = max(1, load.Mark.Line), max(1, load.Mark.Column)
	}
	p.Hint = syntaxHint(raw, p.Line)
	return p
}

// at is the place of a node.
func at(n *yaml.Node) Pos { return Pos{Line: n.Line, Column: n.Column, File: n.FootComment} }

// resolve follows aliases to what they stand for.
func (d *decoder) resolve(n *yaml.Node) *yaml.Node {
	for range maxDepth {
		if n.Kind != yaml.AliasNode || n.Alias == nil {
			break
		}
		n = n.Alias
	}
	return n
}

// pairs lists the keys of a mapping in the order of the file, merged ones (<<)
// included where the mapping does not set them itself; repeated keys are problems.
func (d *decoder) pairs(n *yaml.Node, path string) []pair {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	d.depth++
	defer func() { d.depth-- }()
	var all, merged []pair
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if !d.spend(key, path) {
			break
		}
		if key = d.resolve(key); key.Kind != yaml.ScalarNode {
			d.problem(key, path, "", "a key must be text")
			continue
		}
		if key.ShortTag() == "!!merge" {
			merged = append(merged, d.merged(value, path)...)
			continue
		}
		if line, twice := lines[key.Value]; twice {
			d.problem(key, "", "keep one of them", "key %q%s is given twice, first on line %d", key.Value, in(path), line)
			continue
		}
		lines[key.Value] = key.Line
		all = append(all, pair{key, value})
	}
	for _, p := range merged {
		if _, own := lines[p.key.Value]; !own {
			lines[p.key.Value] = p.key.Line
			all = append(all, p)
		}
	}
	return all
}

// merged lists the keys that << brings in.
func (d *decoder) merged(n *yaml.Node, path string) []pair {
	n = d.resolve(n)
	switch n.Kind {
	case yaml.MappingNode:
		return d.pairs(n, path)
	case yaml.SequenceNode:
		var all []pair
		for _, item := range n.Content {
			if item = d.resolve(item); item.Kind == yaml.MappingNode {
				all = append(all, d.pairs(item, path)...)
			}
		}
		return all
	default:
		d.problem(n, path, "", "<< needs an alias of keys and values")
		return nil
	}
}

// want notes a problem where a node is not of the kind.
func (d *decoder) want(n *yaml.Node, kind yaml.Kind, name, path string) bool {
	if n.Kind == kind {
		return true
	}
	hint := ""
	if n.Kind == yaml.ScalarNode {
		hint = mistyped(n.Value)
	}
	if layer, of := strings.CutPrefix(path, "checks."); of && hint == "" && n.Kind == yaml.ScalarNode && !isNull(n) {
		hint = excludes(layer, n.Value)
	}
	if hint == "" && kind == yaml.SequenceNode && n.Kind == yaml.ScalarNode {
		hint = "write it as a list: [" + clip(strings.Join(strings.Fields(n.Value), ", ")) + "]"
	}
	d.problem(n, path, hint, "want %s, have %s", name, describe(n))
	return false
}

// isNull tells whether a key was left without a value.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// join makes the path of a key.
func join(path, key string) string {
	if path == "" || key == "" {
		return path + key
	}
	return path + "." + key
}

// in says where, for a message; nothing at the top of the file.
func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

// keysOf lists a map's keys, sorted.
func keysOf[K ~string, V any](m map[K]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, string(k))
	}
	slices.Sort(keys)
	return keys
}

// Nearest is the hint of an unknown name: the known one that is spelt most alike, or all of them behind a few words.
func Nearest(name string, known []string, all string) string { return nearest(name, known, all) }

// nearest is the hint of an unknown name: the known one that is spelt most
// alike, or all of them.
func nearest(name string, known []string, all string) string {
	best, distance := "", len(name)/3+2
	for _, k := range known {
		if n := edits(name, k); n < distance {
			best, distance = k, n
		}
	}
	switch {
	case best != "":
		return "did you mean " + best + "?"
	case len(known) == 0:
		return ""
	}
	return all + strings.Join(known, ", ")
}

// edits counts the letters to change, add, drop or swap with the next between
// two words (optimal string alignment).
func edits(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 100 {
		return len(x) // nobody meant that
	}
	d := make([][]int, len(x)+1)
	for i := range d {
		d[i] = make([]int, len(y)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(x)][len(y)]
}
