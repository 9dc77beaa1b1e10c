package scenarios

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

const keyInclude = "include"

// Include names files: one as a text, or a list of them.
type Include []string

// include adds to a scenario what the files hold that it names under include: keys that it does not have, and below the keys
// that both have the entries that it does not have. Of several files a later one counts more, and the scenario most.
//
//	include: common.yaml          backups:                       backups:
//	backups:                 +      db: {…}              =         db: {…}    of the scenario
//	  db: {…}                       app: {…}                       app: {…}   of common.yaml
//
// Paths in them start at the scenario's folder, in which they lie. The files are part of the digest; problems are told where
// they stand. It gives the root to be read and the files' contents by their paths from the folder.
func include(file, dir string, root *yaml.Node) (merged *yaml.Node, read map[string][]byte, problems Problems) {
	d := &decoder{file: file, budget: nodeBudget}
	named := d.lookup(root, keyInclude)
	if named == nil {
		return root, nil, nil
	}
	read = map[string][]byte{}
	names := []*yaml.Node{named}
	if named.Kind == yaml.SequenceNode {
		names = named.Content
	}
	for _, n := range slices.Backward(names) { // the last one first: what is there stays
		if n = d.resolve(n); n.Kind != yaml.ScalarNode || n.Value == "" {
			d.problem(n, keyInclude, "write it like include: common.yaml, or as a list of such", "is not the name of a file")
			continue
		}
		other := d.included(dir, n, read)
		if other == nil {
			continue
		}
		root = d.overlay(root, without(other, keyInclude, keyMatrix), true)
	}
	return root, read, d.problems
}

// included reads one file.
func (d *decoder) included(dir string, n *yaml.Node, read map[string][]byte) *yaml.Node {
	r := &review{sc: &Scenario{Dir: dir}, scripts: map[string][]byte{}}
	rel, hint, why := r.within(n.Value)
	if why == "" {
		hint, why = r.keep(rel)
	}
	if why == "" && len(r.scripts[filepath.ToSlash(rel)]) > largest {
		hint, why = "", fmt.Sprintf("%q is larger than %s, no scenario is", clip(n.Value), Size(largest))
	}
	if why != "" {
		d.problem(n, keyInclude, hint, "%s", why)
		return nil
	}
	slashed := filepath.ToSlash(rel)
	read[slashed] = r.scripts[slashed]
	shown := filepath.Join(filepath.Dir(d.file), rel)
	root, problems := parse(shown, read[slashed])
	if len(problems) > 0 {
		d.problems = append(d.problems, problems...)
		return nil
	}
	standIn(root, shown)
	if root.Kind != yaml.MappingNode {
		d.note(root, "", "write keys of a scenario into it, such as backups: …", "holds no keys and values")
		return nil
	}
	if again := d.lookup(root, keyInclude); again != nil {
		d.note(again, keyInclude, "name it in the scenario, too", "a file that is included includes nothing itself")
	}
	if many := d.lookup(root, keyMatrix); many != nil {
		d.note(many, keyMatrix, "move it into the scenario", "a file that is included makes no drills")
	}
	return root
}

// overlay gives a mapping with all of one, and what only the other has; deep: also below the keys that both have.
func (d *decoder) overlay(own, other *yaml.Node, deep bool) *yaml.Node {
	all := *own
	all.Content = slices.Clone(own.Content)
	mine := d.pairs(own, "")
	for _, p := range d.pairs(other, "") {
		i := slices.IndexFunc(mine, func(q pair) bool { return q.key.Value == p.key.Value })
		switch {
		case i < 0:
			all.Content = append(all.Content, p.key, p.value)
		case deep:
			of, to := d.resolve(mine[i].value), d.resolve(p.value)
			k := slices.Index(all.Content, mine[i].value)
			if of.Kind == yaml.MappingNode && to.Kind == yaml.MappingNode && k >= 0 {
				all.Content[k] = d.overlay(of, to, false)
			}
		}
	}
	return &all
}

// without gives a mapping but for some keys.
func without(n *yaml.Node, keys ...string) *yaml.Node {
	all := *n
	all.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !slices.Contains(keys, n.Content[i].Value) {
			all.Content = append(all.Content, n.Content[i], n.Content[i+1])
		}
	}
	return &all
}

