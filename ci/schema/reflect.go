package main

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/invopop/jsonschema"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// duration: days first, then what Go's time.ParseDuration reads.
const duration = `^([0-9.]+d|([0-9.]+d)?([0-9.]+(h|m|s|ms|us|µs|ns))+)$`

func oneOrSeveral() *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "array", Items: &jsonschema.Schema{Type: "string"}}}}
}

// spellings are the types that are written in a way of their own.
var spellings = map[reflect.Type]func() *jsonschema.Schema{
	reflect.TypeFor[scenarios.Duration]():  pattern(duration, "30m", "2h", "500ms"),
	reflect.TypeFor[scenarios.Size]():      pattern(`^[0-9.]+ ?([KMGT]i?B|kB|B)$`, "512MiB", "2GB"),
	reflect.TypeFor[scenarios.Rate]():      pattern(`^[0-9.]+ ?([KMGT]i?B|kB|B)/s$`, "20MB/s"),
	reflect.TypeFor[scenarios.PerSecond](): pattern(`^[0-9.]+/s$`, "20/s"),
	reflect.TypeFor[scenarios.Percent]():   pattern(`^[0-9.]+ ?%$`, "5%"),
	reflect.TypeFor[scenarios.Include]():   oneOrSeveral,
	reflect.TypeFor[scenarios.Loads]():     oneOrSeveral,
	reflect.TypeFor[scenarios.Only]():      oneOrSeveral,
	reflect.TypeFor[scenarios.Matrix](): func() *jsonschema.Schema {
		return &jsonschema.Schema{Type: "object", AdditionalProperties: &jsonschema.Schema{Type: "object"}}
	},
	reflect.TypeFor[scenarios.RevertStep](): func() *jsonschema.Schema { // written as a snapshot is
		return &jsonschema.Schema{Ref: "#/$defs/SnapshotStep"}
	},
	reflect.TypeFor[scenarios.Range]():    pattern(`^[0-9]+(\.[0-9]+){3}/([89]|1[0-9]|2[0-6])$`, "10.20.0.0/16"),
	reflect.TypeFor[scenarios.Secret]():   secret,
	reflect.TypeFor[scenarios.Settings](): settings,
	reflect.TypeFor[record.Text]():        text,
	reflect.TypeFor[time.Time]():          moment,
}

// reflectScenario makes the schema of a scenario file.
func reflectScenario(sources string) (*jsonschema.Schema, error) {
	schema, err := reflectDocument(sources, &scenarios.Document{})
	if err != nil {
		return nil, err
	}
	schema.Title = "lifeboat scenario"
	// What a file must have may stand in one that it includes.
	schema.AnyOf = []*jsonschema.Schema{{Required: schema.Required}, {Required: []string{"include"}},
		{Required: []string{"matrix"}}}
	schema.Required = nil
	return schema, nil
}

// reflectCatalogue makes the schema of a catalogue.
func reflectCatalogue(sources string) (*jsonschema.Schema, error) {
	schema, err := reflectDocument(sources, &scenarios.CatalogueDocument{})
	if err != nil {
		return nil, err
	}
	schema.Title = "lifeboat catalogue"
	schema.Definitions["Entry"].Required = nil // what is missing stands in the defaults, where no name does
	return schema, nil
}

// reflectDocument makes the schema of a kind of file, with every kind of back-end.
func reflectDocument(sources string, document any) (*jsonschema.Schema, error) {
	r := &jsonschema.Reflector{
		Anonymous:                  true,
		ExpandedStruct:             true,
		RequiredFromJSONSchemaTags: true,
		FieldNameTag:               "yaml",
		Mapper: func(t reflect.Type) *jsonschema.Schema {
			if make, ok := spellings[t]; ok {
				return make()
			}
			return nil
		},
	}
	if err := r.AddGoComments("lifeboat", sources, jsonschema.WithFullComment()); err != nil {
		return nil, fmt.Errorf("read comments: %w", err)
	}
	schema := r.Reflect(document)
	seen := map[reflect.Type]bool{}
	refine(reflect.TypeOf(document).Elem(), schema, schema.Definitions, seen)
	return schema, addKinds(schema)
}

