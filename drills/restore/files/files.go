// Package files restores trees of files, as tars, onto a volume of an instance before that is started. Nothing of the
// image or of the backup runs for it.
package files

import (
	"path"
	"strings"
	"sync"

	"lifeboat/drills/instance"
	"lifeboat/drills/restore"
	"lifeboat/scenarios"
)

// Settings are the keys of a restore of kind files.
type Settings struct {
	Path string `yaml:"path" jsonschema:"required"` // folder of the instance that the tree is restored into; what its image has there goes
	// what alone of the tree is restored: its files and folders, by their paths within it. Nothing is then proved of the rest, and the report says so
	Only scenarios.Only `yaml:"only"`
}

// Loader restores trees; safe for concurrent use.
type Loader struct {
	set Settings

	mu     sync.Mutex
	filled map[string]bool // instances into which a part was restored
}

var (
	_ restore.Beforehand = (*Loader)(nil)
	_ restore.Reader     = (*Loader)(nil)
	_ restore.Looker     = (*Loader)(nil)
)

// New makes the loader of its settings.
func New(s scenarios.Settings) (*Loader, []scenarios.Problem) {
	var c Settings
	problems := s.Decode(&c)
	switch clean := path.Clean(c.Path); {
	case len(problems) > 0:
	case !path.IsAbs(c.Path) || clean == "/" || strings.Contains(c.Path+"/", "/../"):
		problems = append(problems, s.Problem("path", "give its full path within the instance", "%q is not a folder", scenarios.Clip(c.Path)))
	default:
		c.Path = clean
		problems = paths(s, c.Only)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return &Loader{set: c}, nil
}

// Beforehand implements restore.Beforehand.
func (l *Loader) Beforehand() string {
	if l == nil { // its settings have problems of their own
		return ""
	}
	return l.set.Path
}

// Prepare has the folder lie on a volume.
func (l *Loader) Prepare(r *instance.Request) error {
	for _, folder := range r.Data {
		if strings.HasPrefix(l.set.Path+"/", path.Clean(folder)+"/") {
			return nil
		}
	}
	r.Data = append(r.Data[:len(r.Data):len(r.Data)], l.set.Path)
	return nil
}
