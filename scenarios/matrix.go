package scenarios

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

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
