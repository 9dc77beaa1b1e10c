package needs

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSample(t *testing.T) {
	all := map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6, "g": 7, "h": 8}
	t.Setenv(longVariable, "")
	t.Setenv(seedVariable, "1")
	some := Sample(t, all, 3)
	assert.Len(t, some, 3)
	for name, v := range some {
		assert.Equal(t, all[name], v)
	}
	assert.Equal(t, some, Sample(t, all, 3), "the same seed draws the same")
	drawn := map[string]bool{}
	for _, seed := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"} {
		t.Setenv(seedVariable, seed)
		for name := range Sample(t, all, 3) {
			drawn[name] = true
		}
	}
	assert.ElementsMatch(t, slices.Collect(maps.Keys(all)), slices.Collect(maps.Keys(drawn)), "every case is drawn by some seed")
	assert.Equal(t, all, Sample(t, all, 9))
	t.Setenv(longVariable, "1")
	assert.Equal(t, all, Sample(t, all, 3))
}
