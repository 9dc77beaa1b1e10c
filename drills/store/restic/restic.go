// Package restic is the store that is a repository of restic. The real restic reads it, in a container without any network: lifeboat
// serves it the repository's files, and takes nothing. Every snapshot is a restore point.
package restic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"sync"
	"time"

	"lifeboat/drills/store"
	web "lifeboat/drills/store/http"
	"lifeboat/drills/store/remote"
	"lifeboat/drills/store/repository"
	"lifeboat/drills/store/s3"
	"lifeboat/scenarios"
)

// Settings are the keys of a store of kind restic.
type Settings struct {
	Path string `yaml:"path"` // folder of the repository on this host; a relative one starts at the scenario's folder
	// In is where the repository lies otherwise: {kind: s3, bucket: backups, prefix: restic, …} with the keys of a store of that kind, or {kind: rest, url:
	// https://backups.example.com:8000/shop/, header: …, proxy: …, timeout: …} behind a REST server. Only GET is sent there.
	In       scenarios.Settings `yaml:"in"`
	Image    string             `yaml:"image"`    // of the engine, in which restic is: restic/restic:0.17.3
	Password scenarios.Secret   `yaml:"password"` // of the repository, as {env: NAME} or {file: path}
	Host     string             `yaml:"host"`     // only snapshots of this host
	Tags     []string           `yaml:"tags"`     // only snapshots that carry all of these tags
	Paths    []string           `yaml:"paths"`    // only snapshots of all of these paths
	// Take is the file or the folder of the snapshot that is the backup: /var/backups/shop.dump. Default: what the snapshot was made of,
	// where that is one path, else all of it. A file is given as it is, a folder as a tar.
	Take string `yaml:"take"`
	// begun: what is backed up are files as they lie, so that all that was there when the snapshot was begun is in it; default: that is not known, and a
	// dump says it by itself
	Consistent string `yaml:"consistent" enum:"begun"`
	repository.Checks
}

// Store is a repository. Nothing is written to it, no lock is made or broken.
type Store struct {
	set  Settings
	name string // as the scenario spells it
	of   files
	far  store.Remote // nil: it is on this host
	run  *store.Programs

	mu      sync.Mutex
	version string // as restic says it; "": not asked yet
	listed  []snapshot
}

// Dates implements store.Dating.
func (s *Store) Dates() bool { return s.set.Consistent != "" }

