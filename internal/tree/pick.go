package tree

import (
	"cmp"
	"slices"
	"strings"
)

// Pick are some paths of a tree, each with all that lies below it; none: all of it.
type Pick []string

// Takes tells whether a path is among them.
func (p Pick) Takes(name string) bool {
	return len(p) == 0 || slices.ContainsFunc(p, func(one string) bool { return name == one || strings.HasPrefix(name, one+"/") })
}

// Keeps tells whether an entry is restored: folders on the way to what is taken are, too.
func (p Pick) Keeps(e Entry) bool {
	return p.Takes(e.Path) || e.Type == Dir && p.leads(e.Path)
}

// Of gives the entries of a tree that are restored, in their order. A file whose first path is not among them stands for itself.
func (p Pick) Of(all []Entry) []Entry {
	if len(p) == 0 {
		return all
	}
	firsts := map[string]Entry{}
	for _, e := range all {
		if e.Same == "" {
			firsts[e.Path] = e
		}
	}
	var kept []Entry
	now := map[string]string{} // the first path that is kept, by what it was
	for _, e := range all {
		if !p.Keeps(e) {
			continue
		}
		of := e.Same
		of = cmp.Or(of, e.Path)
		if same, ok := now[of]; ok {
			e.Same = same
		} else if now[of] = e.Path; e.Same != "" {
			name := e.Path
			e = firsts[of]
			e.Path, e.Same = name, ""
		}
		kept = append(kept, e)
	}
	return kept
}

// Left names what of a tree is not restored, whole folders by their own names.
func (p Pick) Left(all []Entry) (names []string) {
	named := map[string]bool{}
	for _, e := range all {
		if p.Keeps(e) {
			continue
		}
		name := e.Path
		for i, c := range []byte(e.Path) {
			if c == '/' && !p.leads(e.Path[:i]) {
				name = e.Path[:i]
				break
			}
		}
		if !named[name] {
			named[name] = true
			names = append(names, name)
		}
	}
	return names
}

// leads tells whether a folder is on the way to what is taken.
func (p Pick) leads(folder string) bool {
	return folder == Root || slices.ContainsFunc(p, func(one string) bool { return strings.HasPrefix(one, folder+"/") })
}
