// Command schema writes the JSON Schema of scenario files from the same Go
// structs that the loader fills, so that editors and the loader agree. It runs
// at the root of the repository: go generate ./scenarios.
package main

import (
	"encoding/json"
	"fmt"
	"os"
)

// output is where the schema is embedded from.
const output = "scenarios/scenario.schema.json"

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	raw, err := generate("scenarios")
	if err != nil {
		return err
	}
	if err := os.WriteFile(output, raw, 0o644); err != nil {
		return fmt.Errorf("write schema: %w (run it at the root of the repository)", err)
	}
	return nil
}

// generate makes the schema; the descriptions are the comments of the sources.
func generate(sources string) ([]byte, error) {
	schema, err := reflectDocument(sources)
	if err != nil {
		return nil, err
	}
	raw, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	return append(raw, '\n'), nil
}
