package scenarios

import _ "embed"

//go:generate go -C .. run ./ci/schema

// Schema is the JSON Schema of scenario files, for editors and other tools. It
// knows names, types and spellings, those of every kind included; Load also checks what belongs together.
//
//go:embed scenario.schema.json
var Schema []byte
