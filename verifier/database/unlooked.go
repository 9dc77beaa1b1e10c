package database

import (
	"slices"

	"lifeboat/drills/record"
)

// Reference is what a copy was held against.
type Reference string

// The references that leave something unlooked at; an exact profile leaves nothing.
const (
	WithoutProfile Reference = "profile" // there was none
	SinceLast      Reference = "last"    // the last proof
)

// NotLooked are the kinds of what is not found by a reference, each a label of the catalogue: unlooked.…
func NotLooked(r Reference, moved bool) []string {
	kinds := []string{"values", "shifted", "few_rows", "sequences", "blobs"}
	if r == WithoutProfile {
		kinds = append(kinds, "rows", "structure", "rights")
	}
	if !moved {
		kinds = append(kinds, "stale")
	}
	return kinds
}

// Unlooked says at what nobody looked, by name.
func Unlooked(r Reference, moved bool) record.Observation {
	o := record.Observation{ID: "unlooked." + string(r), Args: map[string]string{}}
	for _, kind := range []string{"values", "shifted", "few_rows", "rows", "structure", "rights", "sequences", "blobs", "stale"} {
		if slices.Contains(NotLooked(r, moved), kind) {
			o.Args[kind] = kind
		}
	}
	return o
}
