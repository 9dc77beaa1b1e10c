// Package borg is the store that is a repository of BorgBackup. The real borg reads it, in a container without any network, in which the
// repository's folder cannot be written to. Every archive is a restore point.
package borg

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"time"

	"lifeboat/drills/store"
	"lifeboat/drills/store/repository"
	"lifeboat/scenarios"
)

// Settings are the keys of a store of kind borg.
type Settings struct {
	Path     string           `yaml:"path"`     // folder of the repository on this host; a relative one starts at the scenario's folder
	Image    string           `yaml:"image"`    // of the engine, in which borg is
	Password scenarios.Secret `yaml:"password"` // its passphrase, as {env: NAME} or {file: path}; none: it is not encrypted
	Pattern  string           `yaml:"pattern"`  // of the archives' names, as path.Match; default *
	Host     string           `yaml:"host"`     // only archives of this host
	// Take is the file or the folder of the archive that is the backup: /var/backups/shop.dump. Default: the only file of an archive of one, else
	// all of it. A file is given as it is, a folder as a tar.
	Take string `yaml:"take"`
	// begun: what is backed up are files as they lie, so that all that was there when the archive was begun is in it; default: that is not known, and a
	// dump says it by itself
	Consistent string `yaml:"consistent" enum:"begun"`
	repository.Checks
}

// Store is a repository. Nothing is written to it, no lock is made or broken; caches and what borg remembers of a repository go with the room.
type Store struct {
	set  Settings
	name string // as the scenario spells it
	path string // absolute
	run  *store.Programs
}

// Dates implements store.Dating.
func (s *Store) Dates() bool { return s.set.Consistent != "" }

// New makes the store of its settings. It looks at nothing yet, and reads no secret.
func New(at store.Site, s scenarios.Settings) (store.Store, []scenarios.Problem) {
	c := Settings{Pattern: "*"}
	problems := s.Decode(&c)
	keys := repository.Keys{Path: c.Path, Image: c.Image, Take: c.Take, Consistent: c.Consistent}
	problems = append(problems, keys.Problems(s, "borg", len(problems) == 0)...)
	if _, err := path.Match(c.Pattern, ""); err != nil {
		problems = append(problems, s.Problem("pattern", "write it like shop-*", "is not a pattern"))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return &Store{set: c, name: c.Path, path: at.Path(c.Path), run: at.Programs}, nil
}

// archive is one, as borg prints it.
type archive struct {
	Name string `json:"name"`
	Time string `json:"time"` // when it was begun, in the container's zone, which is UTC
	Host string `json:"hostname"`
}

// halfWritten is the name of an archive that was not finished: borg's FAQ, "checkpoint".
var halfWritten = regexp.MustCompile(`\.checkpoint(\.\d+)?$`)

// List returns the archives that the selectors choose, oldest first. The time of one is when it was begun. Where the repository cannot be read since it is
// damaged, it is one restore point, which cannot be fetched: whoever tries hears what is wrong.
func (s *Store) List(ctx context.Context) (points []store.Point, err error) {
	v, err := s.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	var out bytes.Buffer
	err = v.list(unreadable, &out)
	if errors.As(err, new(*store.Mismatch)) {
		return []store.Point{{ID: unreadable, Taken: v.written}}, nil
	}
	if err != nil {
		return nil, err
	}
	var listed struct {
		Archives []archive `json:"archives"`
	}
	if err := json.Unmarshal(out.Bytes(), &listed); err != nil {
		return nil, s.problem("", "borg prints no list of archives: %v", err)
	}
	for _, a := range listed.Archives {
		at, err := time.Parse("2006-01-02T15:04:05.999999", a.Time)
		if err != nil {
			return nil, s.problem("", "borg prints no time of archive %s: %v", a.Name, err)
		}
		plain := halfWritten.ReplaceAllString(a.Name, "")
		if ok, _ := path.Match(s.set.Pattern, plain); !ok || s.set.Host != "" && s.set.Host != a.Host {
			continue
		}
		p := store.Point{ID: a.Name, Taken: at}
		if s.set.Consistent != "" {
			p.ConsistentTo, p.ConsistentBy = at, "when the archive was begun"
		}
		if plain != a.Name {
			p.Unusable = store.Partial
		}
		points = append(points, p)
	}
	slices.SortStableFunc(points, store.Older)
	return points, nil
}

// list the archives. Hosts stand in the archives themselves, one of which may be damaged where the others are not: they are read only where
// they are asked for.
func (v *visit) list(point string, out *bytes.Buffer) error {
	words := []string{"--json", "--consider-checkpoints"}
	if v.s.set.Host != "" {
		words = append(words, "--format", "{hostname}{time}")
	}
	return v.borg(point, out, "list", append(words, store.RoomMount)...)
}

// unreadable is the restore point of a repository of which nobody can tell what is in it.
const unreadable = "repository"

func (s *Store) problem(hint, format string, args ...any) error {
	return &store.Problem{Store: s.name, Reason: fmt.Sprintf(format, args...), Hint: hint}
}
