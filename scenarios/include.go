package scenarios

import (
	"fmt"
	"path/filepath"
	"slices"

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
