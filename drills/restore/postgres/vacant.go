package postgres

import (
	"context"
	"fmt"

	"lifeboat/drills/record"
)

// within finds something in a database that is not the server's own, and no part of an extension that an image makes in an empty one.
const within = `select what from (
	select c.oid, 'pg_class'::regclass::oid as of, case c.relkind when 'v' then 'view' when 'm' then 'materialized view' when 'S' then 'sequence'
		when 'f' then 'foreign table' else 'table' end || ' ' || n.nspname || '.' || c.relname as what
	from pg_class c join pg_namespace n on n.oid = c.relnamespace
	where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
	union all
	select p.oid, 'pg_proc'::regclass::oid, 'function ' || n.nspname || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
	where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
	union all
	select oid, 'pg_largeobject'::regclass::oid, 'large object ' || oid from pg_largeobject_metadata) x
	where not exists (select 1 from pg_depend d where d.classid = x.of and d.objid = x.oid and d.deptype = 'e') order by what limit 1`

// vacant proves that a database which takes a part of the backup is not there or holds nothing, but for what this backup brought there before.
func (s *server) vacant(ctx context.Context, database string) error {
	if len(s.set.Only) == 0 {
		return nil
	}
	here := [2]string{s.machine.Name(), database}
	s.mu.Lock()
	ours := s.filled[here]
	s.mu.Unlock()
	if ours {
		return nil
	}
	is, err := s.names(ctx, "select datname::text from pg_database where datname = "+literal(database))
	if err != nil {
		return fmt.Errorf("look for database %s on %s: %w", database, s.machine.Name(), err)
	}
	if len(is) > 0 {
		conn, err := s.connect(ctx, s.machine, database)
		if err != nil {
			return fmt.Errorf("connect to database %s on %s: %w", database, s.machine.Name(), err)
		}
		defer hangUp(ctx, conn)
		there, err := texts(ctx, conn, within)
		if err != nil {
			return fmt.Errorf("look whether database %s on %s is empty: %w", database, s.machine.Name(), err)
		}
		if len(there) > 0 {
			return s.lacks(record.LackOccupied, "database %s is there already on %s and holds %s, and restore.only would put a part of the backup in its place",
				database, s.machine.Name(), there[0][0])
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.filled[here] = true
	return nil
}
