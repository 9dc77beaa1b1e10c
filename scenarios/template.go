package scenarios

import (
	"bytes"
	"cmp"
	_ "embed"
	"strings"
)

//go:embed template/scenario.yaml
var template []byte

//go:embed template/flow.js
var templateFlow []byte

// CatalogueTemplate is what lifeboat new --catalogue fills with what it found, a text/template.
//
//go:embed template/catalogue.yaml.tmpl
var CatalogueTemplate string

// Template is a scenario to begin with, every choice commented. Its flow is
// flows/NAME.js, its backups are under backups/. Letters that no name may have
// become hyphens; an empty name becomes "my-first-drill".
func Template(name string) []byte {
	return bytes.ReplaceAll(template, []byte("NAME"), []byte(TemplateName(name)))
}

// TemplateFlow is the k6 script that Template names.
func TemplateFlow() []byte { return bytes.Clone(templateFlow) }

// TemplateName is the name that Template gives the scenario.
func TemplateName(name string) string {
	clean := strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(name))
	clean = strings.Trim(clean[:min(len(clean), 63)], "-")
	return cmp.Or(clean, "my-first-drill")
}

//go:generate go -C .. run ./ci/schema

// Schema is the JSON Schema of scenario files, for editors and other tools. It
// knows names, types and spellings, those of every kind included; Load also checks what belongs together.
//
//go:embed scenario.schema.json
var Schema []byte
