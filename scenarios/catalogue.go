package scenarios

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
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
}

// CatalogueHead is what a catalogue says of itself.
type CatalogueHead struct {
	Name     string      `yaml:"catalogue" jsonschema:"required"` // its name: lower-case letters, digits, hyphens
	Title    record.Text `yaml:"title"`                           // a text, or {en: …, zh: …}
	Parallel int         `yaml:"parallel"`                        // check runs at a time; default: as many as there are processors
}

// Listed is what a catalogue says of a backup beside its check run.
type Listed struct {
	Name     string   `yaml:"name" jsonschema:"required"` // lower-case letters, digits, hyphens
	Owner    string   `yaml:"owner"`                      // who answers for it; printed
	Controls []string `yaml:"controls"`                   // that it is evidence for, such as ISO 27001 A.8.13; printed
	// which restore points: all of them, or {random: 3, within: 720h}; default: the one under pick
	Points Points `yaml:"points"`
}

// CatalogueDocument is a catalogue as it is written.
type CatalogueDocument struct {
	CatalogueHead `yaml:",inline"`
	Include       Include `yaml:"include"` // files with keys of all check runs
	// keys of an entry, for all that do not have them; below a key that both have, for what it does not hold
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
	Random int      `yaml:"random"` // so many, chosen by lot
	Within Duration `yaml:"within"` // among those that are not older; default: among all
	Seed   int64    `yaml:"seed"`   // of the lot, to draw it again; default: another one each night, which is recorded
}

// keysIn lists the keys of a struct in their order.
func keysIn[T any]() []string {
	f := form{fields: map[string]field{}}
	f.take(reflect.New(reflect.TypeFor[T]()).Elem(), Pos{})
	return f.order
}

// ReadCatalogue reads what a catalogue says of itself and of its list; the check run of an entry is read by Read, under its Path.
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
	c := &Catalogue{File: path, Digest: sumOf(raw)}
	for _, e := range d.entries(root) {
		var l Listed
		d.decode(d.keep(e.value, keysIn[Listed]()...), reflect.ValueOf(&l).Elem(), e.path)
		c.Backups = append(c.Backups, l)
	}
	d.decode(d.keep(root, keysIn[CatalogueHead]()...), reflect.ValueOf(&c.CatalogueHead).Elem(), "")
	if c.Parallel < 0 {
		d.problem(d.lookup(root, "parallel"), "parallel", "give a number of check runs, or delete it", "%d cannot run at a time", c.Parallel)
	}
	return c, d.problems.Sorted(path)
}

// Path names an entry's check run, as Read takes it.
func (c *Catalogue) Path(entry string) string { return c.File + "#" + entry }

// Draws tells whether the restore points are chosen by the night and not by the backup's pick.
func (p Points) Draws() bool { return p.All || p.Random > 0 }

// Since is the earliest moment of the points among which a lot draws; zero: of all.
func (p Points) Since(now time.Time) time.Time {
	if p.Within == 0 {
		return time.Time{}
	}
	return now.Add(-p.Within.Std())
}

// entry is an entry of the list, with the defaults.
type entry struct {
	name, path string
	value      *yaml.Node
}

// entries lists the entries of a catalogue, each merged with the defaults, by their names: what has none is a problem.
func (d *decoder) entries(root *yaml.Node) []entry {
	known := keysIn[CatalogueDocument]()
	for _, p := range d.pairs(root, "") {
		if p.key.Value == keyMatrix {
			d.note(p.key, "", "write each drill as an entry under backups", "a catalogue has no "+keyMatrix)
		} else if !slices.Contains(known, p.key.Value) {
			d.note(p.key, "", "write it under "+keyDefaults+", or into an entry; a catalogue has "+strings.Join(known, ", "),
				"unknown key "+strconv.Quote(clip(p.key.Value)))
		}
	}
	if n := d.lookup(root, keyCatalogue); n != nil && d.want(n, yaml.ScalarNode, "its name", keyCatalogue) && !namePattern().MatchString(n.Value) {
		d.problem(n, keyCatalogue, hintName, "%q is not a name", clip(n.Value))
	}
	defaults, list := d.lookup(root, keyDefaults), d.lookup(root, "backups")
	if defaults != nil && !d.want(defaults, yaml.MappingNode, "keys of an entry", keyDefaults) {
		defaults = nil
	}
	if list == nil || !d.want(list, yaml.SequenceNode, "a list of backups, each with a name", "backups") || len(list.Content) == 0 {
		if len(d.problems) == 0 {
			d.note(root, "backups", "add - {name: …, store: {…}, restore: {…}, instance: {…}, checks: {…}}", "a catalogue without a backup proves nothing")
		}
		return nil
	}
	d.known(defaults, keyDefaults)
	var all []entry
	names := map[string]bool{}
	for i, item := range list.Content {
		at := index("backups", i)
		if item = d.resolve(item); !d.want(item, yaml.MappingNode, "keys and values", at) {
			continue
		}
		d.known(item, at)
		name := d.lookup(item, "name")
		switch {
		case name == nil:
			d.note(item, at, "add name: …", "has no name")
			continue
		case !namePattern().MatchString(name.Value):
			d.problem(name, at+".name", hintName, "%q is not a name", clip(name.Value))
			continue
		case names[name.Value]:
			d.problem(name, at+".name", "give each backup a name of its own", "another backup is named %q already", clip(name.Value))
			continue
		}
		names[name.Value] = true
		if defaults != nil {
			item = d.overlay(item, defaults, true)
		}
		all = append(all, entry{name.Value, at, item})
	}
	return all
}

