// Package library holds the scenarios that are shipped with lifeboat, with
// their flows. They expect their backups beside them, in backups/.
package library

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"lifeboat/internal/userfile"
)

//go:embed *.yaml flows
var files embed.FS

// Names lists the shipped scenarios, sorted.
func Names() []string {
	entries, err := files.ReadDir(".")
	if err != nil { // embedded: cannot happen
		panic(err)
	}
	var names []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(e.Name(), ".yaml"); ok {
			names = append(names, name)
		}
	}
	return names
}

// Has tells whether a scenario of that name is shipped.
func Has(name string) bool { return slices.Contains(Names(), name) }

// Write puts a scenario and all flows into a folder and returns the scenario's
// path. A file of the same name that is not the shipped one is never overwritten: an error.
func Write(name, dir string) (string, error) {
	if !Has(name) {
		return "", fmt.Errorf("write scenario %q: shipped are %s", name, strings.Join(Names(), ", "))
	}
	return filepath.Join(dir, name+".yaml"), fs.WalkDir(files, ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || (path.Ext(p) == ".yaml" && p != name+".yaml") {
			return err
		}
		content, err := files.ReadFile(p)
		if err != nil {
			return err
		}
		return put(filepath.Join(dir, filepath.FromSlash(p)), content)
	})
}

func put(to string, content []byte) error {
	old, err := userfile.Read(to, int64(len(content)))
	switch {
	case err == nil && bytes.Equal(old, content):
		return nil
	case err == nil, errors.Is(err, userfile.ErrNotFile), errors.Is(err, userfile.ErrTooLarge):
		return fmt.Errorf("write %s: another file of that name is there; drill it by its path, or move it away", to)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o644)
}
