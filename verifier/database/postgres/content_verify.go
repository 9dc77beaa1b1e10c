package postgres

import (
	"context"
	"fmt"
	"slices"

	"lifeboat/verifier/database"
)

// The functions of amcheck and pg_visibility, as every version has them in its library. They are made in our session's own schema and go
// with its transaction: what the database calls by these names may be anybody's, and another version's.
const (
	checkTree = `create function pg_temp.check_tree(regclass) returns void language c strict as '$libdir/amcheck', 'bt_index_check'`
	checkHeap = `create function pg_temp.check_heap(relation regclass, on_error_stop bool, check_toast bool, skip text,
		startblock int8, endblock int8, blkno out int8, offnum out int4, attnum out int4, msg out text)
		returns setof record language c as '$libdir/amcheck', 'verify_heapam'`
	checkMap = `create function pg_temp.check_map(regclass, blkno out int8, all_visible out bool, all_frozen out bool,
		pd_all_visible out bool) returns setof record language c strict as '$libdir/pg_visibility', 'pg_visibility_rel';
		create function pg_temp.check_map(regclass, int8, all_visible out bool, all_frozen out bool,
		pd_all_visible out bool) returns record language c strict as '$libdir/pg_visibility', 'pg_visibility'`
)

// quiet keeps the database's own code from running when they are made: event triggers, by the two ways that there are.
const quiet = `select set_config(s.name, v.value, true) from (values ('session_replication_role', 'replica'), ('event_triggers', 'off'),
	('jit', 'off')) v(name, value) join pg_settings s on s.name = v.name`

// loud are the event triggers that would run all the same.
const loud = `select count(*) from pg_event_trigger e where e.evtenabled in ('A', 'R')
	and not exists (select from pg_settings s where s.name = 'event_triggers')`

// heaps and trees that amcheck can look at. The server's own are among them, and what is stored apart for its size.
const (
	heaps = `select c.oid, format('%s.%s', n.nspname, coalesce(o.relname, c.relname)), format('%I.%I', m.nspname, c.relname)
		from pg_class c left join pg_class o on o.reltoastrelid = c.oid
		join pg_namespace n on n.oid = coalesce(o.relnamespace, c.relnamespace) join pg_namespace m on m.oid = c.relnamespace
		where c.relkind in ('r', 'm', 't') and c.relam = 2 and c.relpersistence = 'p' and c.relispopulated order by 2, 1`
	// whose operators are no code of the database's; the last column tells whether they sort by a locale that may sort
	// otherwise here than where the index was made
	trees = `with db as (select d.datcollate, to_jsonb(d) ->> 'datcollversion' as version,
			coalesce(to_jsonb(d) ->> 'datlocprovider', 'c') as provider from pg_database d where d.datname = current_database())
		select c.oid, format('%%s.%%s', n.nspname, c.relname),
		exists (select from unnest(i.indcollation::oid[]) u(c) join pg_collation l on l.oid = u.c, db where not coalesce(case
			when l.collprovider = 'd' then db.provider = 'b' or db.provider = 'c' and db.datcollate ~* '^(c|posix)($|\.)'
				or db.version = %s
			else l.collprovider = 'b' or l.collprovider = 'c' and l.collcollate ~* '^(c|posix)($|\.)'
				or l.collversion = pg_collation_actual_version(l.oid) end, false))
		from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
		where c.relam = 403 and c.relkind = 'i' and c.relpersistence <> 't' and i.indisvalid and i.indisready
		and not exists (select from unnest(i.indclass::oid[]) u(c) join pg_opclass k on k.oid = u.c
			join pg_amproc p on p.amprocfamily = k.opcfamily join pg_proc f on f.oid = p.amproc
			where f.prolang not in (12, 13)) order by 2`
)

// actual is the version of the locale that a database sorts by here; no server before 15 keeps what it was.
func actual(version string) string {
	if version < "15" {
		return "null"
	}
	return "pg_database_collation_actual_version((select d.oid from pg_database d where d.datname = current_database()))"
}

// verification is amcheck's look at a database.
type verification struct {
	q    *session
	into *database.Content
}

// verify has amcheck look at every table and btree. What it cannot look at is no lack of the backup's: the rows were read.
func verify(ctx context.Context, s database.Server, into *database.Content) {
	err := in(ctx, s, "read write", func(ctx context.Context, q *session) error {
		return (&verification{q: q, into: into}).all(ctx)
	})
	if err != nil {
		into.Unlooked = append(into.Unlooked, err.Error())
	}
}

