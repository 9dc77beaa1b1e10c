package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/store"
	"lifeboat/drills/store/sidecars"
	"lifeboat/scenarios"
)

// place is where backups are looked for. Names in it are relative, with /.
type place interface {
	fmt.Stringer
	// walk tells of each file that may be a backup, and of each folder that is one.
	walk(ctx context.Context, found func(name string, taken time.Time)) error
	glance(ctx context.Context, name string) (glance, error)
	// told tells whether a manifest lies beside a backup.
	told(name string) bool
	// ports are those that an image in an archive exposes; why says why it was not looked at, and is empty where it was.
	ports(ctx context.Context, name string) (ports []int, why string)
	// folder names a folder as people look for it.
	folder(name string) string
	// store of an entry, as YAML in one line.
	store(folder, pattern string) string
}

// folderPlace is a folder of this host.
type folderPlace struct {
	a    *app
	dir  string
	from string // the catalogue's folder, where its paths begin
}

func (p *folderPlace) String() string { return p.dir }

func (p *folderPlace) path(name string) string { return filepath.Join(p.dir, filepath.FromSlash(name)) }

func (p *folderPlace) walk(_ context.Context, found func(string, time.Time)) error {
	return filepath.WalkDir(p.dir, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(p.dir, path)
		add := func(then error) error {
			if info, err := e.Info(); err == nil {
				found(filepath.ToSlash(rel), info.ModTime())
			}
			return then
		}
		switch {
		case err != nil && path == p.dir:
			return fmt.Errorf("look through %s: %w", p.dir, err)
		case err != nil: // what may not be read is no reason not to see the rest
			return nil
		case e.IsDir() && path != p.dir && (sidecars.Is(e.Name()) || strings.Count(rel, string(filepath.Separator)) >= deepest):
			return filepath.SkipDir
		case e.IsDir() && path != p.dir && holdsContents(path): // a dump in a folder is one backup
			return add(filepath.SkipDir)
		case !e.Type().IsRegular() || sidecars.Is(e.Name()):
			return nil
		}
		if _, partial := sidecars.Partial(e.Name()); partial {
			return nil
		}
		return add(nil)
	})
}

func (p *folderPlace) glance(_ context.Context, name string) (glance, error) {
	return glanceAt(p.path(name))
}

func (p *folderPlace) told(name string) bool {
	_, err := os.Stat(p.path(name) + sidecars.Manifest)
	return err == nil
}

func (p *folderPlace) ports(ctx context.Context, name string) ([]int, string) {
	from, err := scenarios.ParseSettings("dir", fmt.Sprintf("{path: %q}", filepath.Dir(p.path(name))))
	if err != nil {
		return nil, ""
	}
	files, problems := p.a.kit().Stores["dir"](store.Site{}, from)
	if len(problems) > 0 {
		return nil, ""
	}
	points, err := files.List(ctx)
	i := slices.IndexFunc(points, func(p store.Point) bool { return p.ID == path.Base(name) })
	if err != nil || i < 0 {
		return nil, ""
	}
	return p.a.exposed(ctx, files, points[i]), ""
}

func (p *folderPlace) folder(name string) string {
	rel, err := filepath.Rel(p.from, p.path(name))
	switch {
	case err != nil:
		return p.path(name)
	case rel == ".":
		return rel
	}
	return "./" + filepath.ToSlash(rel)
}

func (p *folderPlace) store(folder, pattern string) string {
	if pattern == "" {
		return fmt.Sprintf("{kind: dir, path: %q}", p.folder(folder))
	}
	return fmt.Sprintf("{kind: dir, path: %q, pattern: %q}", p.folder(folder), pattern)
}
