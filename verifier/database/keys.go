package database

import (
	"cmp"
	"context"
	"net"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
)

// Connection is how every check of a database reaches its server. Embed it in a check's own keys.
type Connection struct {
	Instance string           `yaml:"on"`       // instance of the server; needed
	Port     int              `yaml:"port"`     // default 5432, of mysql 3306
	User     string           `yaml:"user"`     // default postgres, of mysql root
	Password scenarios.Secret `yaml:"password"` // default none
	// postgres or mysql (MariaDB too); default: that of the dump that is loaded into the instance, else postgres
	Dialect string `yaml:"dialect"`
}

// Complete sets the defaults of a dialect and says what is missing.
func (k *Connection) Complete(s scenarios.Settings, d Dialect) []scenarios.Problem {
	var problems []scenarios.Problem
	problems = append(problems, s.ProblemIf(k.Instance == "", "on", "name the instance, on: db", "%s asks an instance", s.Kind)...)
	port, user := d.Defaults()
	k.Port = cmp.Or(k.Port, port)
	problems = append(problems, s.ProblemIf(k.Port < 1 || k.Port > 65535, "port", "a port lies between 1 and 65535", "%d is not a port", k.Port)...)
	k.User = cmp.Or(k.User, user)
	return problems
}

// Server is whom the keys name; dial connects to a port of an instance.
func (k Connection) Server(dial func(ctx context.Context, on string, port int) (net.Conn, error)) (Server, error) {
	password, err := k.Password.Reveal()
	if err != nil {
		return Server{}, err
	}
	return Server{User: k.User, Password: password,
		Dial: func(ctx context.Context) (net.Conn, error) { return dial(ctx, k.Instance, k.Port) }}, nil
}

// Keys are what every question to one database takes. Embed it in a check's own keys.
type Keys struct {
	Connection
	Database string             `yaml:"database"` // default: the user's name, as everywhere in PostgreSQL; of mysql there is none
	Timeout  scenarios.Duration `yaml:"timeout"`  // of the whole question; default 30s
	// schemas of unqualified names; default: of a table the only one that has it, in a query public; [] for none
	SearchPath []string `yaml:"search_path"`
}

// Complete sets the defaults of a dialect and says what is missing.
func (k *Keys) Complete(s scenarios.Settings, d Dialect) []scenarios.Problem {
	problems := k.Connection.Complete(s, d)
	k.Database = cmp.Or(k.Database, d.Home(k.User))
	problems = append(problems, s.ProblemIf(k.Database == "", "database", "name it, database: shop", "%s asks no database", s.Kind)...)
	if k.SearchPath == nil && s.Has("search_path") {
		k.SearchPath = []string{}
	}
	k.Timeout = cmp.Or(k.Timeout, scenarios.Duration(30*time.Second))
	return problems
}

// Server is whom the keys name; dial connects to a port of an instance.
func (k Keys) Server(dial func(ctx context.Context, on string, port int) (net.Conn, error)) (Server, error) {
	s, err := k.Connection.Server(dial)
	s.Database, s.Timeout, s.Path = k.Database, k.Timeout.Std(), k.SearchPath
	return s, err
}

// Options are those of pg_dump that chose the part; none of the whole.
func (s Scope) Options() []string {
	var all []string
	for _, of := range []struct {
		option   string
		patterns []string
	}{{"--schema", s.Schemas}, {"--exclude-schema", s.NoSchemas}, {"--table", s.Tables}, {"--exclude-table", s.NoTables}, {"--exclude-table-data", s.NoRowsOf}} {
		for _, p := range of.patterns {
			all = append(all, of.option+"="+p)
		}
	}
	for _, of := range []struct {
		option string
		given  bool
	}{{"--schema-only", s.SchemaOnly}, {"--data-only", s.DataOnly}, {"--no-owner", s.NoOwner}, {"--no-privileges", s.NoGrants},
		{"--no-comments", s.NoComments}, {"--no-blobs", s.NoBlobs}} {
		if of.given {
			all = append(all, of.option)
		}
	}
	return slices.Concat(all, s.Other)
}

// String is how pg_dump was told; "" of the whole.
func (s Scope) String() string { return strings.Join(s.Options(), " ") }

// Reference is what a copy was held against.
type Reference string

// The references that leave something unlooked at; an exact profile leaves nothing.
const (
	WithoutProfile Reference = "profile" // there was none
	SinceLast      Reference = "last"    // the last proof
)

// NotLooked are the kinds of what is not found by a reference, each a label of the catalogue: unlooked.…
func NotLooked(r Reference, moved bool) []string {
	kinds := []string{"values", "shifted", "few_rows", "sequences", "blobs"}
	if r == WithoutProfile {
		kinds = append(kinds, "rows", "structure", "rights")
	}
	if !moved {
		kinds = append(kinds, "stale")
	}
	return kinds
}

// Unlooked says at what nobody looked, by name.
func Unlooked(r Reference, moved bool) record.Observation {
	o := record.Observation{ID: "unlooked." + string(r), Args: map[string]string{}}
	for _, kind := range []string{"values", "shifted", "few_rows", "rows", "structure", "rights", "sequences", "blobs", "stale"} {
		if slices.Contains(NotLooked(r, moved), kind) {
			o.Args[kind] = kind
		}
	}
	return o
}
