package scenarios

import (
	"bytes"
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// defaulter is a struct of the scenario that has defaults.
type defaulter interface{ defaults() }

// field is a key of a struct. The tags jsonschema and enum say whether it is
// required and which values it takes, for the loader and the schema alike; the
// tag lifeboat says how loosely it is written: joined takes lists too, plain numbers.
type field struct {
	value    reflect.Value
	required bool
	enum     []string
	spelling string
}

// form is a struct taken apart.
type form struct {
	fields map[string]field
	order  []string
	rest   reflect.Value // collects the keys that no field has
	beside bool          // one of those may be meant for a field
}

// take lists the fields of a struct, those of embedded structs included, and
// sets its place and its defaults.
func (f *form) take(v reflect.Value, pos Pos) {
	if v.CanInterface() && v.IsZero() { // an embedded struct need not be exported
		if with, ok := v.Addr().Interface().(defaulter); ok {
			with.defaults()
		}
	}
	for i := range v.NumField() {
		t := v.Type().Field(i)
		name, _, _ := strings.Cut(t.Tag.Get("yaml"), ",")
		switch {
		case t.Anonymous:
			f.take(v.Field(i), pos)
			continue
		case name == "-" && t.Type == reflect.TypeFor[Pos]():
			v.Field(i).Set(reflect.ValueOf(pos))
			continue
		case name == "-" && t.Type == reflect.TypeFor[Settings]():
			f.rest, f.beside = v.Field(i), t.Tag.Get("lifeboat") == "beside"
			continue
		case name == "-" || !t.IsExported():
			continue
		case name == "":
			name = strings.ToLower(t.Name)
		}
		got := field{value: v.Field(i), required: t.Tag.Get("jsonschema") == "required",
			enum: strings.Fields(t.Tag.Get("enum")), spelling: t.Tag.Get("lifeboat")}
		f.fields[name] = got
		f.order = append(f.order, name)
	}
}

// structure fills the fields of a struct; a key that it does not know is a
// problem, unless a field of type Settings collects it.
func (d *decoder) structure(n *yaml.Node, v reflect.Value, path string) {
	f := form{fields: map[string]field{}}
	f.take(v, at(n))
	known := slices.Concat(d.beside, f.order)
	d.beside = nil
	if !d.want(n, yaml.MappingNode, "keys and values", path) {
		return
	}
	others := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Line: n.Line, Column: n.Column, FootComment: n.FootComment}
	given := map[string]bool{}
	for _, p := range d.pairs(n, path) {
		key := p.key.Value
		to, own := f.fields[key]
		given[key] = true
		switch {
		case own:
			d.field(d.respell(p.value, to.spelling), to, join(path, key))
		case f.rest.IsValid() && mistyped(key) == "":
			others.Content = append(others.Content, p.key, p.value)
		default:
			hint := cmp.Or(mistyped(key), nearest(key, known, "known keys: "), "delete it: there are none here")
			d.problem(p.key, "", hint, "unknown key %q%s", key, in(path))
		}
	}
	for _, name := range f.order {
		if f.fields[name].required && !given[name] {
			d.note(n, path, "add "+name+": …", "has no "+name)
		}
	}
	if f.rest.IsValid() {
		kind := ""
		if k := f.fields["kind"].value; k.IsValid() {
			kind = k.String()
		}
		s := Settings{Kind: kind, Pos: at(n), node: others, whole: n, file: d.file, dir: d.dir, path: path, secrets: d.secrets}
		if f.beside {
			s.beside = f.order
		}
		f.rest.Set(reflect.ValueOf(s))
	}
}

// field fills one field and holds it against its tag.
func (d *decoder) field(n *yaml.Node, to field, path string) {
	before := len(d.problems)
	d.decode(n, to.value, path)
	if len(d.problems) > before {
		return
	}
	n = d.resolve(n)
	empty := to.value.Kind() == reflect.String && to.value.Len() == 0 ||
		to.required && to.value.Kind() == reflect.Slice && to.value.Len() == 0 ||
		to.required && to.value.Kind() == reflect.Map && to.value.Len() == 0
	switch {
	case empty && to.required:
		d.problem(n, path, "it cannot be left out", "is empty")
	case empty:
		d.problem(n, path, "give a value or delete the key", "is empty")
	case len(to.enum) > 0 && to.value.Kind() == reflect.Slice:
		for i := range to.value.Len() {
			d.oneOf(n.Content[i], to.value.Index(i).String(), to.enum, index(path, i))
		}
	case len(to.enum) > 0:
		d.oneOf(n, to.value.String(), to.enum, path)
	}
}

