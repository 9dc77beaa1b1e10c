package main

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"

	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/drills/store/sidecars"
	"lifeboat/internal/filekind"
	"lifeboat/scenarios"
)

// deepest is how far below the folder backups are looked for.
const deepest = 4

// series is what lies beside each other and looks alike: the generations of one backup.
type series struct {
	Name    string
	Path    string // of its folder, from the catalogue's
	Pattern string // "": all of the folder
	Kind    filekind.Kind
	Words   string
	Latest  string
	Restore string // the kind of restore; "": none fits
	Format  string // of a disk
	Port    int    // that an image exposes, the first; 0: none
	from    string // the file by which that is known
	Dated   bool   // it says when it was made, or a manifest beside it does: only then a limit of age can be held
	ext     string
	files   []candidate
}

// candidate is a file of a series.
type candidate struct {
	path  string
	taken time.Time
}

// tried is how many of a series are looked at, the newest first, until one says what it is: the newest may be broken, which is what
// its check run is to say.
const tried = 5

// survey looks through a folder for backups. Of each group of files that end alike the newest is looked at.
func survey(dir, from string) ([]*series, error) {
	groups := map[[2]string]*series{}
	add := func(path string, e fs.DirEntry, then error) error {
		info, err := e.Info()
		if err != nil {
			return then
		}
		key := [2]string{filepath.Dir(path), ending(e.Name())}
		s := groups[key]
		if s == nil {
			s = &series{ext: key[1]}
			groups[key] = s
		}
		s.files = append(s.files, candidate{path, info.ModTime()})
		return then
	}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, path)
		switch {
		case err != nil && path == dir:
			return fmt.Errorf("look through %s: %w", dir, err)
		case err != nil: // what may not be read is no reason not to see the rest
			return nil
		case e.IsDir() && path != dir && (sidecars.Is(e.Name()) || strings.Count(rel, string(filepath.Separator)) >= deepest):
			return filepath.SkipDir
		case e.IsDir() && path != dir && holdsContents(path): // a dump in a folder is one backup
			return add(path, e, filepath.SkipDir)
		case !e.Type().IsRegular() || sidecars.Is(e.Name()):
			return nil
		}
		if _, partial := sidecars.Partial(e.Name()); partial {
			return nil
		}
		return add(path, e, nil)
	})
	if err != nil {
		return nil, err
	}
	var all []*series
	beside := map[string]int{}
	for key, s := range groups {
		s.look()
		rel, err := filepath.Rel(from, key[0])
		if err != nil {
			return nil, err
		}
		if s.Path = "./" + filepath.ToSlash(rel); rel == "." {
			s.Path = "."
		}
		beside[s.Path]++
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *series) int { return strings.Compare(a.Path+a.ext, b.Path+b.ext) })
	taken := map[string]bool{}
	for _, s := range all {
		name := filepath.Base(s.Path)
		if beside[s.Path] > 1 {
			s.Pattern = "*" + s.ext
			name += s.ext
		}
		s.Name = unlike(name, taken)
	}
	return all, nil
}

// ending of a file's name: what tells dumps from archives beside them, compression included.
func ending(name string) string {
	ext := filepath.Ext(name)
	if slices.Contains([]string{".gz", ".zst", ".xz", ".bz2", ".lz4", ".zip"}, ext) {
		ext = filepath.Ext(strings.TrimSuffix(name, ext)) + ext
	}
	return ext
}

// unlike makes a name of a folder's that nothing else has.
func unlike(of string, taken map[string]bool) string {
	base := scenarios.TemplateName(of)
	if !strings.ContainsFunc(strings.ToLower(of), func(c rune) bool { return 'a' <= c && c <= 'z' || '0' <= c && c <= '9' }) {
		base = "backup"
	}
	base = strings.Trim(base[:min(len(base), 50)], "-")
	name := base
	for i := 2; taken[name]; i++ {
		name = fmt.Sprintf("%s-%d", base, i)
	}
	taken[name] = true
	return name
}

