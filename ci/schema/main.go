// Command schema writes the JSON Schemas of scenario files and of catalogues from the same Go
// structs that the loader fills, so that editors and the loader agree. It runs
// at the root of the repository: go generate ./scenarios.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/invopop/jsonschema"
)

// outputs are where the schemas are embedded from.
var outputs = map[string]func(sources string) (*jsonschema.Schema, error){
	"scenarios/scenario.schema.json":  reflectScenario,
	"scenarios/catalogue.schema.json": reflectCatalogue,
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	for output, of := range outputs {
		raw, err := generate("scenarios", of)
		if err != nil {
			return err
		}
		if err := os.WriteFile(output, raw, 0o644); err != nil {
			return fmt.Errorf("write schema: %w (run it at the root of the repository)", err)
		}
	}
	return nil
}

// generate makes a schema; the descriptions are the comments of the sources.
func generate(sources string, of func(string) (*jsonschema.Schema, error)) ([]byte, error) {
	schema, err := of(sources)
	if err != nil {
		return nil, err
	}
	raw, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	return append(raw, '\n'), nil
}
