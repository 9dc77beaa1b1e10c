package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"lifeboat/verifier/database"
)

// bootstrap owns the schema public until somebody gives it away; since 15 a role of the server's own does.
const standardOwner = `(ns.nspname <> 'public' or ns.nspowner not in (select o.oid from pg_roles o where o.oid = 10 or o.rolname = 'pg_database_owner'))`

// ofOwners are the questions about who owns things, and what is said of them.
func (r *profiling) ofOwners() []question {
	database := "null"
	if !r.partial() && !r.scope.NoDatabase {
		database = "current_database()"
	}
	member := func(catalogue string) string {
		return "not in (select m.objid from members m where m.classid = '" + catalogue + "'::regclass)"
	}
	// in a schema: catalogue, its columns' prefix, and what it is called
	inSchema := ""
	for _, x := range [][3]string{{"pg_collation", "coll", "collation"}, {"pg_conversion", "con", "conversion"}, {"pg_operator", "opr", "operator"},
		{"pg_opclass", "opc", "operator class"}, {"pg_opfamily", "opf", "operator family"}, {"pg_ts_config", "cfg", "text search configuration"},
		{"pg_ts_dict", "dict", "text search dictionary"}, {"pg_statistic_ext", "stx", "statistics"}} {
		suffix := "null"
		if x[1] == "opr" {
			suffix = "concat(' (', format_type(x.oprleft, null), ', ', format_type(x.oprright, null), ')')"
		}
		inSchema += fmt.Sprintf(`union all select '%[3]s', ns.nspname, x.%[2]sname, %[4]s, x.%[2]sowner
			from %[1]s x join ns on ns.oid = x.%[2]snamespace where x.oid `+member(x[0])+"\n", x[0], x[1], x[2], suffix)
	}
	noSchema := ""
	for _, x := range [][3]string{{"pg_event_trigger", "evt", "event trigger"}, {"pg_language", "lan", "language"},
		{"pg_foreign_data_wrapper", "fdw", "foreign data wrapper"}, {"pg_foreign_server", "srv", "foreign server"},
		{"pg_publication", "pub", "publication"}} {
		noSchema += fmt.Sprintf(`union all select '%[3]s', x.%[2]sname, null, null, x.%[2]sowner from %[1]s x, scope
			where scope.whole and x.oid >= 16384 and x.oid `+member(x[0])+"\n", x[0], x[1], x[2])
	}
	return []question{
		{"owners", `select 'owner', o.word, o.a, o.b, null, o.suffix, pg_get_userbyid(o.owner), null, pg_get_userbyid(o.owner) from (
			select rel.word, rel.nspname, rel.relname, null, rel.relowner from rel
			union all select 'schema', ns.nspname, null, null, ns.nspowner from ns where ` + standardOwner + `
			union all select p.word, p.nspname, p.proname, concat('(', oidvectortypes(p.proargtypes), ')'), p.proowner from proc p
			union all select 'type', t.nspname, t.typname, null, t.typowner from type t
			union all select 'database', null, null, null, d.datdba from pg_database d where d.datname = ` + database + `
			` + inSchema + noSchema + `) o(word, a, b, suffix, owner)`},
		{"comments", fmt.Sprintf(`select 'comment', i.type, null, null, null, i.identity, d.description, null, null
			from pg_description d, scope, lateral pg_identify_object(d.classoid, d.objoid, d.objsubid) i
			where d.objoid >= 16384 and not exists (select from members m where m.classid = d.classoid and m.objid = d.objoid)
			and case d.classoid when 'pg_class'::regclass then d.objoid in (select rel.oid from rel union all select x.indexrelid
					from pg_index x join rel on rel.oid = x.indrelid union all select t.typrelid from type t)
				when 'pg_constraint'::regclass then d.objoid in (select k.oid from pg_constraint k where k.conrelid in (select rel.oid from rel)
					or k.contypid in (select t.oid from type t))
				when 'pg_trigger'::regclass then d.objoid in (select x.oid from pg_trigger x join rel on rel.oid = x.tgrelid)
				when 'pg_rewrite'::regclass then d.objoid in (select x.oid from pg_rewrite x join rel on rel.oid = x.ev_class)
				when 'pg_policy'::regclass then d.objoid in (select x.oid from pg_policy x join rel on rel.oid = x.polrelid)
				when 'pg_statistic_ext'::regclass then d.objoid in (select x.oid from pg_statistic_ext x join rel on rel.oid = x.stxrelid)
				when 'pg_namespace'::regclass then d.objoid in (select ns.oid from ns)
				when 'pg_largeobject'::regclass then %t
				else coalesce(i.schema in (select ns.nspname from ns), scope.whole) end
			union all select 'comment', 'database', null, null, null, null, d.description, null, null from pg_shdescription d
			where d.classoid = 'pg_database'::regclass and d.objoid = (select b.oid from pg_database b where b.datname = %s)`, r.blobs(),
			database)},
		{"security labels", `select 'security label', l.objtype, null, null, null, concat(l.objname, ' by ', l.provider), l.label, null, null
			from pg_seclabels l, scope where scope.whole and l.objtype not in ('role', 'database', 'tablespace')`},
	}
}

