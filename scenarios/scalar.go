package scenarios

import (
	"errors"
	"reflect"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"lifeboat/drills/record"
)

// scalar fills text, numbers and booleans. Nothing is converted silently: a
// number where text belongs is a problem, as version 1.10 would become 1.1.
func (d *decoder) scalar(n *yaml.Node, v reflect.Value, path string) {
	tag := n.ShortTag()
	switch {
	case v.Kind() == reflect.String:
		if !d.want(n, yaml.ScalarNode, "text", path) {
			return
		}
		if tag == "!!int" || tag == "!!float" || tag == "!!bool" {
			d.problem(n, path, "put it in quotes: "+strconv.Quote(n.Value), "want text, have %s", describe(n))
			return
		}
		v.SetString(n.Value)
	case v.Kind() == reflect.Bool:
		if tag != "!!bool" || n.Value != "true" && n.Value != "false" {
			d.problem(n, path, "write true or false, without quotes", "want true or false, have %s", describe(n))
			return
		}
		v.SetBool(n.Value == "true")
	case v.CanInt():
		i, err := strconv.ParseInt(n.Value, 10, v.Type().Bits())
		if tag != "!!int" || err != nil {
			d.problem(n, path, "digits alone, without quotes or a unit", "want a whole number, have %s", describe(n))
			return
		}
		v.SetInt(i)
	case v.CanUint():
		i, err := strconv.ParseUint(n.Value, 10, v.Type().Bits())
		if tag != "!!int" || err != nil {
			d.problem(n, path, "", "want a whole number that is not negative, have %s", describe(n))
			return
		}
		v.SetUint(i)
	case v.CanFloat():
		f, err := strconv.ParseFloat(n.Value, 64)
		if tag != "!!int" && tag != "!!float" || err != nil || f-f != 0 {
			d.problem(n, path, "digits alone, without quotes or a unit", "want a number, have %s", describe(n))
			return
		}
		v.SetFloat(f)
	default:
		d.problem(n, path, "", "cannot be given in a scenario")
	}
}

// unit fills a value that carries its unit.
func unit[T any](d *decoder, n *yaml.Node, into *T, path string, parse func(string) (T, error), hint string) {
	if n.Kind != yaml.ScalarNode {
		d.problem(n, path, hint, "want a value with a unit, have %s", describe(n))
		return
	}
	if tag := n.ShortTag(); tag == "!!int" || tag == "!!float" {
		d.problem(n, path, hint, "%s has no unit", n.Value)
		return
	}
	got, err := parse(n.Value)
	if err != nil {
		d.problem(n, path, hint, "%s", err)
		return
	}
	*into = got
}

// moment fills a time of day, which needs its zone.
func (d *decoder) moment(n *yaml.Node, into *time.Time, path string) {
	got, err := time.Parse(time.RFC3339, n.Value)
	if n.Kind != yaml.ScalarNode || err != nil {
		d.problem(n, path, "give date, time and zone, such as 2026-03-01T02:00:00+08:00",
			"want a time, have %s", describe(n))
		return
	}
	*into = got
}

// secret fills a plain text, {env: NAME} or {file: path}.
func (d *decoder) secret(n *yaml.Node, into *Secret, path string) {
	if n.Kind == yaml.ScalarNode {
		*into = Plain(n.Value) // as written: PORT: 8080 needs no quotes
		if d.plain != nil {
			*d.plain = append(*d.plain, *into)
		}
		return
	}
	if n.Kind != yaml.MappingNode {
		d.problem(n, path, "write a text, {env: NAME} or {file: path}", "want a text, have %s", describe(n))
		return
	}
	var form struct {
		Env  string `yaml:"env"`
		File string `yaml:"file"`
	}
	before := len(d.problems)
	d.structure(n, reflect.ValueOf(&form).Elem(), path)
	if len(d.problems) == before && (form.Env == "") == (form.File == "") {
		d.problem(n, path, "write {env: NAME} or {file: path}", "want exactly one of env and file")
	}
	*into = Secret{env: form.Env, file: form.File}.within(d.dir)
	if d.secrets != nil && into.Hidden() {
		*d.secrets = append(*d.secrets, *into)
		if _, err := into.Reveal(); errors.Is(err, ErrShortSecret) { // one that cannot be read here may be there
			d.problem(n, path, "take a longer one, or write it here as it is if it is no secret", "the value of %s%s %s",
				form.Env, form.File, ErrShortSecret)
		}
	}
}

// text fills a text in several languages; a plain one is English.
func (d *decoder) text(n *yaml.Node, into *record.Text, path string) {
	if n.Kind == yaml.ScalarNode {
		var text string
		d.scalar(n, reflect.ValueOf(&text).Elem(), path)
		*into = record.Text{"en": text}
		return
	}
	if n.Kind != yaml.MappingNode {
		d.problem(n, path, "write a text, or {en: …, zh: …}", "want a text, have %s", describe(n))
		return
	}
	var form struct {
		En string `yaml:"en"`
		Zh string `yaml:"zh"`
	}
	d.structure(n, reflect.ValueOf(&form).Elem(), path)
	*into = record.Text{}
	if form.En != "" {
		(*into)["en"] = form.En
	}
	if form.Zh != "" {
		(*into)["zh"] = form.Zh
	}
}

// settings keeps a kind's keys for its owner.
func (d *decoder) settings(n *yaml.Node, into *Settings, path string) {
	if !d.want(n, yaml.MappingNode, "keys and values", path) {
		return
	}
	var form struct {
		Kind     string   `yaml:"kind" jsonschema:"required"`
		Settings Settings `yaml:"-"`
	}
	d.structure(n, reflect.ValueOf(&form).Elem(), path)
	*into = form.Settings
}

// describe names a value for a message.
func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "keys and values"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.ShortTag() == "!!int" || n.ShortTag() == "!!float":
		return "the number " + clip(n.Value)
	default:
		return strconv.Quote(clip(n.Value))
	}
}

// Clip keeps a message on one line of bearable length.
func Clip(text string) string { return clip(text) }

func clip(text string) string {
	if r := []rune(text); len(r) > 60 {
		return strings.TrimSpace(string(r[:60])) + "…"
	}
	return text
}
