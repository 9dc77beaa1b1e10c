package scenarios

import (
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"lifeboat/drills/record"
)

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
	own := d.lookup(root, keyCatalogue)
	if n := own; n != nil && d.want(n, yaml.ScalarNode, "its name", keyCatalogue) && !namePattern().MatchString(n.Value) {
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
		case own != nil && namePattern().MatchString(own.Value) && !namePattern().MatchString(own.Value+"-"+name.Value):
			d.problem(name, at+".name", "shorten one of them: the check run is called after both", "with the catalogue's name before it %q has more than 63 letters",
				clip(name.Value))
			continue
		case names[name.Value]:
			d.problem(name, at+".name", "give each backup a name of its own", "another backup is named %q already", clip(name.Value))
			continue
		}
		names[name.Value] = true
		if defaults != nil {
			item = d.overlay(item, d.fitting(defaults, item), true)
		}
		all = append(all, entry{name.Value, at, item})
	}
	return all
}

// head is what a catalogue says of itself.
func (d *decoder) head(root *yaml.Node) (h CatalogueHead) {
	before := len(d.problems)
	d.decode(d.keep(root, keysIn[CatalogueHead]()...), reflect.ValueOf(&h).Elem(), "")
	if h.Parallel < 0 {
		d.problem(d.lookup(root, "parallel"), "parallel", "give a number of check runs, or delete it", "%d cannot run at a time", h.Parallel)
	}
	if n := d.lookup(root, "every"); n != nil && h.Every == 0 && len(d.problems) == before {
		d.problem(n, "every", "give the time between two nights and a margin, such as 26h", "every proof would be too old at once")
	}
	return h
}

// listing is what a catalogue says of an entry beside its check run.
func (d *decoder) listing(of entry) (l Listed) {
	before := len(d.problems)
	d.decode(d.keep(of.value, keysIn[Listed]()...), reflect.ValueOf(&l).Elem(), of.path)
	if n := d.lookup(of.value, "points"); n != nil && !l.Points.Draws() && len(d.problems) == before {
		d.problem(n, of.path+".points", "write all, oldest, or {random: 3, within: 720h}, or delete it: then the one under pick is", "it chooses none")
	}
	return l
}

// asked writes what a mapping asks for, wherever it stands and however it is laid out.
func (d *decoder) asked(n *yaml.Node, into *strings.Builder) {
	n = d.resolve(n)
	if !d.spend(n, "") {
		return
	}
	into.WriteString(strconv.Itoa(int(n.Kind)) + n.ShortTag() + strconv.Quote(n.Value) + "(")
	for _, c := range n.Content {
		d.asked(c, into)
	}
	into.WriteString(")")
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
		d.head(root)
		d.listing(all[i])
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

// ofOneKind are the keys of an entry that only make sense for one kind of restore.
var ofOneKind = []string{"restore", "instance", "instances", "as", "prepare", "flow", "checks"}

// fitting gives the defaults that an entry takes: those for another kind of restore are none for it.
func (d *decoder) fitting(defaults, item *yaml.Node) *yaml.Node {
	own, usual := d.lookup(d.lookup(item, "restore"), "kind"), d.lookup(d.lookup(defaults, "restore"), "kind")
	if own == nil || usual == nil || own.Value == usual.Value {
		return defaults
	}
	return without(defaults, ofOneKind...)
}

// known notes the keys that no entry has.
func (d *decoder) known(n *yaml.Node, path string) {
	keys := keysIn[Entry]()
	for _, p := range d.pairs(n, path) {
		if !slices.Contains(keys, p.key.Value) {
			d.problem(p.key, "", cmp.Or(mistyped(p.key.Value), nearest(p.key.Value, keys, "known keys: ")), "unknown key %q%s", clip(p.key.Value), in(path))
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
