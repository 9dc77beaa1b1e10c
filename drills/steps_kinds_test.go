package drills

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"lifeboat/scenarios"
)

// Whatever a scenario may ask for the engine can do, and it knows nothing that no scenario can ask for.
func TestEachKeyOfAStepHasARow(t *testing.T) {
	assert.ElementsMatch(t, scenarios.StepKeys(), slices.Collect(maps.Keys(stepKinds)))
}