// grantQuestion lists what is granted on things, beside what is granted by default there, and all that can be granted.
const grantQuestion = `, o(kind, word, a, b, c, suffix, type, based, owner, acl) as (
		select 'grant', rel.word, rel.nspname, rel.relname, null::name, null, case rel.relkind when 'S' then 's'::"char" else 'r'::"char" end,
			true, rel.relowner, rel.relacl from rel
		union all select 'grant', 'column', rel.nspname, rel.relname, x.attname, null, 'c', true, rel.relowner, x.attacl
			from rel join pg_attribute x on x.attrelid = rel.oid where x.attnum > 0 and not x.attisdropped
		union all select 'grant', p.word, p.nspname, p.proname, null, concat('(', oidvectortypes(p.proargtypes), ')'), 'f', true, p.proowner, p.proacl
			from proc p
		union all select 'grant', 'type', t.nspname, t.typname, null, null, 'T', true, t.typowner, t.typacl from type t
		union all select 'grant', 'schema', ns.nspname, null, null, null, 'n', true, ns.nspowner, ns.nspacl from ns
		union all select 'grant', 'database', null, null, null, null, 'd', true, d.datdba, d.datacl from pg_database d where d.datname = %s
		union all select 'grant', 'language', l.lanname, null, null, null, 'l', true, l.lanowner, l.lanacl from pg_language l, scope
			where scope.whole and l.oid >= 16384 and l.oid not in (select m.objid from members m where m.classid = 'pg_language'::regclass)
		union all select 'grant', 'foreign data wrapper', f.fdwname, null, null, null, 'F', true, f.fdwowner, f.fdwacl
			from pg_foreign_data_wrapper f, scope where scope.whole
			and f.oid not in (select m.objid from members m where m.classid = 'pg_foreign_data_wrapper'::regclass)
		union all select 'grant', 'foreign server', f.srvname, null, null, null, 'S', true, f.srvowner, f.srvacl
			from pg_foreign_server f, scope where scope.whole
		union all select 'grant', 'large objects', null, null, null, concat(count(*), ', ', sum(hashtextextended(concat(l.oid) collate "C", 0))), 'L',
			true, l.lomowner, l.lomacl from pg_largeobject_metadata l where %t and l.lomacl is not null group by l.lomowner, l.lomacl
		union all select 'default privileges', concat_ws(' ', 'of', pg_get_userbyid(d.defaclrole), 'in', n.nspname), null, null, null, concat('on ',
			case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' else 'schemas' end),
			case d.defaclobjtype when 'S' then 's'::"char" else d.defaclobjtype end, d.defaclnamespace = 0, d.defaclrole, d.defaclacl
			from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace, scope
			where case d.defaclnamespace when 0 then scope.whole else d.defaclnamespace in (select ns.oid from ns) end)
	select o.kind, o.word, o.a, o.b, o.c, o.suffix, x.source, coalesce(r.rolname, 'public'), x.grantee = o.owner, x.privilege, x.grantable,
		pg_get_userbyid(o.owner)
	from o, lateral (select 'has', e.* from aclexplode(o.acl) e union all select 'all', e.* from aclexplode(acldefault(o.type, o.owner)) e
		union all select 'default', e.* from aclexplode(acldefault(o.type, o.owner)) e where o.based) x(source, grantor, grantee, privilege, grantable)
	left join pg_roles r on r.oid = x.grantee where o.acl is not null`

// rights on one thing, by who has them: privileges, with * where they can be passed on.
type rights map[string][]string

