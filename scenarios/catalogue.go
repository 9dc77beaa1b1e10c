package scenarios

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"time"

	"go.yaml.in/yaml/v4"

	"lifeboat/drills/record"
)

const (
	keyCatalogue = "catalogue"
	keyDefaults  = "defaults"
)

// Catalogue is a list of backups. Each is proved by a check run of its own: FILE.yaml#NAME is that of one, and is validated, planned
// and drilled like any scenario; lifeboat verify FILE.yaml proves all.
type Catalogue struct {
	CatalogueHead
	File    string // as the user gave it
	Digest  string // sha256:… of the file
	Backups []Listed
	source  source
	root    *yaml.Node
	entries []entry // each of Backups
}

// CatalogueHead is what a catalogue says of itself.
type CatalogueHead struct {
	Name     string      `yaml:"catalogue" jsonschema:"required"` // its name: lower-case letters, digits, hyphens
	Title    record.Text `yaml:"title"`                           // a text, or {en: …, zh: …}
	Parallel int         `yaml:"parallel"`                        // check runs at a time; default: as many as there are processors
	Every    Duration    `yaml:"every"`                           // how old the proof of a backup may become; default 26h
}

func (h *CatalogueHead) defaults() { h.Every = 26 * hour }

// Listed is what a catalogue says of a backup beside its check run.
type Listed struct {
	Name     string   `yaml:"name" jsonschema:"required"` // lower-case letters, digits, hyphens
	Owner    string   `yaml:"owner"`                      // who answers for it; printed
	Controls []string `yaml:"controls"`                   // that it is evidence for, such as ISO 27001 A.8.13; printed
	// which restore points: all of them, the oldest one, or {random: 3, within: 720h}; default: the one under pick
	Points Points `yaml:"points"`
}

// CatalogueDocument is a catalogue as it is written.
type CatalogueDocument struct {
	CatalogueHead `yaml:",inline"`
	Include       Include `yaml:"include"` // files with keys of all check runs
	// keys of an entry, for all that do not have them; below a key that both have, for what it does not hold. An entry with another
	// kind of restore takes none of those that are about the restore, its machine and its checks
	Defaults Entry   `yaml:"defaults"`
	Backups  []Entry `yaml:"backups" jsonschema:"required"`
}

// Entry is one backup of a catalogue: where it lies, what it is restored into, and what must be true of its content.
//
//	backups:                                                   scenario: NIGHT-shop
//	  - name: shop                                             trigger: none
//	    store: {kind: dir, path: ./shop}                       backups: {shop: {store: {…}, restore: {…}}}
//	    restore: {kind: postgres}                       =      instances: {db: {kind: docker, image: pg:15, load: shop}}
//	    as: db                                                 checks: {data: […], excluded: {system: …}}
//	    instance: {kind: docker, image: "pg:15"}
//	    checks: {data: [{kind: rows, on: db, …}]}
type Entry struct {
	Listed `yaml:",inline"`
	// the name of its machine, which checks ask by; default: the entry's
	As string `yaml:"as"`
	// its machine: with an image the backup is loaded into it, without one it boots from the backup
	Instance *Instance `yaml:"instance"`
	Backup   `yaml:",inline"`
	Run      `yaml:",inline"`
}

// Run is what an entry may say of its check run, each as in a scenario.
type Run struct {
	Title      record.Text         `yaml:"title"`
	Service    string              `yaml:"service"`    // whose recovery is proved; printed
	Customer   string              `yaml:"customer"`   // printed
	Series     string              `yaml:"series"`     // of the numbers; default: the catalogue's name and the entry's
	Objectives map[string]Duration `yaml:"objectives"` // limits by name: boot, data_loss, age
	People     map[string]string   `yaml:"people" lifeboat:"joined"`
	Production map[string]string   `yaml:"production" lifeboat:"plain"`
	Network    Range               `yaml:"network"`
	Egress     Egress              `yaml:"egress"`
	Backups    map[string]Backup   `yaml:"backups"`   // that it needs beside its own
	Instances  map[string]Instance `yaml:"instances"` // beside its own
	Prepare    []Step              `yaml:"prepare"`
	Flow       *Flow               `yaml:"flow"`
	Checks     Checks              `yaml:"checks"`
	Deadline   Duration            `yaml:"deadline"`
	FreeDisk   Size                `yaml:"free_disk"`
	Keep       bool                `yaml:"keep"`
}

