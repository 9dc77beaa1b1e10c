package main

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"lifeboat/scenarios"
)

// The schema knows every kind of the kit that has keys of its own, and no other.
func TestSchemaKnowsTheKit(t *testing.T) {
	k := (&app{logs: &redirect{to: t.Output()}}).kit()
	var want []string
	add := func(of string, kinds []string) {
		for _, kind := range kinds {
			want = append(want, of+"-"+kind)
		}
	}
	add("store", slices.Collect(maps.Keys(k.Stores)))
	add("restore", slices.Collect(maps.Keys(k.Loaders)))
	add("restore", slices.Collect(maps.Keys(k.Imagers)))
	add("instance", slices.Collect(maps.Keys(k.Instances)))
	add("fault", slices.Collect(maps.Keys(k.Faults)))
	for check := range k.Checks {
		want = append(want, strings.Replace(check, "/", "-", 1))
	}
	var schema struct {
		Defs map[string]any `json:"$defs"`
	}
	require.NoError(t, json.Unmarshal(scenarios.Schema, &schema))
	var got []string
	for name := range schema.Defs {
		if strings.Contains(name, "-") {
			got = append(got, name)
		}
	}
	assert.ElementsMatch(t, want, got, "ci/schema/kinds.go lists them")
}
