// Package dir is the store that is a folder: every file in it, and every
// folder in it, is a restore point.
package dir

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"time"

	"lifeboat/drills/record"
	"lifeboat/drills/store"
	"lifeboat/drills/store/checksums"
	"lifeboat/drills/store/sidecars"
	"lifeboat/internal/userfile"
	"lifeboat/scenarios"
)

// Settings are the keys of a store of kind dir.
type Settings struct {
	Path    string `yaml:"path"`    // of the folder; a relative one starts at the scenario's folder
	Pattern string `yaml:"pattern"` // of the backups' names, as path.Match; default *; may contain /
	// true: folders are trees of files, of which all counts (owners, modes, times, links, attributes), and each is given as a tar; default: folders are
	// dumps, of which the content of files counts
	Trees bool `yaml:"trees"`
}

// Store is a folder of backups. A link that leaves the folder is refused.
type Store struct {
	name    string // as the scenario spells it
	path    string // absolute
	pattern string
	trees   bool
}

// New makes the store of its settings. It does not look at the folder yet.
func New(at store.Site, s scenarios.Settings) (store.Store, []scenarios.Problem) {
	c := Settings{Pattern: "*"}
	problems := s.Decode(&c)
	problems = append(problems, s.ProblemIf(c.Path == "" && len(problems) == 0, "path", "add path: ./backups", "is missing")...)
	if _, err := path.Match(c.Pattern, ""); err != nil {
		problems = append(problems, s.Problem("pattern", "write it like *.dump", "is not a pattern"))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return &Store{name: c.Path, path: at.Path(c.Path), pattern: c.Pattern, trees: c.Trees}, nil
}

// List returns the points, oldest first: by the time they are consistent to
// where a manifest tells it, else by the time they were written.
func (s *Store) List(ctx context.Context) ([]store.Point, error) {
	root, err := s.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	names, err := s.names(root)
	if err != nil {
		return nil, s.problem("", "list: %v", err)
	}
	sums := s.sums(root, names)
	var points []store.Point
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if sidecars.Is(name) {
			continue
		}
		points = append(points, s.point(root, name, sums))
	}
	points = append(points, s.missing(sums, points)...)
	slices.SortStableFunc(points, store.Older)
	return points, nil
}

func (s *Store) open() (*os.Root, error) {
	root, err := os.OpenRoot(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.problem("path starts at the scenario's folder", "there is no folder %s", s.path)
	}
	if err != nil {
		return nil, s.problem("", "%v", err)
	}
	return root, nil
}

func (s *Store) problem(hint, format string, args ...any) error {
	return &store.Problem{Store: s.name, Reason: fmt.Sprintf(format, args...), Hint: hint}
}

// names of what matches the pattern, now or once it is complete, in their order.
func (s *Store) names(root *os.Root) ([]string, error) {
	var all []string
	for _, suffix := range append([]string{""}, sidecars.Partials...) {
		names, err := fs.Glob(root.FS(), s.pattern+suffix)
		if err != nil {
			return nil, err
		}
		all = append(all, names...)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// point describes one file or folder. What cannot be used costs nobody but itself.
func (s *Store) point(root *os.Root, name string, sums *checksums.Lists) store.Point {
	info, err := root.Stat(name)
	if err != nil {
		return unusable(root, name, err)
	}
	p := store.Point{ID: name, Taken: info.ModTime(), Size: info.Size(), Digest: sums.List[name],
		Doubt: sums.Doubt(name)}
	if _, partial := sidecars.Partial(name); partial {
		p.Unusable = store.Partial
		return p
	}
	switch {
	case info.IsDir() && s.trees:
		p = s.tree(root, p, sums)
	case info.IsDir():
		p.Dir, p.Size = true, 0
		files, err := walk(root, name)
		if err != nil {
			p.Unusable = store.Mixed
			if errors.Is(err, fs.ErrPermission) {
				p.Unusable = store.Unreadable
			}
			return p
		}
		if len(files) == 0 {
			p.Unusable = store.Hollow
			return p
		}
		for i, f := range files {
			p.Size += f.size
			if i == 0 || f.written.After(p.Taken) {
				p.Taken = f.written
			}
		}
		if p.Digest.Given() {
			p.Doubt = fmt.Sprintf("%s promises the digest of a file, and it is a folder", p.Digest.File)
		}
		p.Digest = sums.Folder(name)
	case !info.Mode().IsRegular():
		p.Unusable = store.Special
		return p
	case !readable(root, name):
		p.Unusable = store.Unreadable
		return p
	case !p.Digest.Given():
		if p.Digest = s.linked(root, name, sums); p.Digest.Given() {
			p.Doubt = ""
		}
	}
	p.ConsistentTo, p.ConsistentBy, p.Wrong = s.manifest(root, name)
	return p
}

// readable tells whether lifeboat may open a file. What else is wrong with it is found when it is read.
func readable(root *os.Root, name string) bool {
	f, err := userfile.OpenIn(root, name)
	if err == nil {
		_ = f.Close() // nothing was read
	}
	return !errors.Is(err, fs.ErrPermission)
}

// unusable is a point that cannot be looked at. Of a link, it is the link's own time.
func unusable(root *os.Root, name string, err error) store.Point {
	p := store.Point{ID: name, Unusable: store.Dangling}
	if errors.Is(err, fs.ErrPermission) {
		p.Unusable = store.Unreadable
	}
	if info, err := root.Lstat(name); err == nil {
		p.Taken = info.ModTime()
	}
	return p
}

// linked gives a link to another backup of the folder that one's promise.
func (s *Store) linked(root *os.Root, name string, sums *checksums.Lists) record.Digest {
	target, err := root.Readlink(name)
	if err != nil || path.IsAbs(target) {
		return record.Digest{}
	}
	return sums.List[path.Join(path.Dir(name), target)]
}

// mostManifest bounds a manifest, bytes.
const mostManifest = 1 << 20

// manifest reads when a backup is consistent to; zero when nobody says so.
func (s *Store) manifest(root *os.Root, name string) (time.Time, string, error) {
	file := name + sidecars.Manifest
	raw, err := userfile.ReadIn(root, file, mostManifest)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, "", nil
	}
	if err != nil {
		return time.Time{}, "", s.problem("", "%s: %v", file, cause(err))
	}
	to, by, err := sidecars.Consistency(file, string(raw))
	if err != nil {
		return time.Time{}, "", s.problem(sidecars.ManifestHint, "%v", err)
	}
	return to, by, nil
}

// missing finds backups that were promised and are not there: the newest one
// gone must not make an older one the latest in silence.
func (s *Store) missing(sums *checksums.Lists, points []store.Point) (gone []store.Point) {
	there := map[string]bool{}
	for _, p := range points {
		there[p.ID] = true
	}
	for _, name := range sums.Names() {
		for at := name; at != "."; at = path.Dir(at) {
			if ok, _ := path.Match(s.pattern, at); ok && !sidecars.Is(at) && !there[at] {
				gone = append(gone, store.Point{ID: at, Unusable: store.Absent})
				there[at] = true
			}
		}
	}
	return gone
}

// cause drops the operation and the path that the caller names anyway.
func cause(err error) error {
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		return p.Err
	}
	return err
}