// listed gives the root of the check run of one entry; nil: there is none.
func (d *decoder) listed(root *yaml.Node, name string) (*yaml.Node, Problems) {
	var names []string
	all := d.entries(root)
	for _, e := range all {
		names = append(names, e.name)
	}
	i := slices.Index(names, name)
	if i >= 0 {
		return d.checkRun(root, all[i]), d.problems
	}
	switch {
	case len(d.problems) > 0:
	case name == "":
		d.note(root, "", "name one: "+d.file+"#"+names[0]+"; lifeboat verify "+d.file+" proves all", "is a catalogue of "+strconv.Itoa(len(names))+" backups")
	default:
		d.note(root, "backups", nearest(name, names, "backups: "), "there is no backup "+strconv.Quote(clip(name)))
	}
	return nil, d.problems
}

// known notes the keys that no entry has.
func (d *decoder) known(n *yaml.Node, path string) {
	keys := keysIn[Entry]()
	for _, p := range d.pairs(n, path) {
		if !slices.Contains(keys, p.key.Value) {
			d.problem(p.key, "", orElse(mistyped(p.key.Value), nearest(p.key.Value, keys, "known keys: ")), "unknown key %q%s", clip(p.key.Value), in(path))
		}
	}
}

// keep gives a mapping with some of its keys only.
func (d *decoder) keep(n *yaml.Node, keys ...string) *yaml.Node {
	some := *n
	some.Content = nil
	for _, p := range d.pairs(n, "") {
		if slices.Contains(keys, p.key.Value) {
			some.Content = append(some.Content, p.key, p.value)
		}
	}
	return &some
}

// checkRun makes the root of a scenario of an entry that holds the defaults already. What it adds stands where the entry does.
func (d *decoder) checkRun(root *yaml.Node, of entry) *yaml.Node {
	entry, name := of.value, d.lookup(of.value, "name")
	made := func(kind yaml.Kind, tag, value string, content ...*yaml.Node) *yaml.Node {
		return &yaml.Node{Kind: kind, Tag: tag, Value: value, Line: entry.Line, Column: entry.Column, FootComment: entry.FootComment, Content: content}
	}
	text := func(s string) *yaml.Node { return made(yaml.ScalarNode, "!!str", s) }
	mapping := func(content ...*yaml.Node) *yaml.Node { return made(yaml.MappingNode, "!!map", "", content...) }

	run := d.keep(entry, keysIn[Run]()...)
	backup := d.keep(entry, keysIn[Backup]()...)
	machine := name
	if as := d.lookup(entry, "as"); as != nil {
		machine = as
	}
	add := mapping(text("scenario"), d.lookup(root, keyCatalogue), text("trigger"), text(string(record.TriggerNone)),
		text("backups"), mapping(name, backup))
	if own := d.lookup(entry, "instance"); own != nil && d.want(own, yaml.MappingNode, "keys and values", of.path+".instance") {
		how := "boot"
		if d.lookup(own, "image") != nil {
			how = "load"
		}
		for _, key := range []string{"boot", "load"} {
			if n := d.lookup(own, key); n != nil {
				d.problem(n, of.path+".instance."+key, "delete it: with an image the entry's backup is loaded, without one it is booted",
					"it is the entry's backup that is proved")
			}
		}
		with := *without(own, "boot", "load")
		with.Content = append(with.Content, text(how), name)
		add.Content = append(add.Content, text("instances"), mapping(machine, &with))
	}
	if d.lookup(entry, "series") == nil {
		add.Content = append(add.Content, text("series"), text(d.lookup(root, keyCatalogue).Value+"-"+name.Value))
	}
	if checks := d.lookup(entry, "checks"); checks != nil && checks.Kind == yaml.MappingNode {
		run = without(run, "checks")
		add.Content = append(add.Content, text("checks"), d.overlay(mapping(text("excluded"), d.unasked(checks, mapping, text)), checks, false))
	}
	if include := d.lookup(root, keyInclude); include != nil {
		add.Content = append(add.Content, text(keyInclude), include)
	}
	return d.overlay(run, add, true)
}

// unasked are the layers that are excluded: those that an entry says, and those of which it asks nothing.
func (d *decoder) unasked(checks *yaml.Node, mapping func(...*yaml.Node) *yaml.Node, text func(string) *yaml.Node) *yaml.Node {
	all, given := mapping(), d.lookup(checks, "excluded")
	for _, layer := range record.Layers() {
		if d.lookup(checks, string(layer)) == nil {
			all.Content = append(all.Content, text(string(layer)), mapping(text("en"), text("the catalogue asks nothing of this layer"),
				text("zh"), text("备份清单没有要求检查这一层")))
		}
	}
	if given == nil || given.Kind != yaml.MappingNode {
		return all
	}
	return d.overlay(given, all, false)
}
