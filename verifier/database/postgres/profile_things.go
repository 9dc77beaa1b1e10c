package postgres

import "slices"

// questions are all about the structure.
func (r *profiling) questions() []question {
	return slices.Concat(r.ofTables(), r.ofSequences(), r.ofSchemas(), r.ofDatabase(), r.ofOwners())
}

// ofSchemas are the questions about what is in schemas beside relations.
func (r *profiling) ofSchemas() []question {
	locale := r.pick(17, "l.colllocale", r.pick(15, "l.colliculocale", "null"))
	// until 14 one of ICU had its name in both
	ctype := r.pick(15, "l.collctype", "case when l.collprovider = 'c' then l.collctype end")
	return []question{
		{"schemas", `select 'schema', null, ns.nspname, null, null, null, 'schema', null, null from ns where ns.nspname <> 'public'`},
		{"functions", `select p.word, null, p.nspname, p.proname, null, concat('(', oidvectortypes(p.proargtypes), ')'), concat_ws(', ',
			concat('(', pg_get_function_arguments(p.oid), ')'), concat('returns ', pg_get_function_result(p.oid)), l.lanname,
			case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
			case when p.prokind = 'w' then 'window' end, case when p.proisstrict then 'strict' end,
			case when p.prosecdef then 'security definer' end, case when p.proleakproof then 'leakproof' end, concat('parallel ', p.proparallel),
			concat('cost ', p.procost), case when p.proretset then concat('rows ', p.prorows) end,
			case when p.prosupport <> 0 then concat('support ', p.prosupport) end,
			case when p.proconfig is not null then concat('set ', array_to_string(p.proconfig, ', ')) end),
			case when p.prokind <> 'a' then concat(p.prosrc, ' ', p.probin, ` + r.pick(14, "pg_get_function_sqlbody(p.oid)", "null") + `) end, null
			from proc p join pg_language l on l.oid = p.prolang`},
		{"aggregates", `select 'aggregate definition', null, p.nspname, p.proname, null, concat('(', oidvectortypes(p.proargtypes), ')'), concat_ws(', ',
			a.aggkind, a.aggtransfn, format_type(a.aggtranstype, null), a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
			a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn, a.aggfinalextra, a.aggfinalmodify, a.aggsortop::regoperator,
			concat('init ', quote_nullable(a.agginitval)), a.aggnumdirectargs), null, null
			from proc p join pg_aggregate a on a.aggfnoid = p.oid`},
		{"types", `select case t.typtype when 'e' then 'enum' when 'd' then 'domain' when 'r' then 'range' when 'c' then 'composite type'
				else 'type' end, null, t.nspname, t.typname, null, null, concat_ws(', ',
			(select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid),
			case when t.typtype = 'd' then format_type(t.typbasetype, t.typtypmod) end,
			case when t.typnotnull then 'not null' end, case when t.typdefault is not null then concat('default ', t.typdefault) end,
			case when t.typcollation <> (select b.typcollation from pg_type b where b.oid = t.typbasetype) then (select concat('collate ',
				l.collname) from pg_collation l where l.oid = t.typcollation) end,
			(select string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), (select concat('collate ', l.collname)
				from pg_collation l where l.oid = a.attcollation and a.attcollation <> 100)), ', ' order by a.attnum)
				from pg_attribute a where a.attrelid = t.typrelid and t.typtype = 'c' and a.attnum > 0 and not a.attisdropped),
			(select concat_ws(' ', 'of', format_type(g.rngsubtype, null), o.opcname, l.collname, g.rngcanonical, g.rngsubdiff` +
			r.pick(14, ", format_type(g.rngmultitypid, null)", "") + `)
				from pg_range g join pg_opclass o on o.oid = g.rngsubopc left join pg_collation l on l.oid = g.rngcollation
				where g.rngtypid = t.oid),
			case when t.typtype = 'b' then concat_ws(' ', t.typinput, t.typoutput, t.typreceive, t.typsend, t.typlen, t.typbyval, t.typalign,
				t.typstorage, t.typcategory, t.typispreferred, t.typdelim) end), null, null
			from type t`},
		{"constraints of domains", `select 'constraint', null, t.nspname, t.typname, k.conname, null, pg_get_constraintdef(k.oid), null, null
			from type t join pg_constraint k on k.contypid = t.oid where k.contype = 'c'`},
		{"operators", `select 'operator', null, ns.nspname, null, null, concat('.', o.oprname, ' (', format_type(o.oprleft, null), ', ',
			format_type(o.oprright, null), ')'), concat_ws(', ', o.oprcode, concat('commutator ', o.oprcom::regoperator),
			concat('negator ', o.oprnegate::regoperator), o.oprrest, o.oprjoin, o.oprcanhash, o.oprcanmerge), null, null
			from pg_operator o join ns on ns.oid = o.oprnamespace
			where o.oid not in (select m.objid from members m where m.classid = 'pg_operator'::regclass) and o.oprcode <> 0`},
		{"operator classes", `select 'operator class', null, ns.nspname, o.opcname, null, concat(' using ', m.amname), concat_ws(', ',
			format_type(o.opcintype, null), f.opfname, case when o.opcdefault then 'default' end, format_type(o.opckeytype, null)), null, null
			from pg_opclass o join ns on ns.oid = o.opcnamespace join pg_am m on m.oid = o.opcmethod join pg_opfamily f on f.oid = o.opcfamily
			where o.oid not in (select m.objid from members m where m.classid = 'pg_opclass'::regclass)
			union all select 'operator family', null, ns.nspname, f.opfname, null, concat(' using ', m.amname), concat_ws('; ',
				(select string_agg(concat_ws(' ', a.amopstrategy, a.amopopr::regoperator), ', ' order by a.amopstrategy, a.amoplefttype, a.amoprighttype)
					from pg_amop a where a.amopfamily = f.oid),
				(select string_agg(concat_ws(' ', a.amprocnum, a.amproc::regprocedure), ', ' order by a.amprocnum, a.amproclefttype, a.amprocrighttype)
					from pg_amproc a where a.amprocfamily = f.oid)), null, null
			from pg_opfamily f join ns on ns.oid = f.opfnamespace join pg_am m on m.oid = f.opfmethod
			where f.oid not in (select m.objid from members m where m.classid = 'pg_opfamily'::regclass)`},
		{"collations", `select 'collation', null, ns.nspname, l.collname, null, null, concat_ws(', ', l.collprovider, coalesce(` + locale + `, l.collcollate),
			` + ctype + `, case when not l.collisdeterministic then 'not deterministic' end, l.collencoding), null, null
			from pg_collation l join ns on ns.oid = l.collnamespace
			where l.oid not in (select m.objid from members m where m.classid = 'pg_collation'::regclass)
			union all select 'conversion', null, ns.nspname, c.conname, null, null, concat_ws(', ', pg_encoding_to_char(c.conforencoding),
				pg_encoding_to_char(c.contoencoding), c.conproc, c.condefault), null, null
			from pg_conversion c join ns on ns.oid = c.connamespace
			where c.oid not in (select m.objid from members m where m.classid = 'pg_conversion'::regclass)`},
		{"text search", `select 'text search configuration', null, ns.nspname, c.cfgname, null, null, concat_ws(', ', p.prsname,
				(select string_agg(concat_ws(' ', m.maptokentype, m.mapseqno, d.dictname), ', ' order by m.maptokentype, m.mapseqno)
					from pg_ts_config_map m join pg_ts_dict d on d.oid = m.mapdict where m.mapcfg = c.oid)), null, null
			from pg_ts_config c join ns on ns.oid = c.cfgnamespace join pg_ts_parser p on p.oid = c.cfgparser
			where c.oid not in (select m.objid from members m where m.classid = 'pg_ts_config'::regclass)
			union all select 'text search dictionary', null, ns.nspname, d.dictname, null, null, concat_ws(', ', t.tmplname, d.dictinitoption), null, null
			from pg_ts_dict d join ns on ns.oid = d.dictnamespace join pg_ts_template t on t.oid = d.dicttemplate
			where d.oid not in (select m.objid from members m where m.classid = 'pg_ts_dict'::regclass)`},
	}
}

