package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"lifeboat/drills/record"
	"lifeboat/drills/restore/dump"
	"lifeboat/drills/restore/postgres/pgdump"
)

// editing is a plain dump on its way to psql: what holds only where it was dumped is left out, or said here by lifeboat
// itself, each with a note.
type editing struct {
	*pgdump.Editor
	ctx  context.Context
	load *load

	schemas map[string]bool // that the dump makes, or that lifeboat made for it
	content bool            // it has made what data go into
	ahead   func() []byte   // what comes next, as far as that is looked at
	adds    bool            // it has data
	makes   bool            // it has tables
}

func newEditing(ctx context.Context, l *load, dump *pgdump.Plain) *editing {
	ed := &editing{Editor: &pgdump.Editor{Dump: dump}, ctx: ctx, load: l}
	ed.forget()
	dump.OnStatement, dump.OnObject, dump.OnConnect, dump.OnDump = ed.statement, ed.object, ed.connect, ed.dump
	return ed
}

// dump is called where the dump of a database begins. One that makes no database may stand behind the roles of its
// server, as in { pg_dumpall --globals-only; pg_dump shop; }.
func (e *editing) dump() error {
	l := e.load
	l.dumps++
	if e.Dump.InCluster() || l.at != nil {
		return nil
	}
	makes, encoding := beginning(e.ahead())
	if makes {
		return nil
	}
	if len(l.set.Only) > 0 {
		return l.indivisible()
	}
	l.dumps = 1
	t, err := l.plainTarget(e.ctx, encoding)
	if err == nil {
		e.lead(t)
	}
	return err
}

