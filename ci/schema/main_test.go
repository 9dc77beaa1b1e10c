package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v4"

	"lifeboat/scenarios"
)

func TestSchemaIsInStepWithTheCode(t *testing.T) {
	t.Chdir("../..")
	for output, of := range outputs {
		got, err := generate("scenarios", of)
		require.NoError(t, err)
		shipped, err := os.ReadFile(output)
		require.NoError(t, err)
		assert.Equal(t, string(shipped), string(got), "run: go generate ./scenarios")
	}
}

// TestSchemaOfCatalogues accepts a catalogue that the loader reads, and refuses what it refuses.
func TestSchemaOfCatalogues(t *testing.T) {
	raw, err := os.ReadFile("../../scenarios/catalogue.schema.json")
	require.NoError(t, err)
	schema := compileOf(t, raw)
	const good = "../../scenarios/testdata/catalogue/nightly.yaml"
	_, problems := scenarios.ReadCatalogue(good)
	require.Empty(t, problems)
	text, err := os.ReadFile(good)
	require.NoError(t, err)
	require.NoError(t, validate(t, schema, text))
	for _, change := range [][2]string{{"catalogue: nightly\n", ""}, {"owner:", "onwer:"}, {"points: all", "points: every"}, {"random: 3", "random: three"},
		{"kind: postgres", "kind: postgers"}, {"every: 26h", "every: 26"}} {
		require.Contains(t, string(text), change[0])
		assert.Error(t, validate(t, schema, []byte(strings.Replace(string(text), change[0], change[1], 1))), change[1])
	}
}

// compile makes a validator of the shipped schema.
func compile(t *testing.T) *jsonschema.Schema { return compileOf(t, scenarios.Schema) }

func compileOf(t *testing.T, raw []byte) *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("scenario.schema.json", doc))
	schema, err := c.Compile("scenario.schema.json")
	require.NoError(t, err)
	return schema
}

// validate holds a YAML text against the schema.
func validate(t *testing.T, schema *jsonschema.Schema, text []byte) error {
	var value any
	require.NoError(t, yaml.Load(text, &value))
	return schema.Validate(asJSON(value))
}

// asJSON writes times as JSON does.
func asJSON(value any) any {
	switch v := value.(type) {
	case time.Time:
		return v.Format(time.RFC3339)
	case map[string]any:
		for key := range v {
			v[key] = asJSON(v[key])
		}
	case []any:
		for i := range v {
			v[i] = asJSON(v[i])
		}
	}
	return value
}

func TestSchemaAcceptsWhatLoadAccepts(t *testing.T) {
	schema := compile(t)
	files, err := filepath.Glob("../../scenarios/testdata/ok/*.yaml")
	require.NoError(t, err)
	library, err := filepath.Glob("../../scenarios/library/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range append(files, library...) {
		raw, err := os.ReadFile(file)
		require.NoError(t, err)
		assert.NoError(t, validate(t, schema, raw), file)
	}
	assert.NoError(t, validate(t, schema, scenarios.Template("shop")), "the template of lifeboat new")
}

func TestSchemaRefusesMistakes(t *testing.T) {
	schema := compile(t)
	raw, err := os.ReadFile("../../scenarios/testdata/ok/design.yaml")
	require.NoError(t, err)
	good := string(raw)
	changes := map[string][2]string{
		"unknown key at the top":  {"service: shop", "servcie: shop"},
		"unknown key below":       {"timeout: 1s", "timout: 1s"},
		"unknown trigger":         {"trigger: fault", "trigger: flaut"},
		"number without a unit":   {"pulse: 20/s", "pulse: 20"},
		"duration without a unit": {"restored: 2h", "restored: 120"},
		"store without a kind":    {"store: {kind: dir, ", "store: {"},
		"step that does nothing":  {"- destroy: db", "- {}"},
		"step that does two":      {"- destroy: db", "- {destroy: db, stop: db}"},
		"check without a kind":    {"{kind: tcp, to: db:5432}", "{to: db:5432}"},
		"missing scenario":        {"scenario: db-unreachable-after-upgrade\n", ""},
		"unknown key of a store":  {"store: {kind: dir, ", "store: {kind: dir, paht: x, "},
		"unknown kind of fault":   {"kind: pg-hba-reject", "kind: pg-hba-rejcet"},
		"unknown key of a fault":  {"{kind: pg-hba-reject, ", "{kind: pg-hba-reject, prot: 1, "},
		"check of another layer":  {"system:   [", "system:   [{kind: tcp, to: db:5432}, "},
		"key of another kind":     {"{kind: tcp, to: db:5432}", "{kind: tcp, to: db:5432, query: x}"},
		"secret of two sources":   {"load: shop-db,", "load: shop-db, env: {A: {env: B, file: c}},"},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, good, change[0])
			assert.Error(t, validate(t, schema, []byte(strings.Replace(good, change[0], change[1], 1))))
		})
	}
}

// Every key of every kind is described: the schema is where users look them up.
func TestSchemaDescribesEveryKeyOfAKind(t *testing.T) {
	var doc struct {
		Defs map[string]struct {
			Properties map[string]struct{ Description, Const, Ref string }
		} `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(scenarios.Schema, &doc))
	count := 0
	for name, def := range doc.Defs {
		if !strings.Contains(name, "-") {
			continue
		}
		count++
		for key, p := range def.Properties {
			assert.True(t, p.Description != "" || p.Const != "", "%s: say beside the field what %s is", name, key)
		}
	}
	assert.Greater(t, count, 30)
}