// oneOf holds a text against those that a field takes.
func (d *decoder) oneOf(n *yaml.Node, text string, enum []string, path string) {
	if !slices.Contains(enum, text) {
		d.problem(n, path, nearest(text, enum, "give one of "), "%q is not one of %s", clip(text), strings.Join(enum, ", "))
	}
}

// respell rewrites the values of a mapping that may be written more loosely.
func (d *decoder) respell(n *yaml.Node, spelling string) *yaml.Node {
	n = d.resolve(n)
	if spelling == "" || n.Kind != yaml.MappingNode {
		return n
	}
	copied := *n
	copied.Content = slices.Clone(n.Content)
	for i := 1; i < len(copied.Content); i += 2 {
		value := d.resolve(copied.Content[i])
		text := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Line: value.Line, Column: value.Column,
			FootComment: value.FootComment}
		switch {
		case spelling == "plain" && value.Kind == yaml.ScalarNode && !isNull(value):
			text.Value = value.Value
		case spelling == "joined" && value.Kind == yaml.SequenceNode && d.texts(value) != nil:
			text.Value = strings.Join(d.texts(value), ", ")
		default:
			continue
		}
		copied.Content[i] = text
	}
	return &copied
}

// texts is a list of texts, nil where it is empty or holds anything else.
func (d *decoder) texts(n *yaml.Node) []string {
	var all []string
	for _, item := range n.Content {
		if item = d.resolve(item); item.ShortTag() != "!!str" {
			return nil
		}
		all = append(all, item.Value)
	}
	return all
}

// wide are the signs that an input method for Chinese writes where YAML wants those of ASCII.
var wide = map[rune]string{
	'：': `":" and a space`, '，': `"," and a space`, '｛': `"{"`, '｝': `"}"`, '［': `"["`, '］': `"]"`, '【': `"["`, '】': `"]"`,
	'“': `'"'`, '”': `'"'`, '‘': `"'"`, '’': `"'"`, '＃': `"#"`, '－': `"-"`,
	'\u3000': "plain spaces", '\u00a0': "plain spaces",
}

// mistyped is the hint for a text that holds such a sign; "" where it holds none.
func mistyped(text string) string {
	for _, c := range text {
		if want, ok := wide[c]; ok {
			return fmt.Sprintf("type %s instead of %q", want, c)
		}
	}
	return ""
}

// bare is a line without what stands in quotes and comments, where every sign is allowed.
func bare(line string) string {
	var out strings.Builder
	var quote, last rune
	for _, c := range line {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '#' && (last == 0 || last == ' ' || last == '\t'):
			return out.String()
		default:
			out.WriteRune(c)
		}
		last = c
	}
	return out.String()
}

// syntaxHint says what most likely keeps a file from being YAML: a tab or a sign of another keyboard in the line where
// the reader stopped, or in the one before it.
func syntaxHint(raw []byte, line int) string {
	lines := strings.Split(string(raw), "\n")
	for at := min(line, len(lines)); at >= max(1, line-1); at-- {
		text := bare(strings.TrimSuffix(lines[at-1], "\r"))
		if strings.HasPrefix(strings.TrimLeft(text, " "), "\t") {
			return fmt.Sprintf("line %d is indented with a tab: type spaces", at)
		}
		if hint := mistyped(text); hint != "" {
			return fmt.Sprintf("in line %d %s", at, hint)
		}
	}
	return "look at the indentation, quotes and brackets here and just above"
}

// foreign finds the first byte of a file that is not UTF-8. What begins with the mark of UTF-16 is left to the reader.
func foreign(file string, raw []byte) Problems {
	if utf8.Valid(raw) || bytes.HasPrefix(raw, []byte("\xff\xfe")) || bytes.HasPrefix(raw, []byte("\xfe\xff")) {
		return nil
	}
	at := 0
	for at < len(raw) {
		c, n := utf8.DecodeRune(raw[at:])
		if c == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	before := raw[:at]
	line := bytes.LastIndexByte(before, '\n') + 1
	return Problems{{File: file, Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(before[line:]) + 1,
		Message: "is not UTF-8", Hint: "save it as UTF-8; it may be GBK"}}
}
