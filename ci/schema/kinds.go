package main

import (
	"encoding"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"

	"github.com/invopop/jsonschema"

	"lifeboat/drills/fault"
	"lifeboat/drills/instance"
	"lifeboat/drills/instance/docker"
	"lifeboat/drills/instance/qemu"
	"lifeboat/drills/restore/basebackup"
	"lifeboat/drills/restore/disk"
	"lifeboat/drills/restore/etcd"
	"lifeboat/drills/restore/files"
	"lifeboat/drills/restore/mariadbbackup"
	"lifeboat/drills/restore/mysql"
	"lifeboat/drills/restore/mysql/binlog"
	"lifeboat/drills/restore/oci"
	"lifeboat/drills/restore/postgres"
	"lifeboat/drills/restore/redis"
	"lifeboat/drills/store"
	"lifeboat/drills/store/borg"
	"lifeboat/drills/store/dir"
	"lifeboat/drills/store/http"
	"lifeboat/drills/store/restic"
	"lifeboat/drills/store/s3"
	"lifeboat/scenarios"
	"lifeboat/verifier/business"
	"lifeboat/verifier/data"
	"lifeboat/verifier/service"
	"lifeboat/verifier/system"
)

// kind is one kind of something, and how its back-end is made.
type kind struct {
	name string
	of   string // store, restore, instance, fault, or a layer of checks
	text string // what it is, where a comment says so
	from string // the function that makes it, where its keys have no type of their own
	make func(s scenarios.Settings)
}

// kinds lists every kind that has keys of its own; a test of cmd/lifeboat holds the schema against its kit.
func kinds(said comments) []kind {
	all := []kind{
		{name: "borg", of: "store", make: func(s scenarios.Settings) { borg.New(store.Site{}, s) }},
		{name: "dir", of: "store", make: func(s scenarios.Settings) { dir.New(store.Site{}, s) }},
		{name: "http", of: "store", make: func(s scenarios.Settings) { http.New(store.Site{}, s) }},
		{name: "restic", of: "store", make: func(s scenarios.Settings) { restic.New(store.Site{}, s) }},
		{name: "s3", of: "store", make: func(s scenarios.Settings) { s3.New(store.Site{}, s) }},
		{name: "basebackup", of: "restore", make: func(s scenarios.Settings) { basebackup.New(s) }},
		{name: "binlog", of: "restore", make: func(s scenarios.Settings) { binlog.NewArchive(s) }},
		{name: "disk", of: "restore", make: func(s scenarios.Settings) { disk.New(s) }},
		{name: "etcd", of: "restore", make: func(s scenarios.Settings) { etcd.New(s) }},
		{name: "files", of: "restore", make: func(s scenarios.Settings) { files.New(s) }},
		{name: "mariadb-backup", of: "restore", make: func(s scenarios.Settings) { mariadbbackup.New(s) }},
		{name: "mysql", of: "restore", make: func(s scenarios.Settings) { mysql.New(s) }},
		{name: "oci", of: "restore", make: func(s scenarios.Settings) { oci.New(s) }},
		{name: "postgres", of: "restore", make: func(s scenarios.Settings) { postgres.New(s) }},
		{name: "redis", of: "restore", make: func(s scenarios.Settings) { redis.New(s) }},
		{name: "wal", of: "restore", make: func(s scenarios.Settings) { basebackup.NewArchive(s) }},
	}
	machine := func(name string, of instance.Kind) {
		all = append(all, kind{name: name, of: "instance", text: of.Is,
			make: func(s scenarios.Settings) { of.Settings(scenarios.Instance{Settings: s}) }})
	}
	machine("docker", docker.Kind(nil))
	machine("qemu", qemu.Kind(nil))
	for _, name := range fault.Kinds() {
		build := fault.Catalogue()[name]
		from := runtime.FuncForPC(reflect.ValueOf(build).Pointer()).Name()
		all = append(all, kind{name: name, of: "fault", text: said[from], from: from,
			make: func(s scenarios.Settings) { build(s) }})
	}
	check := func(layer string, names []string, build func(scenarios.CheckSpec)) {
		for _, name := range names {
			all = append(all, kind{name: name, of: layer, make: func(s scenarios.Settings) {
				build(scenarios.CheckSpec{Kind: name, Settings: s})
			}})
		}
	}
	check("system", system.Kinds(), func(c scenarios.CheckSpec) { system.New(c, "") })
	check("service", service.Kinds(), func(c scenarios.CheckSpec) { service.New(c, "") })
	check("data", data.Kinds(), func(c scenarios.CheckSpec) { data.New(c, "") })
	check("business", business.Kinds(), func(c scenarios.CheckSpec) { business.NewCheck(c, "") })
	return all
}