// lead takes psql to where a database is loaded.
func (e *editing) lead(t *target) {
	value := strings.NewReplacer(`\`, `\\`, `'`, `\'`, `"`, `""`).Replace(t.loading)
	e.Replace(`\connect -reuse-previous=on "dbname='` + value + `'"`)
}

// forget is for a new database.
func (e *editing) forget() {
	e.content = false
	e.schemas = map[string]bool{"": true, "public": true, "pg_catalog": true, "information_schema": true}
}

// statement is called before psql has the end of it.
func (e *editing) statement(s pgdump.Statement) error {
	l := e.load
	l.noteVersion(e.Dump.Server)
	if e.leaves(s) {
		return nil
	}
	if e.Dump.Cleaning() && s.Cleans() && (!e.content || s.CleansDatabase()) {
		l.noteOnce("what --clean takes away was left out: the database is a new one")
		e.Replace("")
		return nil
	}
	if l.leavesOut(s) {
		e.Replace("")
		return nil
	}
	if s.OfServer() {
		e.Replace("")
		if l.at != nil { // psql may still be at what was before, which needs roles as they are now
			l.later = append(l.later, s)
			return nil
		}
		if err := l.speak(e.ctx, l.server.conn, e.Dump.Encoding); err != nil {
			return err
		}
		return l.global(e.ctx, s)
	}
	if _, ok := s.CreatesDatabase(); ok {
		e.Replace("")
		return e.makeDatabase(s)
	}
	if name := s.Database(); name != "" {
		if t := e.of(name); t != nil {
			t.about = append(t.about, s.Text)
			e.Replace("")
			return l.server.needRoles(e.ctx, e.Dump.Encoding, s.Roles()...)
		}
	}
	if done, err := e.setting(s); done || err != nil {
		return err
	}
	if table := s.CopyTarget(); table != "" {
		if slices.Contains(l.set.LeaveOut.Tables, table) {
			l.noteOnce("the data of %s were left out, as leave_out says", table)
			e.LeaveOutData()
		}
		return nil
	}
	if name := s.Extension(); name != "" {
		return l.server.hasExtensions(e.ctx, name)
	}
	role, what := s.SuperuserOwns()
	if became := s.Becomes(); became != "" {
		role, what = became, "what the dump makes in its name"
	}
	if err := l.server.needRoles(e.ctx, e.Dump.Encoding, s.Roles()...); err != nil || role == "" {
		return err
	}
	return l.server.raise(e.ctx, role, what)
}

// of finds the database that a statement speaks of. A dump that makes none calls the one that it is loaded into by the
// name that it had.
func (e *editing) of(name string) *target {
	l := e.load
	if t := l.called(name); t != nil {
		return t
	}
	switch {
	case e.Dump.Cluster && slices.Contains(serverOwn, name):
		t := &target{own: name, final: name}
		l.targets = append(l.targets, t)
		return t
	case l.at != nil && l.at.own == "":
		l.at.own = name
		return l.at
	}
	return nil
}

// makeDatabase makes a database that the dump makes.
func (e *editing) makeDatabase(s pgdump.Statement) error {
	l := e.load
	own, _ := s.CreatesDatabase()
	t := l.called(own)
	if t == nil {
		final := l.finalName(own, e.Dump.InCluster())
		if slices.ContainsFunc(l.targets, func(t *target) bool { return t.final == final }) {
			return l.lacks(record.LackSeveral, "it holds several dumps, and the database %s would take the place of the one "+
				"before it, as %s", own, final)
		}
		t = &target{own: own, final: final, filled: !slices.Contains(serverOwn, own)}
		l.targets = append(l.targets, t)
	} else if t.loading != "" {
		return l.lacks(record.LackSeveral, "it makes the database %s twice", own)
	}
	t.encoding = e.Dump.Encoding
	_, owner, _ := s.DatabaseOptions()
	if owner != "" {
		if err := l.server.needRoles(e.ctx, e.Dump.Encoding, owner); err != nil {
			return err
		}
	}
	return l.server.makeDatabase(e.ctx, t, s.Text, e.Dump.Encoding)
}

// connect leads psql to where the database is loaded.
func (e *editing) connect(own string) error {
	l := e.load
	if e.Skip = l.leavesDatabase(own); e.Skip {
		return nil
	}
	t := e.of(own)
	if t == nil {
		return l.lacks(record.LackTables, "it connects to the database %s, which it does not make (pg_dumpall --data-only)",
			own)
	}
	if t.loading == "" {
		if err := l.server.makeDatabase(e.ctx, t, "", e.Dump.Encoding); err != nil {
			return err
		}
	}
	if l.at != t {
		e.forget()
	}
	l.enter(e.ctx, t)
	if l.dumps = 1; e.Dump.InCluster() { // its dump begins behind this line
		l.dumps = 0
	}
	e.lead(t)
	return nil
}

// mild are settings of a dump's session that say nothing of what is in it: a server that does not know one of them
// goes without.
var mild = []string{"statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout",
	"idle_session_timeout", "row_security", "default_table_access_method", "restrict_nonsystem_relation_kind"}

// setting looks at what belongs to the server that was dumped, and at what is there already.
func (e *editing) setting(s pgdump.Statement) (done bool, err error) {
	l := e.load
	name, value := s.Setting()
	switch {
	case name == "client_encoding" && l.at != nil && !e.Dump.Globals():
		l.at.encoding = value
	case name == "client_encoding":
		return false, l.speak(e.ctx, l.server.conn, value)
	case name == "default_tablespace" && value != "" && value != "pg_default":
		l.noteTablespace(value)
		e.Replace("SET default_tablespace = '';")
		return true, nil
	case slices.Contains(mild, name):
		known, err := l.server.knows(e.ctx, name)
		if err != nil || known {
			return false, err
		}
		l.noteOnce("its setting %s was left out: PostgreSQL %s does not know it", name, l.server.version)
		e.Replace("")
		return true, nil
	}
	if space, ok := s.Tablespace(); ok {
		l.noteTablespace(space)
		e.Replace("")
		return true, nil
	}
	if schema := s.Schema(); schema == "public" {
		if since := major(e.Dump.Server); since == 0 || since > 10 { // older ones make it in every dump
			l.notePublic()
		}
		e.Replace("")
		return true, nil
	} else if schema != "" {
		e.schemas[schema] = true
	}
	return false, nil
}

// object is called at the heading of each object.
func (e *editing) object(o pgdump.Entry) error {
	if e.Skip {
		return nil
	}
	e.makes, e.adds = e.makes || o.Desc == "TABLE", e.adds || o.Desc == "TABLE DATA"
	switch {
	case o.OfDatabase():
		return nil
	case e.load.at == nil: // it would lie in the server's own database, where nobody looks for it
		return &dump.Damage{Reason: fmt.Sprintf("%s comes before it connects to any database", o.Name())}
	case !o.Data() && !o.Late():
		e.content, e.load.at.filled = true, true
	case !e.content:
		return e.load.lacks(record.LackTables, "%s comes before any table (pg_dump --data-only, --section)", o.Name())
	}
	if o.Desc == "SCHEMA" {
		e.schemas[o.Tag] = true
	}
	if o.Desc == "EXTENSION" { // it may have made any
		e.schemas["*"] = true
	}
	if e.schemas["*"] || e.schemas[o.Namespace] {
		return nil
	}
	e.schemas[o.Namespace] = true
	return e.load.server.needSchema(e.ctx, e.Dump.Encoding, o.Namespace)
}

// atEnd says what the dump as a whole does not hold.
func (e *editing) atEnd() error {
	l := e.load
	if err := l.partOf(e.Dump); err != nil {
		return err
	}
	if len(l.targets) == 0 {
		return l.lacks(record.LackDatabase, "it holds roles and no database (pg_dumpall --globals-only)")
	}
	if name := e.Dump.Unentered(); name != "" {
		return &dump.Damage{Reason: fmt.Sprintf("it makes the database %q and never connects to it", name)}
	}
	wanted := func(t *target) bool { return t.final == l.set.Database }
	if want := l.set.Database; want != "" && !slices.ContainsFunc(l.targets, wanted) {
		return l.lacks(record.LackDatabase, "it holds %s, and not %s, which restore.database names", dump.Few(l.holds()), want)
	}
	if e.makes && !e.adds {
		l.noteNoRows()
	}
	return nil
}
