package business

import (
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

// wrap fills a wrapper: the flow's path and the k6 scenario as JSON.
func wrap(wrapper, flow, scenario string) []byte {
	return []byte(strings.NewReplacer("__FLOW__", flow, "__SCENARIO__", scenario).Replace(wrapper))
}
