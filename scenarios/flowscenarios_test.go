package scenarios

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A script with a default function and several scenarios runs the function; that is told, once.
func TestWhichScenarioRuns(t *testing.T) {
	const text = `scenario: which
trigger: none
backups: {db: {store: {kind: dir, path: b}, restore: {kind: postgres}}}
instances: {db: {kind: docker, image: pg, load: db}}
flow: {script: flow.js}
checks:
  business: [{kind: k6, script: flow.js}]
  excluded: {system: none, data: none, service: none}
`
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "flow.js"), []byte("export const options = { scenarios: { buy: {}, look: {} } };\n"+
		"export default function () {}\n"), 0o600))
	for change, said := range map[string]int{"": 1, ", scenario: buy": 0} {
		raw := strings.Replace(text, "script: flow.js}\nchecks", "script: flow.js"+change+"}\nchecks", 1)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "s.yaml"), []byte(raw), 0o600))
		sc, err := Load(filepath.Join(dir, "s.yaml"))
		require.NoError(t, err)
		require.Len(t, sc.Notes, said)
		if said > 0 {
			assert.Contains(t, sc.Notes[0], "flow.js has 2 scenarios in its options, and none of them is chosen: its default function is what runs")
			assert.Contains(t, sc.Notes[0], "(buy, look)")
		}
	}
}

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
