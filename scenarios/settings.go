package scenarios

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Settings are the keys of one kind as they stand in the scenario. Whoever
// owns the kind decodes them over its own defaults. The zero value has no keys.
type Settings struct {
	Kind string
	Pos  Pos

	node  *yaml.Node // a mapping without the keys that the outer struct owns
	whole *yaml.Node // with them; nil: the outer struct owns none
	file  string
	dir   string
	path  string // of the mapping within the file: backups.shop-db.store

	beside []string // keys of the outer struct that a misspelt one may be meant for

	secrets *[]Secret // of the scenario; nil: nobody asks for them
	plain   *[]Secret // that stand in it as they are; nil: nobody asks for them
	watch   func(into any)
}

// Watched are settings without a key that show what a kind decodes: the struct of its keys, with its defaults. The
// schema of scenario files is made of that.
func Watched(kind string, watch func(into any)) Settings { return Settings{Kind: kind, watch: watch} }

// ParseSettings makes settings of a YAML mapping, for tests and for defaults in code.
func ParseSettings(kind, text string) (Settings, error) {
	node, problems := parse("", []byte(text))
	if len(problems) > 0 {
		return Settings{}, problems
	}
	return Settings{Kind: kind, Pos: at(node), node: node}, nil
}

// Decode fills into, a pointer to a struct that already holds the defaults.
// Fields are named by their yaml tags; the value types of this package, text,
// numbers, lists, maps, pointers, structs and any are understood. Unknown,
// repeated and wrongly typed keys are problems, all of them at once; what is
// right is decoded all the same.
func (s Settings) Decode(into any) []Problem {
	if s.watch != nil {
		s.watch(into)
	}
	if s.node == nil {
		return nil
	}
	d := &decoder{file: s.file, dir: s.dir, budget: nodeBudget, secrets: s.secrets, plain: s.plain, beside: s.beside}
	d.decode(s.node, reflect.ValueOf(into).Elem(), s.path)
	return d.problems.Sorted(s.file)
}

// Has tells whether a value is given at a path such as vm.disks[0].bus; the keys of the outer struct count, too.
func (s Settings) Has(path string) bool {
	_, exact := s.find(path)
	return exact
}

// Without leaves keys out of what is decoded.
func (s Settings) Without(keys ...string) Settings {
	if s.node == nil {
		return s
	}
	left := *s.node
	left.Content = nil
	for i := 0; i+1 < len(s.node.Content); i += 2 {
		if !slices.Contains(keys, s.node.Content[i].Value) {
			left.Content = append(left.Content, s.node.Content[i], s.node.Content[i+1])
		}
	}
	if s.whole == nil {
		s.whole = s.node
	}
	s.node = &left
	return s
}

// Text gives the text under a key; "" where there is none.
func (s Settings) Text(key string) string {
	if n := s.value(key); n != nil && n.Kind == yaml.ScalarNode {
		return n.Value
	}
	return ""
}

// Keys lists the keys in the order of the file.
func (s Settings) Keys() []string {
	var keys []string
	for _, p := range (&decoder{budget: nodeBudget}).pairs(s.node, "") {
		keys = append(keys, p.key.Value)
	}
	return keys
}

// Problem is one at the value of a key, or of a path such as vm.disks[0].bus, or where the nearest value around it stands.
// The message is prefixed with the whole path.
func (s Settings) Problem(key, hint, format string, args ...any) Problem {
	pos := s.Pos
	if n, _ := s.find(key); n != nil {
		pos = at(n)
	}
	message := fmt.Sprintf(format, args...)
	if path := join(s.path, key); path != "" {
		message = path + ": " + message
	}
	return Problem{File: pos.In(s.file), Line: pos.Line, Column: pos.Column, Message: message, Hint: hint}
}

// ProblemIf is Problem where something is so; nothing else.
func (s Settings) ProblemIf(is bool, key, hint, format string, args ...any) []Problem {
	if !is {
		return nil
	}
	return []Problem{s.Problem(key, hint, format, args...)}
}

// MarshalJSON writes the kind alone: the other keys may hold secrets.
func (s Settings) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"kind": s.Kind})
}

// value is the node at a path, nil where there is none.
func (s Settings) value(path string) *yaml.Node {
	if n, exact := s.find(path); exact {
		return n
	}
	return nil
}

// find is the node at a path, or the nearest one around it; exact tells which.
func (s Settings) find(path string) (n *yaml.Node, exact bool) {
	if n = s.whole; n == nil {
		n = s.node
	}
	if n == nil {
		return nil, false
	}
	d := &decoder{budget: nodeBudget}
	for _, step := range strings.FieldsFunc(path, func(c rune) bool { return strings.ContainsRune(".[]", c) }) {
		inner := d.child(n, step)
		if inner == nil {
			return n, false
		}
		n = d.resolve(inner)
	}
	return n, true
}

// child is what a node holds under a key or a number, nil where there is nothing.
func (d *decoder) child(n *yaml.Node, step string) *yaml.Node {
	if i, err := strconv.Atoi(step); n.Kind == yaml.SequenceNode && err == nil && i >= 0 && i < len(n.Content) {
		return n.Content[i]
	}
	for _, p := range d.pairs(n, "") {
		if p.key.Value == step {
			return p.value
		}
	}
	return nil
}

// In has the settings' relative paths begin in a folder.
func (s Settings) In(dir string) Settings {
	s.dir = dir
	return s
}

// Plain has the secrets that stand among the settings themselves, and not elsewhere by {env: …} or {file: …}, added to a list as they
// are decoded.
func (s Settings) Plain(into *[]Secret) Settings {
	s.plain = into
	return s
}
