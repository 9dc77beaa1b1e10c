package scenarios

import (
	"encoding"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"lifeboat/drills/record"
)

const (
	nodeBudget = 100_000 // values looked at in one file; aliases can multiply them
	maxDepth   = 100
)

// decoder fills Go values from YAML nodes and keeps every problem it meets.
type decoder struct {
	file     string
	dir      string // where relative paths of secrets start
	problems Problems
	budget   int
	depth    int
	spent    bool
	where    map[string]Pos  // of every value met, by its path
	bad      map[string]bool // paths whose value could not be read
	secrets  *[]Secret       // collects those that are hidden
	plain    *[]Secret       // collects the others
	beside   []string        // keys that may be meant by one that the first struct does not know
}

// pair is one key of a mapping with its value.
type pair struct{ key, value *yaml.Node }

// problem notes one with the value at a path: what stands there is not known.
func (d *decoder) problem(n *yaml.Node, path, hint, format string, args ...any) {
	if d.bad != nil {
		d.bad[path] = true
	}
	d.note(n, path, hint, fmt.Sprintf(format, args...))
}

// note keeps a problem at a node; path, where given, leads the message.
func (d *decoder) note(n *yaml.Node, path, hint, message string) {
	if path != "" {
		message = path + ": " + message
	}
	pos := at(n)
	d.problems = append(d.problems,
		Problem{File: pos.In(d.file), Line: pos.Line, Column: pos.Column, Message: message, Hint: hint})
}

// spend counts a value and tells whether decoding may go on.
func (d *decoder) spend(n *yaml.Node, path string) bool {
	if d.budget--; d.budget < 0 || d.depth > maxDepth {
		if !d.spent {
			d.problem(n, path, "write it out, without aliases within aliases", "is too large or refers to itself")
		}
		d.spent = true
	}
	return !d.spent
}

// decode fills v from n.
func (d *decoder) decode(n *yaml.Node, v reflect.Value, path string) {
	d.depth++
	defer func() { d.depth-- }()
	if n = d.resolve(n); !d.spend(n, path) {
		return
	}
	if d.where != nil {
		d.where[path] = at(n)
	}
	if strings.HasPrefix(n.ShortTag(), "!") && !strings.HasPrefix(n.ShortTag(), "!!") {
		d.problem(n, path, "delete the tag", "tag %s is not understood", n.ShortTag())
		return
	}
	if isNull(n) {
		d.problem(n, path, "give a value or delete the key", "has no value")
		return
	}
	if d.special(n, v, path) {
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.decode(n, v.Elem(), path)
	case reflect.Struct:
		d.structure(n, v, path)
	case reflect.Map:
		d.mapping(n, v, path)
	case reflect.Slice:
		d.list(n, v, path)
	case reflect.Interface:
		if got := d.free(n, path); got != nil {
			v.Set(reflect.ValueOf(got))
		}
	default:
		d.scalar(n, v, path)
	}
}

// special decodes the types that have a spelling of their own.
func (d *decoder) special(n *yaml.Node, v reflect.Value, path string) bool {
	switch into := v.Addr().Interface().(type) {
	case *Duration:
		unit(d, n, into, path, ParseDuration, hintDuration)
	case *Size:
		unit(d, n, into, path, ParseSize, hintSize)
	case *Rate:
		unit(d, n, into, path, ParseRate, hintRate)
	case *PerSecond:
		unit(d, n, into, path, ParsePerSecond, hintPerSecond)
	case *Pulse:
		if n.Kind != yaml.ScalarNode {
			return false
		}
		unit(d, n, &into.Rate, path, ParsePerSecond, hintPulse)
	case *Loads:
		return d.single(n, (*[]string)(into), path)
	case *Only:
		return d.single(n, (*[]string)(into), path)
	case *Points:
		if n.Kind != yaml.ScalarNode {
			return false
		}
		if into.All, into.Oldest = n.Value == "all", n.Value == "oldest"; !into.Draws() {
			d.problem(n, path, "all, oldest, or {random: 3, within: 720h}; one of them is chosen by pick", "%q says not which restore points", clip(n.Value))
		}
	case *Percent:
		unit(d, n, into, path, ParsePercent, hintPercent)
	case *time.Time:
		d.moment(n, into, path)
	case *Secret:
		d.secret(n, into, path)
	case *record.Text:
		d.text(n, into, path)
	case *Settings:
		d.settings(n, into, path)
	case *Include, *Matrix: // they were read before the rest
	case *BootStep:
		if n.Kind != yaml.ScalarNode {
			return false
		}
		d.decode(n, v.FieldByName("Instance"), path)
	case encoding.TextUnmarshaler:
		if !d.want(n, yaml.ScalarNode, "text", path) {
			break
		}
		if err := into.UnmarshalText([]byte(n.Value)); err != nil {
			d.problem(n, path, "", "%s", err)
		}
	default:
		return false
	}
	return true
}

// single decodes a list of one that is written without brackets.
func (d *decoder) single(n *yaml.Node, into *[]string, path string) bool {
	if n.Kind != yaml.ScalarNode {
		return false
	}
	var one string
	d.scalar(n, reflect.ValueOf(&one).Elem(), path)
	*into = []string{one}
	return true
}

// mapping fills a map whose keys are the user's own names.
func (d *decoder) mapping(n *yaml.Node, v reflect.Value, path string) {
	if !d.want(n, yaml.MappingNode, "keys and values", path) {
		return
	}
	made := reflect.MakeMap(v.Type())
	for _, p := range d.pairs(n, path) {
		value := reflect.New(v.Type().Elem()).Elem()
		d.decode(p.value, value, join(path, p.key.Value))
		made.SetMapIndex(reflect.ValueOf(p.key.Value).Convert(v.Type().Key()), value)
	}
	v.Set(made)
}

// list fills a slice.
func (d *decoder) list(n *yaml.Node, v reflect.Value, path string) {
	if !d.want(n, yaml.SequenceNode, "a list", path) {
		return
	}
	made := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, item := range n.Content {
		d.decode(item, made.Index(i), path+"["+strconv.Itoa(i)+"]")
	}
	v.Set(made)
}

// free decodes a value whose type nobody fixed.
func (d *decoder) free(n *yaml.Node, path string) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		d.mapping(n, reflect.ValueOf(&m).Elem(), path)
		return m
	case yaml.SequenceNode:
		l := []any{}
		d.list(n, reflect.ValueOf(&l).Elem(), path)
		return l
	default:
		var value any
		if err := n.Decode(&value); err != nil {
			d.problem(n, path, "", "is not a value that YAML knows")
		}
		return value
	}
}