// Points says which restore points of a backup are proved.
type Points struct {
	All    bool     `yaml:"-"`      // every one that lies there
	Oldest bool     `yaml:"-"`      // the oldest one
	Random int      `yaml:"random"` // so many, chosen by lot
	Within Duration `yaml:"within"` // among those that are not older; default: among all
	Read   bool     `yaml:"read"`   // the others are read to their end; without random only the newest is restored
	Seed   int64    `yaml:"seed"`   // of the lot, to draw it again; default: another one each night, which is recorded
}

// keysIn lists the keys of a struct in their order.
func keysIn[T any]() []string {
	f := form{fields: map[string]field{}}
	f.take(reflect.New(reflect.TypeFor[T]()).Elem(), Pos{})
	return f.order
}

// ReadCatalogue reads what a catalogue says of itself and of its list; the check run of an entry is read by its Read, or under its Path.
// The problems are of the list alone.
func ReadCatalogue(path string) (*Catalogue, Problems) {
	raw, err := readAll(path)
	if err != nil {
		return nil, Problems{{File: path, Message: err.Error(), Hint: "name a catalogue, or lifeboat new --catalogue writes one"}}
	}
	root, problems := parse(path, raw)
	if len(problems) > 0 {
		return nil, problems
	}
	d := &decoder{file: path, budget: nodeBudget}
	if d.lookup(root, keyCatalogue) == nil {
		d.note(root, "", "add "+keyCatalogue+": NAME and "+"backups: [{name: …}], or drill a scenario with lifeboat drill", "is no catalogue")
		return nil, d.problems
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, Problems{{File: path, Message: fmt.Sprintf("find its folder: %s", err)}}
	}
	c := &Catalogue{File: path, Digest: sumOf(raw), source: source{file: path, dir: dir, raw: raw, listed: true}, root: root, entries: d.entries(root)}
	for _, e := range c.entries {
		c.Backups = append(c.Backups, d.listing(e))
	}
	c.CatalogueHead = d.head(root)
	return c, d.problems.Sorted(path)
}

// Read reads the check run of the i-th entry, of the file as it was when the list was read. Its problems are those of the check run alone.
func (c *Catalogue) Read(i int) (*Scenario, Problems) {
	d := &decoder{file: c.File, budget: nodeBudget}
	root := d.checkRun(c.root, c.entries[i])
	s, problems := c.source.scenario(root, c.entries[i].name, d.problems)
	return s, problems.Sorted(c.File)
}

// Path names an entry's check run, as Read takes it.
func (c *Catalogue) Path(entry string) string { return c.File + "#" + entry }

// Draws tells whether the restore points are chosen by the night and not by the backup's pick.
func (p Points) Draws() bool { return p.All || p.Oldest || p.Random > 0 || p.Read }

// Newest tells whether the newest restore point is always among them.
func (p Points) Newest() bool { return !p.Oldest && p.Random == 0 }

// String says what is chosen; empty: nothing is, so that the backup's pick counts.
func (p Points) String() string {
	switch {
	case p.All:
		return "all"
	case p.Oldest:
		return "oldest"
	case p.Random > 0:
		s := fmt.Sprintf("random %d within %s seed %d", p.Random, p.Within.Std(), p.Seed)
		if p.Read {
			s += ", the others read"
		}
		return s
	case p.Read:
		return fmt.Sprintf("the newest, the others within %s read", p.Within.Std())
	}
	return ""
}

// Draw chooses among restore points, the newest first, those that are restored: all, the oldest, the newest, or so many by lot. The same
// seed draws the same ones of the same list.
func (p Points) Draw(ids []string, seed int64) []string {
	if p.Oldest {
		return ids[max(0, len(ids)-1):]
	}
	if p.Read && p.Random == 0 {
		return ids[:min(1, len(ids))]
	}
	if p.All || p.Random >= len(ids) {
		return ids
	}
	if p.Seed != 0 {
		seed = p.Seed
	}
	var drawn []string
	for _, i := range rand.New(rand.NewPCG(uint64(seed), 0)).Perm(len(ids))[:p.Random] {
		drawn = append(drawn, ids[i])
	}
	return drawn
}

// Since is the earliest moment of the points among which a lot draws; zero: of all.
func (p Points) Since(now time.Time) time.Time {
	if p.Within == 0 {
		return time.Time{}
	}
	return now.Add(-p.Within.Std())
}
