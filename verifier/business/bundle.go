package business

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"lifeboat/scenarios"
)

// bundle reads the folder of a flow, so that its relative imports and open()
// work in the container, too. entry is the script's path within it.
func bundle(script string) (entry string, files map[string][]byte, err error) {
	if files, err = scenarios.FlowFiles(script); err != nil {
		return "", nil, fmt.Errorf("read the flow %s: %w", script, err)
	}
	return filepath.Base(script), files, nil
}

// wrap fills a wrapper: the flow's path, the k6 scenario as JSON, and what the script says of itself.
func wrap(wrapper, flow, scenario string, script flowScript) []byte {
	name, err := json.Marshal(script.scenario)
	if err != nil { // of a text: never
		name = []byte(`""`)
	}
	return []byte(strings.NewReplacer("__FLOW__", flow, "__SCENARIO__", scenario, "__NAME__", string(name),
		"__EVERY__", script.every.String()).Replace(wrapper))
}
