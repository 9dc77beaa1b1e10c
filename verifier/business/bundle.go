package business

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"lifeboat/internal/userfile"
)

// mostFlow bounds what a flow's folder may hold: it is copied into the container.
const mostFlow = 16 << 20 // bytes

// bundle reads the folder of a flow, so that its relative imports and open()
// work in the container, too. entry is the script's path within it.
func bundle(script string) (entry string, files map[string][]byte, err error) {
	root := filepath.Dir(script)
	files = map[string][]byte{}
	var total int64
	err = filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if total += info.Size(); total > mostFlow { // asked first: a backup may lie beside the script
			return fmt.Errorf("the folder %s holds more than %d MiB; keep flows in a folder of their own", root, mostFlow>>20)
		}
		content, err := userfile.Read(p, mostFlow)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil {
			return err
		}
		files[filepath.ToSlash(rel)] = content
		return nil
	})
	if err != nil {
		return "", nil, fmt.Errorf("read the flow %s: %w", script, err)
	}
	return filepath.Base(script), files, nil
}

// wrap fills a wrapper: the flow's path and the k6 scenario as JSON.
func wrap(wrapper, flow, scenario string) []byte {
	return []byte(strings.NewReplacer("__FLOW__", flow, "__SCENARIO__", scenario).Replace(wrapper))
}
