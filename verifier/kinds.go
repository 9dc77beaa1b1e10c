package verifier

import (
	"maps"
	"slices"
	"strings"

	"lifeboat/scenarios"
)

// Kinds makes the checks of a layer, each by its kind.
type Kinds map[string]func(spec scenarios.CheckSpec) (Check, []scenarios.Problem)

// Names of the kinds, sorted.
func (k Kinds) Names() []string { return slices.Sorted(maps.Keys(k)) }

// New makes a check of its part of a scenario.
func (k Kinds) New(layer string, spec scenarios.CheckSpec) (Check, []scenarios.Problem) {
	if make, ok := k[spec.Kind]; ok {
		return make(spec)
	}
	return nil, []scenarios.Problem{spec.Settings.Problem("", "kinds: "+strings.Join(k.Names(), ", "),
		"there is no %s check %q", layer, spec.Kind)}
}
