package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/internal/lazy"
	"lifeboat/verifier/database"
)

// canary is hashed by every server whose content is profiled: another hash function, or another order of bytes, shows in it.
const canary = "select hashtextextended('lifeboat', 42), current_setting('server_version')"

// Profile reads what the databases of a server are; where s.Database is set, that one. A dump of one database carries no roles, so they
// are then listed by name only.
func (d Dialect) Profile(ctx context.Context, s database.Server, o database.ProfileOptions) (database.Profile, error) {
	p := database.Profile{Version: database.ProfileVersion, Kind: "postgres", Taken: time.Now().UTC(), Scope: o.Scope, Shared: o.Snapshot != ""}
	if o.Like != nil {
		p.Scope = o.Like.Scope
	}
	if o.Snapshot != "" && s.Database == "" {
		return p, errors.New("profile the server: a snapshot is of one database: name it")
	}
	left, err := leftOut(p.Scope)
	if err != nil {
		return p, err
	}
	s.TimeZone, s.Path = "UTC", []string{}
	held, err := d.Held(ctx, s)
	if err != nil {
		return p, err
	}
	if len(held) == 0 {
		return p, fmt.Errorf("profile the server: it has no database %s that can be connected to", s.Database)
	}
	needed := map[string]bool{}
	s.Snapshot = o.Snapshot
	whole := s.Database == ""
	for _, h := range held {
		s.Database = h.Name
		err := in(ctx, s, "read only", func(ctx context.Context, q *session) error {
			r := &profiling{q: q, o: o, scope: p.Scope, left: left, needed: needed, into: database.ProfiledDatabase{Database: h.Name}}
			if err := r.all(ctx, &p); err != nil {
				return err
			}
			p.Databases = append(p.Databases, r.into)
			if h.Name != held[len(held)-1].Name || r.partial() {
				return nil
			}
			p.Roles, err = r.roles(ctx, whole)
			return err
		})
		if err != nil {
			return p, fmt.Errorf("profile database %s: %w", h.Name, err)
		}
	}
	return p, nil
}

// profiling is one look at a database.
type profiling struct {
	q       *session
	o       database.ProfileOptions
	scope   database.Scope
	left    map[string]bool // kinds of things that the dump leaves out
	version int             // the server's, such as 15
	needed  map[string]bool // roles
	into    database.ProfiledDatabase

	relations  []relationInScope
	namespaces []string // their numbers
}

// partial tells whether a dump holds chosen things only, so that what belongs to no schema is not in it.
func (r *profiling) partial() bool { return len(r.scope.Schemas)+len(r.scope.Tables) > 0 }

func (r *profiling) all(ctx context.Context, p *database.Profile) error {
	_, _ = fmt.Sscanf(r.q.c.ParameterStatus("server_version"), "%d", &r.version)
	if r.version < 12 {
		return fmt.Errorf("the server says that it is %q, and profiles are of servers since 12", r.q.c.ParameterStatus("server_version"))
	}
	r.into.Encoding = r.q.c.ParameterStatus("server_encoding")
	questions := r.questions()
	var all []string
	for _, q := range questions {
		all = append(all, q.ask)
	}
	all = append(all, grantQuestion, scoped, storing, canary, rolesOf, hashed, blobs, countedBlobs, ownersOfBlobs, keyOf, columnsOf, lastOf)
	if err := r.q.shadows(ctx, nil, strings.Join(all, "\n")); err != nil {
		return err
	}
	for _, setting := range []string{"('jit', 'off')", "('lc_monetary', 'C')", "('max_parallel_workers_per_gather', '0')"} {
		if err := r.q.Ask(ctx, "select set_config(v.name, v.value, true) from (values "+setting+") v(name, value)", nil, skip); err != nil {
			return err
		}
	}
	if err := r.q.Ask(ctx, canary, nil, func(v [][]byte) error {
		p.Hash, p.Server = "hashtextextended "+string(v[0]), string(v[1])
		return nil
	}); err != nil {
		return err
	}
	if err := r.choose(ctx); err != nil {
		return err
	}
	for _, q := range questions {
		if err := r.things(ctx, q); err != nil {
			return fmt.Errorf("read %s: %w", q.what, err)
		}
	}
	for _, part := range []func(context.Context) error{r.grants, r.standing, r.content, r.outside} {
		if err := part(ctx); err != nil {
			return err
		}
	}
	slices.SortFunc(r.into.Things, func(a, b database.Thing) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Is, b.Is))
	})
	slices.SortFunc(r.into.Tables, func(a, b database.ProfiledTable) int { return cmp.Compare(a.Name, b.Name) })
	return nil
}

func skip([][]byte) error { return nil }

// question lists things: kind, a word before the name, up to three parts of the name, what stands behind it, what it is, what
// of it is kept as a digest only, and a role that it needs.
type question struct{ what, ask string }

func (r *profiling) things(ctx context.Context, q question) error {
	return r.q.Ask(ctx, r.within(q.ask), nil, func(v [][]byte) error {
		name := named(v[1], v[5], v[2], v[3], v[4])
		is := string(v[6])
		if written[string(v[0])] {
			is = deparsed(is)
		}
		if v[7] != nil {
			is = strings.TrimPrefix(is+", "+database.Fingerprint(v[7]), ", ")
		}
		r.add(string(v[0]), name, is)
		if v[8] != nil && !r.left[string(v[0])] {
			for _, role := range strings.Split(string(v[8]), "\x01") {
				r.needed[role] = true
			}
		}
		return nil
	})
}

func (r *profiling) add(kind, name, is string) {
	if r.left[kind] || r.scope.DataOnly && kind != sequenceValue {
		return
	}
	r.into.Things = append(r.into.Things, database.Thing{Kind: kind, Name: r.q.Hide(name), Is: r.q.Hide(is)})
}

var plain = lazy.Regexp(`^[a-z_][a-z0-9_$]*$`)

// named joins the parts of a name. Which words are quoted as keywords differs from server to server, so none is.
func named(word, suffix []byte, parts ...[]byte) string {
	var all []string
	for _, p := range parts {
		switch {
		case p == nil:
		case plain().Match(p):
			all = append(all, string(p))
		default:
			all = append(all, quote(string(p)))
		}
	}
	name := strings.Join(all, ".") + string(suffix)
	if word != nil {
		name = strings.TrimSpace(string(word) + " " + name)
	}
	return name
}