// look at the newest files, and into them where they are compressed, until one can be restored.
func (s *series) look() {
	slices.SortFunc(s.files, func(a, b candidate) int { return cmp.Or(b.taken.Compare(a.taken), strings.Compare(b.path, a.path)) })
	s.Latest = filepath.Base(s.files[0].path)
	for i, f := range s.files[:min(len(s.files), tried)] {
		g, err := glanceAt(f.path)
		if err != nil {
			g.words = "not to be read here"
		}
		if i == 0 {
			s.Kind, s.Words = g.kind, g.words
		}
		switch {
		case g.dump:
			s.Restore = "postgres"
			_, err := os.Stat(f.path + sidecars.Manifest)
			s.Dated = g.dated || err == nil
		case g.kind.Name == "oci":
			s.Restore, s.from = "oci", f.path
		case g.kind.In("qcow2", "vmdk", "vhd", "vhdx", "vdi", "disk"):
			s.Restore, s.Format = "disk", cmp.Or(map[string]string{"disk": "raw"}[g.kind.Name], g.kind.Name)
		default:
			continue
		}
		if i > 0 {
			s.Words = fmt.Sprintf("it is %s, and %q is %s", cmp.Or(s.Words, "nothing that is known"), filepath.Base(f.path), g.words)
		}
		return
	}
}

// Proves tells whether lifeboat knows without being told how one sees that it works.
func (s *series) Proves() bool {
	return s.Restore == "postgres" || s.Restore == "disk" || s.Restore == "oci" && s.Port > 0
}

// exposed is the first TCP port that the image of an archive exposes; 0: it exposes none, or cannot be read.
func (a *app) exposed(ctx context.Context, path string) int {
	kit := a.kit()
	from, err := scenarios.ParseSettings("dir", fmt.Sprintf("{path: %q}", filepath.Dir(path)))
	if err != nil {
		return 0
	}
	files, problems := kit.Stores["dir"](store.Site{}, from)
	as, err := scenarios.ParseSettings("oci", "{}")
	if err != nil || len(problems) > 0 {
		return 0
	}
	imager, problems := kit.Imagers["oci"](as)
	reads, ok := imager.(restore.Exposing)
	if !ok || len(problems) > 0 {
		return 0
	}
	points, err := files.List(ctx)
	i := slices.IndexFunc(points, func(p store.Point) bool { return p.ID == filepath.Base(path) })
	if err != nil || i < 0 {
		return 0
	}
	ports, err := reads.Exposes(ctx, restore.Source{Backup: path, Point: points[i],
		Open: func(ctx context.Context) (store.Stream, error) { return files.Fetch(ctx, points[i]) }})
	if err != nil || len(ports) == 0 {
		return 0
	}
	return ports[0]
}

// localZone is this host's time zone as IANA names it; "": not known.
func localZone() string {
	if tz := os.Getenv("TZ"); tz != "" {
		return strings.TrimPrefix(tz, ":")
	}
	target, err := filepath.EvalSymlinks("/etc/localtime")
	if err != nil {
		return "UTC"
	}
	_, zone, _ := strings.Cut(target, "/zoneinfo/")
	return zone
}

// writeCatalogue surveys a folder and writes the first catalogue of what lies there.
func (a *app) writeCatalogue(ctx context.Context, path, dir, image string) error {
	from, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return err
	}
	found, err := survey(dir, from)
	if err != nil {
		return err
	}
	for _, s := range found {
		if s.Restore == "oci" {
			s.Port = a.exposed(ctx, s.from)
		}
	}
	if !slices.ContainsFunc(found, (*series).Proves) {
		var seen []string
		for _, s := range found {
			seen = append(seen, fmt.Sprintf("%s (%s)", s.Latest, cmp.Or(s.Words, "nothing that is known")))
		}
		return fmt.Errorf("find dumps of PostgreSQL, disk images and images that expose a port below %s, %d folders deep: there is none; found: %s", dir, deepest,
			cmp.Or(strings.Join(seen, ", "), "no file"))
	}
	var text strings.Builder
	err = catalogueText().Execute(&text, map[string]any{"Name": scenarioName(path), "Found": found, "Image": image, "Zone": localZone(),
		"Dir": dir, "Dumps": slices.ContainsFunc(found, func(s *series) bool { return s.Restore == "postgres" })})
	if err != nil {
		return err
	}
	return writeNew(path, []byte(text.String()))
}

var catalogueText = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("catalogue").Parse(scenarios.CatalogueTemplate))
})