func (v *verification) all(ctx context.Context) error {
	version := v.q.c.ParameterStatus("server_version")
	trees := fmt.Sprintf(trees, actual(version))
	if err := v.q.shadows(ctx, nil, quiet+loud+heaps+trees); err != nil {
		return err
	}
	if err := v.q.Ask(ctx, quiet, nil, func([][]byte) error { return nil }); err != nil {
		return err
	}
	n, err := database.Read(ctx, v.q, loud)
	if err != nil {
		return err
	}
	if n.Text() != "0" {
		return doubt("an event trigger of the database (enable always, or replica) would run in what asks amcheck")
	}
	if err := v.each(ctx, checkHeap, heaps, heap, v.heap); err != nil {
		return err
	}
	if err := v.each(ctx, checkTree, trees, tree, v.tree); err != nil {
		return err
	}
	return v.each(ctx, checkMap, heaps, pages, v.pages)
}

// each makes a function of amcheck and has it look at what a question lists.
func (v *verification) each(ctx context.Context, function, list string, question func(listed []string) string,
	told func(listed []string, rows [][][]byte, err error)) error {
	err, fatal := v.q.keep(ctx, func() error { _, err := v.q.c.Exec(ctx, function).ReadAll(); return cause(err) })
	if fatal != nil {
		return fatal
	}
	if err != nil { // without a library, with one of an older version, or without the right
		v.into.Unlooked = append(v.into.Unlooked, err.Error())
		return nil
	}
	var all [][]string
	err = v.q.Ask(ctx, list, nil, func(values [][]byte) error {
		var row []string
		for _, x := range values {
			row = append(row, string(x))
		}
		all = append(all, row)
		return nil
	})
	var questions []string
	for _, row := range all {
		questions = append(questions, question(row))
	}
	done, fatal := v.q.tries(ctx, questions, func(i int, rows [][][]byte, err error) error {
		told(all[i], rows, err)
		return nil
	})
	if fatal != nil {
		return fmt.Errorf("%d of %d were looked at: %s: %w", done, len(all), all[done][1], fatal)
	}
	return err
}

func heap(listed []string) string {
	return "select c.blkno, c.offnum, c.msg from pg_temp.check_heap(" + listed[0] + "::oid::regclass, true, false, 'none', null, null) c limit 1"
}

func (v *verification) heap(listed []string, rows [][][]byte, err error) {
	for _, x := range rows {
		v.wrong(database.DamagedHeap, listed[1], fmt.Sprintf("block %s, item %s: %s", x[0], x[1], x[2]))
	}
	v.came(database.DamagedHeap, listed[1], err)
}

func tree(listed []string) string {
	return "select pg_temp.check_tree(" + listed[0] + "::oid::regclass)"
}

func (v *verification) tree(listed []string, _ [][][]byte, err error) {
	if blame(err) != "" && listed[2] == "t" {
		v.into.Unread = append(v.into.Unread, database.Wrong{Where: listed[1], Says: v.q.Hide(fmt.Sprintf("%v (it sorts "+
			"by a locale that may be another one here: take an image with production's, or reindex)", err))})
		return
	}
	v.came(database.DamagedTree, listed[1], err)
}

// emptied are pages whose rows everybody could see, says the table's map, and which do not know it themselves: what a file with
// holes in it looks like, since a page of zeros reads as one that is empty. Rows that were changed meanwhile look alike at
// first, so each is asked again, and for rows that this transaction can see.
const emptied = `select m.blkno from pg_temp.check_map(%[1]s) m where m.all_visible and not m.pd_all_visible
	and exists (select from pg_temp.check_map(%[1]s, m.blkno) a where a.all_visible and not a.pd_all_visible)
	and not exists (select from only %[2]s t where t.ctid >= format('(%%s,0)', m.blkno)::tid and t.ctid < format('(%%s,0)', m.blkno + 1)::tid)
	order by 1`

func pages(listed []string) string {
	return fmt.Sprintf(emptied, listed[0]+"::oid::regclass", listed[2])
}

func (v *verification) pages(listed []string, rows [][][]byte, err error) {
	v.came(database.Emptied, listed[1], err)
	if len(rows) > 0 {
		v.wrong(database.Emptied, listed[1], fmt.Sprintf("%d, the first is block %s", len(rows), rows[0][0]))
	}
}

// came is what came of looking at something; nil: nothing.
func (v *verification) came(fault database.Fault, where string, err error) {
	switch {
	case err == nil:
	case blame(err) != "":
		v.wrong(fault, where, err.Error())
	case code(err) != "42P01": // undefined_table: gone since
		v.into.Unlooked = append(v.into.Unlooked, v.q.Hide(where+": "+err.Error()))
	}
}

func (v *verification) wrong(fault database.Fault, where, says string) {
	if slices.ContainsFunc(v.into.Wrong, func(w database.Wrong) bool { return w.Where == where }) {
		return // that it cannot be read says it all
	}
	v.into.Wrong = append(v.into.Wrong, database.Wrong{Fault: fault, Where: where, Says: v.q.Hide(says)})
}
