package postgres

import (
	"fmt"
	"strings"
)

// chosenFrom comes before a question: the relations and schemas of the scope, what extensions brought, and whether things that are in no
// schema are held.
const chosenFrom = `with scope as (select %t as whole),
	rel as (select c.*, n.nspname, case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
			else 'table' end as word
		from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid in (select unnest('{%s}'::oid[]))),
	ns as (select n.oid, n.nspname, n.nspowner, n.nspacl from pg_namespace n where n.oid in (select unnest('{%s}'::oid[]))),
	members as (select d.classid, d.objid from pg_depend d where d.deptype = 'e'),
	proc as (select p.*, ns.nspname, case p.prokind when 'a' then 'aggregate' when 'p' then 'procedure' else 'function' end as word
		from pg_proc p join ns on ns.oid = p.pronamespace
		where p.oid not in (select m.objid from members m where m.classid = 'pg_proc'::regclass)
		and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'i')),
	type as (select t.*, ns.nspname from pg_type t join ns on ns.oid = t.typnamespace
		left join pg_class c on c.oid = t.typrelid
		where (t.typtype in ('e', 'd', 'r', 'b') or c.relkind = 'c') and t.typcategory <> 'A'
		and t.oid not in (select m.objid from members m where m.classid = 'pg_type'::regclass))
	`

func (r *profiling) within(ask string) string {
	ids := make([]string, 0, len(r.relations))
	for _, one := range r.relations {
		ids = append(ids, one.id)
	}
	return fmt.Sprintf(chosenFrom, !r.partial(), strings.Join(ids, ","), strings.Join(r.namespaces, ",")) + ask
}

// No question here casts a value to text to print it, since a database may bring a cast: concat and format print it themselves.

// pick chooses a column that servers have since a version.
func (r *profiling) pick(since int, column, otherwise string) string {
	if r.version < since {
		return otherwise
	}
	return column
}

// unless is empty where a part of things is left out.
func (r *profiling) unless(kind, part string) string {
	if r.left[kind] {
		return "null"
	}
	return part
}

const sequenceValue = "sequence value"