// lookup is the value under a key of a mapping; nil: there is none.
func (d *decoder) lookup(n *yaml.Node, key string) *yaml.Node {
	if n == nil {
		return nil
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return d.resolve(n.Content[i+1])
		}
	}
	return nil
}

// standIn writes at every node in which file it stands: places are told by their nodes. Nobody reads a scenario's comments,
// so one of them holds it.
func standIn(n *yaml.Node, file string) {
	n.FootComment = file
	for _, c := range n.Content {
		standIn(c, file)
	}
}

const keyMatrix = "matrix"

// Matrix makes several drills of one file: each entry holds the keys in which its drill differs from the rest of the file,
// merged as with include, and counts more. FILE.yaml#NAME is one of them; its scenario is called after both.
//
//	matrix:
//	  shop: {backups: {db: {store: {kind: dir, path: ./backups/shop}, restore: {kind: postgres}}}}
//	  crm: {backups: {db: {store: {kind: dir, path: ./backups/crm}, restore: {kind: postgres}}}}
type Matrix struct{}

// part splits FILE.yaml#NAME.
func part(path string) (file, name string) {
	i := strings.LastIndex(path, "#")
	if i < 0 || !slices.Contains([]string{".yaml", ".yml"}, filepath.Ext(path[:i])) {
		return path, ""
	}
	if _, err := os.Lstat(path); err == nil { // a file of that very name
		return path, ""
	}
	return path[:i], path[i+1:]
}

// Parts are the drills of a scenario file, each as Read takes it, in their order: the path itself where there is but one, or
// where the file cannot be read, which Read says.
func Parts(path string) []string {
	file, name := part(path)
	raw, err := readAll(file)
	if name != "" || err != nil {
		return []string{path}
	}
	root, problems := parse(file, raw)
	if len(problems) > 0 {
		return []string{path}
	}
	d := &decoder{file: file, budget: nodeBudget}
	var all []string
	for _, p := range d.pairs(d.lookup(root, keyMatrix), "") {
		all = append(all, path+"#"+p.key.Value)
	}
	if d.lookup(root, keyCatalogue) != nil {
		for _, e := range d.entries(root) {
			all = append(all, path+"#"+e.name)
		}
	}
	if len(all) == 0 {
		return []string{path}
	}
	return all
}

// vary gives the root of one drill of a file.
func vary(file string, root *yaml.Node, name string) (*yaml.Node, Problems) {
	d := &decoder{file: file, budget: nodeBudget}
	if d.lookup(root, keyCatalogue) != nil {
		return d.listed(root, name)
	}
	matrix := d.lookup(root, keyMatrix)
	if matrix == nil && name == "" {
		return root, nil
	}
	if matrix == nil {
		d.note(root, "", "leave #"+clip(name)+" out, or add "+keyMatrix+": {"+clip(name)+": …}", "has no matrix of drills")
		return root, d.problems
	}
	if !d.want(matrix, yaml.MappingNode, "a name for each drill, and its keys", keyMatrix) {
		return root, d.problems
	}
	var names []string
	var chosen *yaml.Node
	for _, p := range d.pairs(matrix, keyMatrix) {
		at, own := join(keyMatrix, p.key.Value), d.resolve(p.value)
		if !namePattern().MatchString(p.key.Value) {
			d.problem(p.key, at, "use lower-case letters, digits and hyphens, at most 63", "%q is not a name", clip(p.key.Value))
		}
		if own.Kind != yaml.MappingNode {
			d.problem(own, at, "such as backups: {…}", "holds no keys and values")
			continue
		}
		for _, key := range []string{keyMatrix, keyInclude, "scenario"} {
			if n := d.lookup(own, key); n != nil {
				d.problem(n, join(at, key), "write it at the top of the file", "belongs to all drills of the file")
			}
		}
		if names = append(names, p.key.Value); p.key.Value == name {
			chosen = own
		}
	}
	switch {
	case len(d.problems) > 0:
	case len(names) == 0:
		d.problem(matrix, keyMatrix, "add a drill, or delete it", "is empty")
	case name == "":
		d.problem(matrix, keyMatrix, "name one: "+file+"#"+names[0], "makes %d drills of this file", len(names))
	case chosen == nil:
		d.problem(matrix, keyMatrix, nearest(name, names, "drills: "), "there is no drill %q", clip(name))
	}
	if len(d.problems) > 0 {
		return root, d.problems
	}
	return d.overlay(chosen, root, true), nil
}