// New makes the store of its settings. It looks at nothing yet, and reads no secret.
func New(at store.Site, s scenarios.Settings) (store.Store, []scenarios.Problem) {
	var c Settings
	problems := s.Decode(&c)
	decoded := len(problems) == 0
	keys := repository.Keys{Path: c.Path, Elsewhere: s.Has("in"), Image: c.Image, Take: c.Take, Consistent: c.Consistent}
	problems = append(problems, keys.Problems(s, "restic", decoded)...)
	for _, p := range c.Paths {
		problems = append(problems, repository.FullPath(s, "paths", p)...)
	}
	if c.Password.IsZero() && (decoded || !s.Has("password")) {
		problems = append(problems, s.Problem("password", "add password: {env: RESTIC_PASSWORD}", "is missing"))
	}
	st := &Store{set: c, name: c.Path, of: folder{at.Path(c.Path)}, run: at.Programs}
	switch kind := c.In.Kind; {
	case !s.Has("in"):
	case s.Has("path"):
		problems = append(problems, s.Problem("path", "delete path: or in:", "stands beside in: a repository lies in one place"))
	case kind == "s3":
		problems = append(problems, st.inBucket(at, c.In)...)
	case kind == "rest":
		of, wrong := web.NewFolder(c.In)
		if problems = append(problems, wrong...); of != nil {
			st.name, st.of, st.far = of.Name(), upstream{of}, of
		}
	case kind != "":
		problems = append(problems, s.Problem("in.kind", "s3 or rest; a folder is path: ./repository", "%q is neither", scenarios.Clip(kind)))
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return st, nil
}

// inBucket has the repository lie in a bucket.
func (s *Store) inBucket(at store.Site, in scenarios.Settings) []scenarios.Problem {
	of, problems := s3.New(at, in)
	if in.Has("pattern") {
		problems = append(problems, in.Problem("pattern", "delete it, and choose by host, tags and paths", "chooses nothing in a repository"))
	}
	if b, ok := of.(*s3.Store); ok {
		s.name, s.of, s.far = b.Name(), bucket{b}, b
	}
	return problems
}

// Hosts implements store.Remote.
func (s *Store) Hosts() []string {
	if s.far == nil {
		return nil
	}
	return s.far.Hosts()
}

// snapshot is one, as restic prints it.
type snapshot struct {
	ID      string    `json:"id"`
	Time    time.Time `json:"time"`
	Host    string    `json:"hostname"`
	Paths   []string  `json:"paths"`
	Tags    []string  `json:"tags"`
	Summary struct {
		Bytes int64 `json:"total_bytes_processed"`
	} `json:"summary"` // since 0.17
}

// short is how restic shows an id to people, and how a scenario names a snapshot.
const short = 8

// List returns the snapshots that the selectors choose, oldest first. The time of one is when it was begun. One whose file is damaged says
// neither host nor paths: it is there, and cannot be used.
func (s *Store) List(ctx context.Context) ([]store.Point, error) {
	all, seen, err := s.snapshots(ctx)
	if err != nil {
		return nil, err
	}
	var points []store.Point
	for _, x := range all {
		if s.chooses(x) {
			p := store.Point{ID: named(all, x.ID), Taken: x.Time, Size: x.Summary.Bytes}
			if s.set.Consistent != "" {
				p.ConsistentTo, p.ConsistentBy = x.Time, "when the snapshot was begun"
			}
			points = append(points, p)
		}
	}
	var whenever []store.Point // REST servers that tell no times: it may be the newest
	for _, f := range seen.damagedSnapshots() {
		p := store.Point{ID: f.name[:min(short, len(f.name))], Taken: f.written, Unusable: store.Damaged}
		if p.Taken.IsZero() {
			whenever = append(whenever, p)
		} else {
			points = append(points, p)
		}
	}
	slices.SortStableFunc(points, store.Older)
	return append(points, whenever...), nil
}

// snapshots of the repository, and what was seen of it meanwhile. Where it cannot be opened since something of it is gone, they are the files that
// are there: whoever fetches one hears what is wrong.
func (s *Store) snapshots(ctx context.Context) (all []snapshot, seen *server, err error) {
	v, err := s.enter(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	if err := v.askVersion(); err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	err = v.restic("", &out, "snapshots", "--json")
	if errors.As(err, new(*store.Mismatch)) {
		all, e := s.files(ctx)
		if e != nil {
			return nil, nil, s.unread(e)
		}
		if len(all) > 0 {
			return all, v.seen, nil
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if err := json.Unmarshal(out.Bytes(), &all); err != nil {
		return nil, nil, s.problem("", "%s prints no list of snapshots: %v", s.Version(), err)
	}
	s.mu.Lock()
	s.listed = all
	s.mu.Unlock()
	return all, v.seen, nil
}

// files of snapshots, as snapshots of which nothing else is known.
func (s *Store) files(ctx context.Context) ([]snapshot, error) {
	there, err := s.of.list(ctx, snapshots)
	if err != nil {
		return nil, err
	}
	all := make([]snapshot, len(there))
	return all, remote.Each(ctx, len(there), 4, func(ctx context.Context, i int) error {
		f := there[i]
		if f.written.IsZero() { // a list of the REST protocol has no times
			body, is, err := s.of.open(ctx, snapshots, f.name, 0, 0)
			if err != nil {
				return err
			}
			f = is
			body.Close()
		}
		all[i] = snapshot{ID: f.name, Time: f.written, Host: s.set.Host, Tags: s.set.Tags, Paths: s.set.Paths}
		return nil
	})
}

// named is a snapshot's short name, where no other has it.
func named(all []snapshot, id string) string {
	n := min(short, len(id))
	for _, x := range all {
		if x.ID != id && len(x.ID) >= n && x.ID[:n] == id[:n] {
			return id
		}
	}
	return id[:n]
}

func (s *Store) chooses(x snapshot) bool {
	has := func(all, wanted []string) bool {
		return !slices.ContainsFunc(wanted, func(w string) bool { return !slices.Contains(all, w) })
	}
	return (s.set.Host == "" || s.set.Host == x.Host) && has(x.Tags, s.set.Tags) && has(x.Paths, s.set.Paths)
}

// taken is what of a snapshot is the backup.
func (s *Store) taken(x snapshot) string {
	switch {
	case s.set.Take != "":
		return s.set.Take
	case len(x.Paths) == 1 && path.IsAbs(x.Paths[0]):
		return path.Clean(x.Paths[0])
	}
	return "/"
}

func (s *Store) problem(hint, format string, args ...any) error {
	return &store.Problem{Store: s.name, Reason: fmt.Sprintf(format, args...), Hint: hint}
}