// refine adds what the tags of a struct say beyond names and types: enum, the
// looser spellings, and the keys that its kind owns.
func refine(t reflect.Type, of *jsonschema.Schema, all jsonschema.Definitions, seen map[reflect.Type]bool) {
	if seen[t] {
		return
	}
	seen[t] = true
	refineFields(t, of, all, seen)
	if t == reflect.TypeFor[scenarios.BootStep]() {
		long := *of
		*of = jsonschema.Schema{Description: long.Description,
			OneOf: []*jsonschema.Schema{{Type: "string", Description: "the instance"}, &long}}
	}
	if t == reflect.TypeFor[scenarios.Points]() {
		long := *of
		*of = jsonschema.Schema{Description: long.Description, OneOf: []*jsonschema.Schema{{Type: "string", Enum: []any{"all", "oldest"}}, &long}}
	}
	if t == reflect.TypeFor[scenarios.Pulse]() {
		long, rate := *of, pattern(`^[0-9.]+/s$`, "10/s")()
		rate.Description = "iterations a second"
		*of = jsonschema.Schema{Description: long.Description, OneOf: []*jsonschema.Schema{rate, &long}}
	}
	if t == reflect.TypeFor[scenarios.Step]() {
		for _, key := range scenarios.StepKeys() {
			of.OneOf = append(of.OneOf, &jsonschema.Schema{Required: []string{key}})
		}
	}
}

// refineFields refines the fields of a struct, and those of what it embeds: that may be embedded elsewhere, too.
func refineFields(t reflect.Type, of *jsonschema.Schema, all jsonschema.Definitions, seen map[reflect.Type]bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if f.Anonymous {
			refineFields(f.Type, of, all, seen)
			continue
		}
		if key == "-" && f.Type == reflect.TypeFor[scenarios.Settings]() {
			of.AdditionalProperties = jsonschema.TrueSchema // the kind's own keys
		}
		if property, ok := of.Properties.Get(key); ok {
			refineField(f, property)
		}
		if inner := structOf(f.Type); inner != nil && all[inner.Name()] != nil {
			refine(inner, all[inner.Name()], all, seen)
		}
	}
}

// refineField adds what the tags of one field say.
func refineField(f reflect.StructField, property *jsonschema.Schema) {
	of := property
	if f.Type.Kind() == reflect.Slice {
		of = property.Items
	}
	for _, value := range strings.Fields(f.Tag.Get("enum")) {
		of.Enum = append(of.Enum, value)
	}
	switch f.Tag.Get("lifeboat") {
	case "joined":
		property.AdditionalProperties = &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"},
			{Type: "array", Items: &jsonschema.Schema{Type: "string"}}}}
	case "plain":
		property.AdditionalProperties = scalar()
	}
}

// structOf is the struct behind pointers, lists and maps.
func structOf(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if _, own := spellings[t]; own || t.Kind() != reflect.Struct {
		return nil
	}
	return t
}

func pattern(expression string, examples ...any) func() *jsonschema.Schema {
	return func() *jsonschema.Schema {
		return &jsonschema.Schema{Type: "string", Pattern: expression, Examples: examples}
	}
}

func scalar() *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, {Type: "number"}, {Type: "boolean"}}}
}

func moment() *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Format: "date-time"} }

// object is a mapping of texts; closed: of these keys only.
func object(keys ...string) *jsonschema.Schema {
	s := &jsonschema.Schema{Type: "object", Properties: jsonschema.NewProperties(),
		AdditionalProperties: jsonschema.FalseSchema}
	for _, key := range keys {
		s.Properties.Set(key, &jsonschema.Schema{Type: "string"})
	}
	return s
}

func secret() *jsonschema.Schema {
	one := uint64(1)
	form := object("env", "file")
	form.MinProperties, form.MaxProperties = &one, &one
	return &jsonschema.Schema{OneOf: append(scalar().OneOf, form),
		Description: "a value that is never printed: as it is, {env: NAME} or {file: path}"}
}

func text() *jsonschema.Schema {
	return &jsonschema.Schema{OneOf: []*jsonschema.Schema{{Type: "string"}, object("en", "zh")}}
}

func settings() *jsonschema.Schema {
	s := object("kind")
	s.Required, s.AdditionalProperties = []string{"kind"}, jsonschema.TrueSchema
	return s
}
