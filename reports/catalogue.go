package reports

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.yaml.in/yaml/v4"

	"lifeboat/drills/record"
)

//go:embed messages/*.yaml
var messageFiles embed.FS

// Catalogue holds every text of the reports in every language: labels, which
// belong to the pages, and sentences, which records and verdicts name by id.
type Catalogue struct {
	labels    map[Language]map[string]string
	sentences map[Language]map[string]string
	next      map[Language]map[string]string // what to do now: see lesson.go
	phrases   map[Language]map[string]string // of what the journal holds in English, in its parts: see phrases.go
	texts     map[Language]func() []told     // of what it holds as one text: see texts.go
}

// Messages returns the catalogue that is built in. It is read once.
var Messages = sync.OnceValue(func() *Catalogue {
	c := &Catalogue{labels: map[Language]map[string]string{}, sentences: map[Language]map[string]string{},
		next: map[Language]map[string]string{}, phrases: map[Language]map[string]string{}, texts: map[Language]func() []told{}}
	for _, l := range Languages() {
		if err := c.read(l); err != nil {
			panic(fmt.Sprintf("read the built-in messages of %s: %v", l, err)) // only a broken build can get here
		}
	}
	return c
})

// catalogueFile is what the YAML files of one language hold together: labels may be nested, the others are flat.
type catalogueFile struct {
	Labels    map[string]any    `yaml:"labels"`
	Sentences map[string]string `yaml:"sentences"`
	Next      map[string]string `yaml:"next"`
	Phrases   map[string]string `yaml:"phrases"`
	Texts     map[string]string `yaml:"texts"`
}

func (c *Catalogue) read(l Language) error {
	var f catalogueFile
	for _, name := range []string{".yaml", ".next.yaml", ".phrases.yaml", ".texts.yaml"} {
		text, err := messageFiles.ReadFile("messages/" + string(l) + name)
		if errors.Is(err, fs.ErrNotExist) && (name == ".phrases.yaml" || name == ".texts.yaml") {
			continue // the journal is in English
		}
		if err != nil {
			return err
		}
		if err := yaml.Unmarshal(text, &f); err != nil {
			return fmt.Errorf("parse messages: %w", err)
		}
	}
	c.labels[l], c.sentences[l], c.next[l] = map[string]string{}, f.Sentences, f.Next
	c.phrases[l], c.texts[l] = f.Phrases, sync.OnceValue(func() []told { return recognisers(f.Texts) })
	return flatten(c.labels[l], "", f.Labels)
}

func flatten(into map[string]string, prefix string, from map[string]any) error {
	for k, v := range from {
		switch v := v.(type) {
		case string:
			into[prefix+k] = v
		case map[string]any:
			if err := flatten(into, prefix+k+".", v); err != nil {
				return err
			}
		default:
			return fmt.Errorf("read message %s%s: a text is wanted, not %T", prefix, k, v)
		}
	}
	return nil
}

// Label returns a text of the pages with its arguments put in; an unknown key
// comes back in brackets, which the golden tests look for.
func (c *Catalogue) Label(l Language, key string, args map[string]string) string {
	text, ok := c.labels[l.known()][key]
	if !ok {
		return "⟦" + key + "⟧"
	}
	return c.fill(l, text, args)
}

// HasLabel tells whether a key exists, for names that users may invent (roles, phases).
func (c *Catalogue) HasLabel(key string) bool {
	_, ok := c.labels[English][key]
	return ok
}

// Named returns the label of a name that users may invent, or the name itself.
func (c *Catalogue) Named(l Language, group, name string) string {
	if key := group + "." + name; c.HasLabel(key) {
		return c.Label(l, key, nil)
	}
	return name
}

// Sentence writes a reason in words. An id that the catalogue does not know is
// printed with its arguments: a newer record stays readable.
func (c *Catalogue) Sentence(l Language, r record.Reason) string {
	text, ok := c.sentences[l.known()][r.ID]
	if !ok {
		return unknownSentence(r.ID, r.Args)
	}
	return c.fill(l, text, r.Args)
}

// Finding writes a finding in words.
func (c *Catalogue) Finding(l Language, f record.Finding) string {
	return c.Sentence(l, record.Reason{ID: f.ID, Args: f.Args})
}

// Observation writes an observation in words.
func (c *Catalogue) Observation(l Language, o record.Observation) string {
	return c.Sentence(l, record.Reason{ID: o.ID, Args: o.Args})
}

// Knows tells whether every language has the sentence.
func (c *Catalogue) Knows(id string) bool {
	for _, l := range Languages() {
		if _, ok := c.sentences[l][id]; !ok {
			return false
		}
	}
	return true
}

func unknownSentence(id string, args map[string]string) string {
	if len(args) == 0 {
		return id
	}
	var parts []string
	for _, k := range slices.Sorted(maps.Keys(args)) {
		parts = append(parts, k+"="+args[k])
	}
	return id + " (" + strings.Join(parts, ", ") + ")"
}

// known falls back to English.
func (l Language) known() Language {
	if slices.Contains(Languages(), l) {
		return l
	}
	return English
}

// placeholder is {name} or {name|form}; the forms are in fill. A part in square
// brackets is left out where an argument in it is empty: "missed[ on {scope}]".
var (
	placeholder = regexp.MustCompile(`\{([a-z_0-9]+)(?:\|([a-z_]+))?\}`)
	optional    = regexp.MustCompile(`\[[^\[\]]*\]`)
)

// fill puts arguments in. Forms: up and down round a time as a bound, limit
// writes it exactly, size, rate, rateup and ratedown take bytes, count a whole
// number, scope the judge's name of an incident, and objective, layer, status, phase, decision
// and the like look a name up.
// A value that is a Go duration is written as a time without any form. An
// argument that is missing is printed as "–", never as an empty hole.
func (c *Catalogue) fill(l Language, text string, args map[string]string) string {
	l = l.known()
	text = optional.ReplaceAllStringFunc(text, func(part string) string {
		for _, m := range placeholder.FindAllStringSubmatch(part, -1) {
			if args[m[1]] == "" {
				return ""
			}
		}
		return part[1 : len(part)-1]
	})
	return placeholder.ReplaceAllStringFunc(text, func(hit string) string {
		m := placeholder.FindStringSubmatch(hit)
		value, ok := args[m[1]]
		if !ok || value == "" {
			return "–"
		}
		return c.write(l, value, m[2])
	})
}

func (c *Catalogue) write(l Language, value, form string) string {
	if d, err := time.ParseDuration(value); err == nil && strings.ContainsAny(value, "hms") {
		switch form {
		case "up":
			return l.Duration(d, Up)
		case "down":
			return l.Duration(d, Down)
		case "limit":
			return l.Limit(d)
		}
		if d%time.Second == 0 { // chosen by people, not measured
			return l.Limit(d)
		}
		return l.Duration(d, Nearest)
	}
	if n, err := strconv.ParseFloat(value, 64); err == nil {
		switch form {
		case "size":
			return l.Size(int64(n))
		case "rate":
			return l.Rate(n, Nearest)
		case "rateup":
			return l.Rate(n, Up)
		case "ratedown":
			return l.Rate(n, Down)
		case "count":
			return l.Count(int64(n))
		}
	}
	if number, ok := strings.CutPrefix(value, incidentScope); ok && form == "scope" {
		return c.Label(l, "incident.caption", map[string]string{"id": number})
	}
	switch form {
	case "":
		return c.Text(l, value)
	case "scope", "up", "down", "limit", "size", "rate", "rateup", "ratedown", "count":
		return value
	}
	return c.Named(l, form, value)
}
