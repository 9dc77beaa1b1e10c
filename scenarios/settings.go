package scenarios

import (
	"encoding/json"
	"fmt"
	"reflect"

	"go.yaml.in/yaml/v4"
)

// Settings are the keys of one kind as they stand in the scenario. Whoever
// owns the kind decodes them over its own defaults. The zero value has no keys.
type Settings struct {
	Kind string
	Pos  Pos

	node *yaml.Node // a mapping without the keys that the outer struct owns
	file string
	dir  string
	path string // of the mapping within the file: backups.shop-db.store

	secrets *[]Secret // of the scenario; nil: nobody asks for them
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
	d := &decoder{file: s.file, dir: s.dir, budget: nodeBudget, secrets: s.secrets}
	d.decode(s.node, reflect.ValueOf(into).Elem(), s.path)
	return d.problems.Sorted(s.file)
}

// Has tells whether a key is given.
func (s Settings) Has(key string) bool { return s.value(key) != nil }

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

// Problem is one at a key's value, or at the kind itself where the key is not
// given. The message is prefixed with the key's path.
func (s Settings) Problem(key, hint, format string, args ...any) Problem {
	pos := s.Pos
	if n := s.value(key); n != nil {
		pos = at(n)
	}
	message := fmt.Sprintf(format, args...)
	if path := join(s.path, key); path != "" {
		message = path + ": " + message
	}
	return Problem{File: pos.In(s.file), Line: pos.Line, Column: pos.Column, Message: message, Hint: hint}
}

// MarshalJSON writes the kind alone: the other keys may hold secrets.
func (s Settings) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"kind": s.Kind})
}

// value is the node under a key, nil where there is none.
func (s Settings) value(key string) *yaml.Node {
	d := &decoder{budget: nodeBudget}
	for _, p := range d.pairs(s.node, "") {
		if p.key.Value == key {
			return d.resolve(p.value)
		}
	}
	return nil
}