// addKinds puts the keys of every kind where the outer struct leaves them to it.
func addKinds(schema *jsonschema.Schema) error {
	said, err := readComments("drills/store", "drills/instance", "drills/restore", "drills/fault", "verifier")
	if err != nil {
		return fmt.Errorf("read comments: %w", err)
	}
	all := kinds(said)
	defs := schema.Definitions
	for _, in := range []string{"Backup", "Entry"} { // an entry of a catalogue is a backup, too
		for _, of := range []string{"store", "restore"} {
			if defs[in] == nil {
				continue
			}
			var plain jsonschema.Schema // kind alone
			property, _ := defs[in].Properties.Get(of)
			plain, property.Properties, property.AdditionalProperties = *property, nil, nil
			property.Required = nil
			property.OneOf = branches(defs, all, of, of, &plain, said)
		}
	}
	checks := *defs["CheckSpec"]
	for _, layer := range []string{"system", "service", "data", "business"} {
		list, _ := defs["Checks"].Properties.Get(layer)
		list.Items = &jsonschema.Schema{OneOf: branches(defs, all, layer, layer, &checks, said)}
	}
	delete(defs, "CheckSpec")
	for of, name := range map[string]string{"fault": "Fault", "instance": "Instance"} {
		if defs[name] == nil {
			continue // nothing breaks in a catalogue
		}
		outer := *defs[name]
		*defs[name] = jsonschema.Schema{Description: outer.Description, OneOf: branches(defs, all, of, of, &outer, said)}
	}
	return nil
}

// branches defines one object for each kind: the keys of the outer struct, and its own.
func branches(defs jsonschema.Definitions, all []kind, of, prefix string, outer *jsonschema.Schema,
	said comments) []*jsonschema.Schema {
	var out []*jsonschema.Schema
	for _, k := range all {
		if k.of != of {
			continue
		}
		s := &jsonschema.Schema{Type: "object", Title: k.name, Description: k.text,
			Properties: jsonschema.NewProperties(), Required: slices.Clone(outer.Required),
			AdditionalProperties: jsonschema.FalseSchema}
		for p := outer.Properties.Oldest(); p != nil; p = p.Next() {
			s.Properties.Set(p.Key, p.Value)
		}
		s.Properties.Set("kind", &jsonschema.Schema{Const: k.name})
		k.make(scenarios.Watched(k.name, func(into any) {
			keys(s, reflect.ValueOf(into).Elem(), said, k.from)
		}))
		name := prefix + "-" + k.name
		defs[name] = s
		out = append(out, &jsonschema.Schema{Ref: "#/$defs/" + name})
	}
	return out
}

// keys adds the fields of a struct that holds its defaults, those of embedded structs included.
func keys(to *jsonschema.Schema, v reflect.Value, said comments, from string) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case f.Anonymous:
			keys(to, v.Field(i), said, from)
		case name != "" && name != "-" && f.IsExported():
			s := shape(f.Type, said)
			owner := t.PkgPath() + "." + t.Name()
			if t.Name() == "" {
				owner = from
			}
			if text := said[owner+"."+f.Name]; text != "" {
				s.Description = text
			}
			s.Default = initial(v.Field(i))
			refineField(f, s)
			if f.Tag.Get("jsonschema") == "required" {
				to.Required = append(to.Required, name)
			}
			to.Properties.Set(name, s)
		}
	}
}

// shape is how a value of a type is written.
func shape(t reflect.Type, said comments) *jsonschema.Schema {
	if make, ok := spellings[t]; ok {
		return make()
	}
	switch t.Kind() {
	case reflect.Pointer:
		return shape(t.Elem(), said)
	case reflect.Slice:
		return &jsonschema.Schema{Type: "array", Items: shape(t.Elem(), said)}
	case reflect.Map:
		return &jsonschema.Schema{Type: "object", AdditionalProperties: shape(t.Elem(), said)}
	case reflect.Struct:
		s := object()
		keys(s, reflect.New(t).Elem(), said, "")
		return s
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}
	case reflect.Float64:
		return &jsonschema.Schema{Type: "number"}
	case reflect.String:
		return &jsonschema.Schema{Type: "string"}
	case reflect.Int, reflect.Int64:
		return &jsonschema.Schema{Type: "integer"}
	}
	panic(fmt.Sprintf("a scenario cannot hold a %s", t))
}

// initial is the default of a key, nil where it is none.
func initial(v reflect.Value) any {
	if v.IsZero() || v.Kind() == reflect.Pointer {
		return nil
	}
	if text, ok := v.Interface().(encoding.TextMarshaler); ok {
		if raw, err := text.MarshalText(); err == nil {
			return string(raw)
		}
	}
	return v.Interface()
}
