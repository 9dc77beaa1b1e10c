package mysql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lifeboat/verifier/database"
)

// canary is hashed by every server whose content is profiled: another hash function shows in it.
const canary = "select concat('crc32 ', crc32('lifeboat'), ' sha2 ', left(sha2('lifeboat', 256), 16)), version()"

// Profile reads what the databases of a server are, in one transaction; where s.Database is set, that one. Dumps carry no accounts, so the
// profile has none.
func (d Dialect) Profile(ctx context.Context, s database.Server, o database.ProfileOptions) (p database.Profile, err error) {
	if o.Snapshot != "" {
		return p, errors.New("profile the server: it has no snapshots that sessions share")
	}
	names, err := d.named(ctx, s, o)
	if err != nil {
		return p, err
	}
	s.Database = ""
	return p, in(ctx, s, "read only", func(ctx context.Context, q *session) error {
		r, err := newProfiling(ctx, q, o, &p)
		if err != nil {
			return err
		}
		for _, name := range names {
			one, err := r.structure(ctx, name)
			if err == nil {
				err = one.content(ctx)
			}
			if err != nil {
				return fmt.Errorf("profile database %s: %w", name, err)
			}
			p.Databases = append(p.Databases, one.into)
		}
		p.Scope = r.covered()
		return nil
	})
}

// covered is the scope without what leaves out nothing.
func (r *profiling) covered() database.Scope {
	s := r.scope
	if r.o.Like == nil {
		s.Other = slices.DeleteFunc(slices.Clone(s.Other), func(o string) bool { return !r.lacking[o] })
	}
	return s
}

// named are the databases that are to be read.
func (d Dialect) named(ctx context.Context, s database.Server, o database.ProfileOptions) (names []string, err error) {
	held, err := d.Held(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, h := range held {
		if len(o.Databases) == 0 || slices.Contains(o.Databases, h.Name) {
			names = append(names, h.Name)
		}
	}
	for _, name := range o.Databases {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("profile the server: it has no database %s", name)
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("profile the server: it has no database %s", s.Database)
	}
	return names, nil
}

// profiling is one reading of a server's databases.
type profiling struct {
	q        *session
	o        database.ProfileOptions
	scope    database.Scope
	mariadb  bool
	snapshot []string // engines whose rows a transaction sees as they were when it began
	grants   []string
	lacking  map[string]bool // options by which a dump leaves out something that there is
}

// one is a database that is read.
type one struct {
	*profiling
	into   database.ProfiledDatabase
	tables []*stored
}

// newProfiling sets what shows a server's words as a dump has them, and looks at who asks.
func newProfiling(ctx context.Context, q *session, o database.ProfileOptions, p *database.Profile) (*profiling, error) {
	*p = database.Profile{Version: database.ProfileVersion, Kind: "mysql", Taken: time.Now().UTC(), Scope: o.Scope}
	if o.Like != nil {
		p.Scope = o.Like.Scope
	}
	if err := q.Ask(ctx, canary, nil, func(v [][]byte) error {
		p.Hash, p.Server = string(v[0]), string(v[1])
		return nil
	}); err != nil {
		return nil, err
	}
	r := &profiling{q: q, o: o, scope: p.Scope, lacking: map[string]bool{}, mariadb: strings.Contains(p.Server, "MariaDB")}
	if r.mariadb {
		p.Kind = "mariadb" // its words for the same thing are not MySQL's
	}
	// What MySQL tells of its tables is a day old otherwise; who waits for a dump is quiet. Not every server has all of these.
	for _, set := range []string{"information_schema_stats_expiry = 0", "system_versioning_asof = default", "wait_timeout = 2147483",
		"idle_transaction_timeout = 0", "idle_readonly_transaction_timeout = 0", "show_gipk_in_create_table_and_information_schema = 1"} {
		_, _ = q.conn.ExecContext(ctx, "set session "+set)
	}
	if _, err := q.conn.ExecContext(ctx, "set session sql_quote_show_create = 1"); err != nil {
		return nil, cause(err)
	}
	const engines = "select engine from information_schema.engines where transactions = 'YES'"
	for ask, into := range map[string]*[]string{engines: &r.snapshot, "show grants": &r.grants} {
		if err := q.Ask(ctx, ask, nil, func(v [][]byte) error {
			*into = append(*into, string(v[0]))
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// structure lists what a database holds, and the tables whose rows are to be read.
func (r *profiling) structure(ctx context.Context, name string) (*one, error) {
	d := &one{profiling: r, into: database.ProfiledDatabase{Database: name}}
	if _, err := r.q.conn.ExecContext(ctx, "use "+quote(name)); err != nil {
		return nil, cause(err)
	}
	for _, part := range []func(context.Context) error{d.itself, d.relations, d.triggers, d.routines, d.events} {
		if err := part(ctx); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(d.into.Things, func(a, b database.Thing) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Is, b.Is))
	})
	return d, nil
}

// seen refuses to speak of things that a server hides from whoever asks: it lists none of them.
func (d *one) seen(what string, rights ...string) error {
	for _, g := range d.grants {
		if granted(g, d.into.Database, rights) {
			return nil
		}
	}
	return d.hidden(what, strings.Join(rights, " or ")+" on it")
}

func (d *one) hidden(what, right string) error {
	return &database.DoubtError{Reason: fmt.Sprintf("%s of database %s are hidden from %s: grant %s, or ask as another user", what, d.into.Database,
		d.q.s.User, right)}
}

// left tells whether a dump leaves out a kind of things.
func (r *profiling) left(kind string) bool { return slices.Contains(r.scope.Other, "--skip-"+kind) }

func (d *one) add(kind, name string, is ...string) {
	is = slices.DeleteFunc(is, func(s string) bool { return s == "" })
	d.into.Things = append(d.into.Things, database.Thing{Kind: kind, Name: d.q.Hide(name), Is: d.q.Hide(strings.Join(is, ", "))})
}

// named joins the parts of a name.
func named(parts ...string) string {
	var all []string
	for _, p := range parts {
		if !plain().MatchString(p) {
			p = quote(p)
		}
		all = append(all, p)
	}
	return strings.Join(all, ".")
}