// ofDatabase are the questions about what is in no schema.
func (r *profiling) ofDatabase() []question {
	at := "null"
	if !r.partial() && !r.scope.NoDatabase {
		at = "current_database()"
	}
	provider := r.pick(15, "case when d.datlocprovider <> 'c' then concat('provider ', d.datlocprovider) end, "+
		r.pick(17, "d.datlocale", "d.daticulocale"), "null")
	rowFilter := r.pick(15, "concat_ws(', ', pg_get_expr(p.prqual, p.prrelid), (select string_agg(a.attname, ' ' order by a.attname) "+
		"from pg_attribute a where a.attrelid = p.prrelid and a.attnum in (select unnest(p.prattrs))))", "''")
	schemas := r.pick(15, `union all select 'publication', null, p.pubname, ns.nspname, null, null, 'schema', null, null
		from pg_publication_namespace s join pg_publication p on p.oid = s.pnpubid join ns on ns.oid = s.pnnspid, scope where scope.whole`, "")
	// a range brings its multirange with a cast to it
	own := r.pick(14, "and not exists (select from pg_range g where g.rngtypid = c.castsource and g.rngmultitypid = c.casttarget)", "")
	return []question{
		{"the database", `select 'database', v.what, null, null, null, null, v.says, null, null from pg_database d, lateral (values
			('encoding', pg_encoding_to_char(d.encoding)), ('locale', concat_ws(', ', replace(lower(d.datcollate), '-', ''),
			replace(lower(d.datctype), '-', ''), ` + provider + `))) v(what, says) where d.datname = ` + at + `
			union all select 'setting', concat_ws(' ', split_part(c, '=', 1), concat('of ', o.rolname)), null, null, null, null, null,
				c, o.rolname
			from pg_db_role_setting s left join pg_roles o on o.oid = s.setrole, unnest(s.setconfig) c
			where s.setdatabase = (select d.oid from pg_database d where d.datname = ` + at + `)`},
		{"extensions", `select v.kind, null, e.extname, null, null, null, v.says, null, null from pg_extension e
			join pg_namespace n on n.oid = e.extnamespace, scope, lateral (values ('extension', concat('in schema ', n.nspname)),
			('extension version', e.extversion)) v(kind, says) where scope.whole and e.oid >= 16384`},
		{"event triggers", `select 'event trigger', null, e.evtname, null, null, null, concat_ws(', ', e.evtevent, array_to_string(e.evttags, ' '),
			e.evtfoid::regproc, case e.evtenabled when 'O' then 'enabled' when 'D' then 'disabled' else concat('enabled ', e.evtenabled) end), null, null
			from pg_event_trigger e, scope where scope.whole
			and e.oid not in (select m.objid from members m where m.classid = 'pg_event_trigger'::regclass)`},
		{"casts", `select 'cast', null, null, null, null, concat('(', format_type(c.castsource, null), ' as ', format_type(c.casttarget, null), ')'),
			concat_ws(', ', case when c.castfunc <> 0 then c.castfunc::regprocedure end, c.castcontext, c.castmethod), null, null
			from pg_cast c, scope where scope.whole and c.oid >= 16384
			and c.oid not in (select m.objid from members m where m.classid = 'pg_cast'::regclass) ` + own},
		{"languages", `select 'language', null, l.lanname, null, null, null, concat_ws(', ', l.lanpltrusted, l.lanplcallfoid::regproc,
			l.laninline::regproc, l.lanvalidator::regproc), null, null from pg_language l, scope where scope.whole and l.oid >= 16384
			and l.oid not in (select m.objid from members m where m.classid = 'pg_language'::regclass)`},
		{"foreign servers", `select 'foreign data wrapper', null, f.fdwname, null, null, null, concat_ws(', ', f.fdwhandler::regproc, f.fdwvalidator::regproc),
				array_to_string(f.fdwoptions, ' '), null from pg_foreign_data_wrapper f, scope where scope.whole
				and f.oid not in (select m.objid from members m where m.classid = 'pg_foreign_data_wrapper'::regclass)
			union all select 'foreign server', null, s.srvname, null, null, null, concat_ws(', ', f.fdwname, s.srvtype, s.srvversion),
				array_to_string(s.srvoptions, ' '), null
			from pg_foreign_server s join pg_foreign_data_wrapper f on f.oid = s.srvfdw, scope where scope.whole
			and s.oid not in (select m.objid from members m where m.classid = 'pg_foreign_server'::regclass)
			union all select 'user mapping', null, u.srvname, null, null, concat(' of ', u.usename), 'mapping', array_to_string(u.umoptions, ' '), null
			from pg_user_mappings u, scope where scope.whole`},
		{"publications", `select 'publication', null, p.pubname, null, null, null, concat_ws(', ', case when p.puballtables then 'all tables' end,
				case when p.pubinsert then 'insert' end, case when p.pubupdate then 'update' end, case when p.pubdelete then 'delete' end,
				case when p.pubtruncate then 'truncate' end, ` + r.pick(13, "case when p.pubviaroot then 'via root' end", "null") + `, ` +
			r.pick(18, "case when p.pubgencols <> 'n' then 'generated columns' end", "null") + `), null, null
				from pg_publication p, scope where scope.whole
			union all select 'publication', null, b.pubname, t.nspname, t.relname, null, concat_ws(', ', 'table', nullif(` + rowFilter + `, '')), null, null
				from pg_publication_rel p join pg_publication b on b.oid = p.prpubid join rel t on t.oid = p.prrelid, scope where scope.whole
			` + schemas},
	}
}