func (r *profiling) grants(ctx context.Context) error {
	type thing struct{ kind, name string }
	all := map[thing]map[string]rights{}
	name := "null"
	if !r.partial() && !r.scope.NoDatabase {
		name = "current_database()"
	}
	err := r.q.Ask(ctx, r.within(fmt.Sprintf(grantQuestion, name, r.blobs())), nil, func(v [][]byte) error {
		if r.left[string(v[0])] {
			return nil
		}
		at := thing{string(v[0]), named(v[1], v[5], v[2], v[3], v[4])}
		if all[at] == nil {
			all[at] = map[string]rights{"has": {}, "default": {}, "all": {}}
		}
		who, privilege := string(v[7]), string(v[9])
		if privilege == "MAINTAIN" && r.source() < 17 {
			return nil
		}
		if string(v[6]) == "has" && who != "public" {
			r.needed[who] = true
		}
		if at.kind == "default privileges" {
			r.needed[string(v[11])] = true
		}
		if string(v[8]) == "t" {
			who = "the owner"
		}
		if string(v[10]) == "t" {
			privilege += "*"
		}
		all[at][string(v[6])][who] = append(all[at][string(v[6])][who], privilege)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read grants: %w", err)
	}
	for at, of := range all {
		if at.name == "schema public" { // what it is by default is another thing since 15, and no dump says so
			delete(of["has"], "the owner")
			delete(of["has"], "pg_database_owner")
			if r.source() < 15 && len(of["has"]["public"]) == 2 {
				of["has"]["public"] = []string{"USAGE"}
			}
			of["default"] = rights{"public": {"USAGE"}}
		}
		if is := of["has"].beside(of["default"], of["all"]["the owner"]); is != "" {
			r.add(at.kind, at.name, is)
		}
	}
	return nil
}

// source is the version of the server that was dumped: what is there by default is another thing since 15, and all rights since 17. A dump by that
// server's own programs leaves it to the server that it is restored on, and one by later programs says what it was.
func (r *profiling) source() int {
	was := 0
	if r.o.Like != nil {
		_, _ = fmt.Sscanf(r.o.Like.Server, "%d", &was)
	}
	return cmp.Or(was, r.version)
}

// beside says how rights differ from those that are there by default. What all of them are differs from server to server.
func (has rights) beside(standard rights, all []string) string {
	text := func(list []string) string {
		sorted := slices.Compact(slices.Sorted(slices.Values(list)))
		switch {
		case len(sorted) == 0:
			return "nothing"
		case len(all) > 0 && slices.Equal(sorted, slices.Sorted(slices.Values(all))):
			return "all"
		}
		return strings.Join(sorted, " ")
	}
	var said []string
	for who, list := range has {
		if is := text(list); is != text(standard[who]) {
			said = append(said, who+": "+is)
		}
	}
	for who := range standard {
		if _, any := has[who]; !any {
			said = append(said, who+": nothing")
		}
	}
	slices.Sort(said)
	return strings.Join(said, "; ")
}

// rolesOf are the roles and whose members they are.
const rolesOf = `select r.rolname, null, concat_ws(', ', case when r.rolsuper then 'superuser' end, case when r.rolcanlogin then 'login' else 'no login' end,
		case when not r.rolinherit then 'no inherit' end, case when r.rolcreaterole then 'create roles' end,
		case when r.rolcreatedb then 'create databases' end, case when r.rolreplication then 'replication' end,
		case when r.rolbypassrls then 'bypass row security' end) from pg_roles r
	union all select m.rolname, g.rolname, case when bool_or(a.admin_option) then 'admin' else 'member' end from pg_auth_members a
	join pg_roles m on m.oid = a.member join pg_roles g on g.oid = a.roleid group by 1, 2`

// roles that the databases need; whole: with what they may do and whose members they are.
func (r *profiling) roles(ctx context.Context, whole bool) (all []database.Thing, err error) {
	err = r.q.Ask(ctx, rolesOf, nil, func(v [][]byte) error {
		name := string(v[0])
		switch {
		case v[1] != nil && whole && (r.needed[name] || r.needed[string(v[1])]) && !strings.HasPrefix(name, "pg_"):
			all = append(all, database.Thing{Kind: "member", Name: named(nil, nil, v[0]) + " of " + named(nil, nil, v[1]), Is: string(v[2])})
		case v[1] == nil && r.needed[name] && !strings.HasPrefix(name, "pg_"):
			one := database.Thing{Kind: "role", Name: named(nil, nil, v[0])}
			if whole {
				one.Is = string(v[2])
			}
			all = append(all, one)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b database.Thing) int { return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Name, b.Name)) })
	return all, err
}
