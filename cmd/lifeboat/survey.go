package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"

	"lifeboat/drills/restore"
	"lifeboat/drills/store"
	"lifeboat/internal/filekind"
	"lifeboat/scenarios"
)

// deepest is how far below the folder backups are looked for.
const deepest = 4

// series is what lies beside each other and looks alike: the generations of one backup.
type series struct {
	Name    string
	Path    string // of its folder, from the catalogue's, or its address
	Store   string // as YAML in one line
	Pattern string // "": all of the folder
	Kind    filekind.Kind
	Words   string
	Latest  string
	Restore string // the kind of restore; "": none fits
	Program string // whose repository it is; "": it is none
	Format  string // of a disk
	Image   string // of the engine, into which a dump of MySQL or MariaDB is loaded
	Port    int    // that an image exposes, the first; 0: none
	Unseen  string // why nobody looked for a port; "": somebody did
	from    string // the file by which that is known
	Dated   bool   // it says when it was made, or a manifest beside it does: only then a limit of age can be held
	ext     string
	stem    string // of the names, before the mark of a generation
	marked  bool   // the names have such a mark
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

// survey looks through a place for backups. Of each series the newest is looked at.
func survey(ctx context.Context, at place) ([]*series, error) {
	folders := map[string]map[string][]candidate{} // by folder and ending
	err := at.walk(ctx, func(name string, taken time.Time) {
		folder, ext := path.Dir(name), ending(path.Base(name))
		if folders[folder] == nil {
			folders[folder] = map[string][]candidate{}
		}
		folders[folder][ext] = append(folders[folder][ext], candidate{name, taken})
	})
	if err != nil {
		return nil, err
	}
	var all []*series
	taken := map[string]bool{}
	for _, folder := range slices.Sorted(maps.Keys(folders)) {
		var here []*series
		for _, ext := range slices.Sorted(maps.Keys(folders[folder])) {
			var others []string
			for other, files := range folders[folder] {
				if other != ext {
					others = append(others, (&series{files: files}).names()...)
				}
			}
			files := folders[folder][ext]
			slices.SortFunc(files, func(a, b candidate) int { return strings.Compare(a.path, b.path) })
			here = append(here, group(ext, files, others)...)
		}
		named(here, path.Base(at.folder(folder)), taken)
		for _, s := range here {
			s.look(ctx, at)
			s.Path, s.Store = at.folder(folder), at.store(folder, s.Pattern)
		}
		all = append(all, here...)
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
func (s *series) look(ctx context.Context, at place) {
	slices.SortFunc(s.files, func(a, b candidate) int { return cmp.Or(b.taken.Compare(a.taken), strings.Compare(b.path, a.path)) })
	s.Latest = path.Base(s.files[0].path)
	for i, f := range s.files[:min(len(s.files), tried)] {
		g, err := at.glance(ctx, f.path)
		if err != nil {
			g.words = "not to be read here"
		}
		if i == 0 {
			s.Kind, s.Words = g.kind, g.words
		}
		switch {
		case g.dump:
			s.Restore = "postgres"
			s.Dated = g.dated || at.told(f.path)
		case g.kind.Name == "mysql":
			s.Restore, s.Dated, s.Image = "mysql", g.dated, cmp.Or(g.image, "mariadb:10.11")
		case g.kind.In("redis", "redis_aof"):
			s.Restore, s.Dated = "redis", g.dated || at.told(f.path)
		case g.kind.Name == "bbolt":
			s.Restore = "etcd"
		case g.kind.Name == "xtrabackup":
			s.Restore, s.Image = "mariadb-backup", "mariadb:10.11"
		case g.of == "restic", g.of == "borg": // nobody sees what lies in it without its password
			s.Restore, s.Program = "files", g.of
		case g.of != "":
			s.Restore, s.Program, s.Pattern = "basebackup", g.of, escaped(s.Latest) // beside it may lie folders that are none
		case g.base:
			s.Restore = "basebackup"
		case g.kind.Name == "oci":
			s.Restore, s.from = "oci", f.path
		case g.kind.In("tar", "rootfs"):
			s.Restore = "files"
		case g.kind.In("qcow2", "vmdk", "vhd", "vhdx", "vdi", "disk"):
			s.Restore, s.Format = "disk", cmp.Or(map[string]string{"disk": "raw"}[g.kind.Name], g.kind.Name)
		default:
			continue
		}
		if i > 0 {
			s.Words = fmt.Sprintf("it is %s, and %q is %s", cmp.Or(s.Words, "nothing that is known"), path.Base(f.path), g.words)
		}
		return
	}
}

// Proves tells whether lifeboat knows without being told how one sees that it works.
func (s *series) Proves() bool {
	of := []string{"postgres", "mysql", "mariadb-backup", "redis", "etcd", "basebackup", "files", "disk"}
	return slices.Contains(of, s.Restore) && !s.Sealed() || s.Restore == "oci" && s.Port > 0
}

// Sealed tells whether it takes a password, and a program's image, to see what lies in it.
func (s *series) Sealed() bool { return s.Program == "restic" || s.Program == "borg" }

// exposed are the TCP ports that the image of an archive exposes; none where it exposes none, or cannot be read.
func (a *app) exposed(ctx context.Context, files store.Store, point store.Point) []int {
	as, err := scenarios.ParseSettings("oci", "{}")
	if err != nil {
		return nil
	}
	imager, problems := a.kit().Imagers["oci"](as)
	reads, ok := imager.(restore.Exposing)
	if !ok || len(problems) > 0 {
		return nil
	}
	ports, err := reads.Exposes(ctx, restore.Source{Backup: point.ID, Point: point,
		Open: func(ctx context.Context) (store.Stream, error) { return files.Fetch(ctx, point) }})
	if err != nil {
		return nil
	}
	return ports
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

// writeCatalogue surveys a folder, a bucket or a list, and writes the first catalogue of what lies there.
func (a *app) writeCatalogue(ctx context.Context, file, where, keys, image string) error {
	from, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return err
	}
	at, err := a.placeOf(ctx, where, keys, from)
	if err != nil {
		return err
	}
	found, err := survey(ctx, at)
	if err != nil {
		return err
	}
	for _, s := range found {
		if s.Restore == "oci" {
			var ports []int
			if ports, s.Unseen = at.ports(ctx, s.from); len(ports) > 0 {
				s.Port = ports[0]
			}
		}
	}
	if !slices.ContainsFunc(found, (*series).Proves) {
		var seen []string
		for _, s := range found {
			seen = append(seen, fmt.Sprintf("%s (%s)", s.Latest, cmp.Or(s.Words, "nothing that is known")))
		}
		return fmt.Errorf("find dumps of PostgreSQL, MySQL and MariaDB, base backups, files of Redis, snapshots of etcd, trees of files, "+
			"disk images and images that expose a port below %s, %d folders deep: "+
			"there is none; found: %s", at, deepest,
			cmp.Or(strings.Join(seen, ", "), "no file"))
	}
	var text strings.Builder
	err = catalogueText().Execute(&text, map[string]any{"Name": scenarioName(file), "Found": found, "Image": image, "Zone": localZone(),
		"Dir": at.String(), "Dumps": slices.ContainsFunc(found, func(s *series) bool { return s.Restore == "postgres" })})
	if err != nil {
		return err
	}
	return writeNew(file, []byte(text.String()))
}

var catalogueText = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("catalogue").Parse(scenarios.CatalogueTemplate))
})