// ofTables are the questions about relations.
func (r *profiling) ofTables() []question {
	return []question{
		{"tables", fmt.Sprintf(`select 'table', null, t.nspname, t.relname, null, null, concat_ws(', ',
			case t.relkind when 'p' then concat('partitioned by ', pg_get_partkeydef(t.oid)) when 'f' then concat('foreign, server ',
				(select s.srvname from pg_foreign_table f join pg_foreign_server s on s.oid = f.ftserver where f.ftrelid = t.oid)) else 'table' end,
			case when t.relpersistence = 'u' then 'unlogged' end,
			case when t.reloftype <> 0 then concat('of type ', format_type(t.reloftype, null)) end,
			%s,
			(select concat(case when t.relispartition then 'partition of ' else 'inherits ' end,
				string_agg(concat(n.nspname, '.', c.relname), ', ' order by i.inhseqno))
				from pg_inherits i join pg_class c on c.oid = i.inhparent join pg_namespace n on n.oid = c.relnamespace
				where i.inhrelid = t.oid having count(*) > 0),
			pg_get_expr(t.relpartbound, t.oid),
			case when t.relrowsecurity then 'row security on' end, case when t.relforcerowsecurity then 'row security forced' end,
			case t.relreplident when 'n' then 'replica identity nothing' when 'f' then 'replica identity full' end,
			(select concat('with (', string_agg(o, ', ' order by o collate "C"), ')') from unnest(t.reloptions) o having count(*) > 0),
			(select concat('toast with (', string_agg(o, ', ' order by o collate "C"), ')') from pg_class x, unnest(x.reloptions) o
				where x.oid = t.reltoastrelid having count(*) > 0)),
			(select array_to_string(f.ftoptions, ' ') from pg_foreign_table f where f.ftrelid = t.oid), null
			from rel t where t.relkind in ('r', 'p', 'f')`,
			r.unless(accessMethod, "(select concat('kept by ', a.amname) from pg_am a where a.oid = t.relam and a.amname <> 'heap')"))},
		{"columns", fmt.Sprintf(`select 'column', null, t.nspname, t.relname, a.attname, null, concat_ws(', ', format_type(a.atttypid, a.atttypmod),
			case when a.attnotnull then %s end,
			case case when %s then a.attidentity end when 'a' then 'identity always' when 'd' then 'identity by default' end,
			case a.attgenerated when '' then null when 'v' then 'generated when read' else 'generated' end,
			case when a.attcollation <> y.typcollation and a.attcollation <> 0 then (select concat('collate ', n.nspname, '.', l.collname)
				from pg_collation l join pg_namespace n on n.oid = l.collnamespace where l.oid = a.attcollation) end,
			case when a.attstorage <> y.typstorage and t.relkind in ('r', 'p', 'm') then concat('storage ', a.attstorage) end, %s,
			case when a.attstattarget >= 0 then concat('statistics ', a.attstattarget) end,
			(select string_agg(o, ', ' order by o collate "C") from unnest(a.attoptions) o where o ~ '^n_distinct')),
			array_to_string(a.attfdwoptions, ' '), null
			from rel t join pg_attribute a on a.attrelid = t.oid join pg_type y on y.oid = a.atttypid
			where t.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped`,
			r.pick(18, `coalesce((select concat_ws(' ', 'not null', case when not k.convalidated then 'not valid' end, case when k.connoinherit then 'no inherit' end)
				from pg_constraint k where k.conrelid = t.oid and k.contype = 'n' and k.conkey = array[a.attnum]), 'not null')`, "'not null'"),
			r.pick(17, "not t.relispartition", "true"), // since 17 a partition has its table's
			r.unless(compression, r.pick(14, "case when a.attcompression <> '' then concat('compression ', a.attcompression) end", "null")))},
		{"the order of columns", `select 'column order', null, t.nspname, t.relname, null, null, string_agg(a.attname, ', ' order by a.attnum), null, null
			from rel t join pg_attribute a on a.attrelid = t.oid
			where t.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped
			and (t.relispartition or not exists (select from pg_inherits i where i.inhrelid = t.oid)) group by 3, 4`},
		{"defaults", `select case when a.attgenerated <> '' then 'generated' else 'default' end, null, t.nspname, t.relname, a.attname, null,
			pg_get_expr(f.adbin, f.adrelid), null, null
			from rel t join pg_attrdef f on f.adrelid = t.oid join pg_attribute a on a.attrelid = t.oid and a.attnum = f.adnum
			where t.relkind in ('r', 'p', 'v', 'f') and not a.attisdropped`},
		{"constraints", `select 'constraint', null, t.nspname, t.relname, k.conname, null, pg_get_constraintdef(k.oid), null, null
			from rel t join pg_constraint k on k.conrelid = t.oid
			where k.contype in ('c', 'f', 'p', 'u', 'x') and not (k.contype = 'f' and k.conparentid <> 0)`},
		{"indexes", `select 'index', null, t.nspname, c.relname, null, null, concat_ws(', ', pg_get_indexdef(i.indexrelid),
			case when not i.indisvalid then 'invalid' end, case when i.indisclustered then 'clustered' end,
			case when i.indisreplident then 'replica identity' end,
			(select concat('part of ', p.relname) from pg_inherits h join pg_class p on p.oid = h.inhparent where h.inhrelid = c.oid)), null, null
			from rel t join pg_index i on i.indrelid = t.oid join pg_class c on c.oid = i.indexrelid where i.indisvalid or t.relkind = 'p'`},
		{"views", `select case t.relkind when 'm' then 'materialized view' else 'view' end, null, t.nspname, t.relname, null, null, concat_ws(', ',
			case when t.relkind = 'm' then case when t.relispopulated then 'filled' else 'not filled' end end,
			(select concat('with (', string_agg(o, ', ' order by o collate "C"), ')') from unnest(t.reloptions) o having count(*) > 0),
			pg_get_viewdef(t.oid)), null, null
			from rel t where t.relkind in ('v', 'm')`},
		{"rules", `select 'rule', null, t.nspname, t.relname, w.rulename, null, concat_ws(', ', pg_get_ruledef(w.oid),
			case when w.ev_enabled <> 'O' then concat('enabled ', w.ev_enabled) end), null, null
			from rel t join pg_rewrite w on w.ev_class = t.oid where w.rulename <> '_RETURN'`},
		{"triggers", `select 'trigger', null, t.nspname, t.relname, g.tgname, null, concat_ws(', ', pg_get_triggerdef(g.oid),
			case g.tgenabled when 'O' then 'enabled' when 'D' then 'disabled' else concat('enabled ', g.tgenabled) end), null, null
			from rel t join pg_trigger g on g.tgrelid = t.oid where not g.tgisinternal and ` + r.pick(13, `(g.tgparentid = 0
			or g.tgenabled <> (select p.tgenabled from pg_trigger p where p.oid = g.tgparentid))`,
			"not exists (select from pg_depend d where d.classid = 'pg_trigger'::regclass and d.objid = g.oid and d.refclassid = d.classid)")},
		{"policies", `select 'policy', null, t.nspname, t.relname, p.polname, null, concat_ws(', ',
			case when p.polpermissive then 'permissive' else 'restrictive' end,
			case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
			concat('to ', coalesce(w.names, 'public')), concat('using ', pg_get_expr(p.polqual, p.polrelid)),
			concat('check ', pg_get_expr(p.polwithcheck, p.polrelid))), null, w.roles
			from rel t join pg_policy p on p.polrelid = t.oid, lateral (select string_agg(o.rolname, ', ' order by o.rolname) as names,
			string_agg(o.rolname, chr(1)) as roles from pg_roles o where o.oid in (select unnest(p.polroles))) w`},
	}
}

// ofSequences are the questions about what stands beside tables.
func (r *profiling) ofSequences() []question {
	return []question{
		{"sequences", `select 'sequence', null, t.nspname, t.relname, null, null, concat_ws(', ', format_type(s.seqtypid, null),
			concat('start ', s.seqstart), concat('by ', s.seqincrement), concat('from ', s.seqmin), concat('to ', s.seqmax),
			concat('cache ', s.seqcache), case when s.seqcycle then 'cycle' end, case when t.relpersistence = 'u' then 'unlogged' end,
			(select concat('of ', o.nspname, '.', o.relname, '.', a.attname) from pg_depend d join rel o on o.oid = d.refobjid
				join pg_attribute a on a.attrelid = o.oid and a.attnum = d.refobjsubid
				where d.classid = 'pg_class'::regclass and d.objid = t.oid and d.refclassid = 'pg_class'::regclass
				and d.refobjsubid > 0 and d.deptype in ('a', 'i'))), null, null
			from rel t join pg_sequence s on s.seqrelid = t.oid`},
		{"statistics", `select 'statistics', null, n.nspname, s.stxname, null, null, pg_get_statisticsobjdef(s.oid), null, null
			from rel t join pg_statistic_ext s on s.stxrelid = t.oid join pg_namespace n on n.oid = s.stxnamespace`},
	}
}
