package scenarios

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestScenarioNames(t *testing.T) {
	for text, want := range map[string][]string{
		`export const options = { scenarios: { buy: { executor: 'x', exec: 'buy', env: { A: 'b' } }, 'look at': {} } };`:                    {"buy", "look at"},
		"export const options = {\n  thresholds: {}, // scenarios: { no: {} }\n  scenarios: {\n    // { a\n    one: f({ b: 1 }),\n  },\n};": {"one"},
		`export default function () {}`:                     nil,
		`export const options = { scenarios: made() };`:     nil,
		`export const options = { scenarios: { ...all } };`: nil,
	} {
		assert.Equal(t, want, scenarioNames(text), text)
	}
}
