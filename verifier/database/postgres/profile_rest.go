package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lifeboat/verifier/database"
)

// standing reads where the sequences stand.
func (r *profiling) standing(ctx context.Context) error {
	var all []string
	for _, s := range r.relations {
		if s.filled && s.kind == "S" {
			all = append(all, "select"+literal(s.schema)+"::name,"+literal(s.name)+"::name, s.last_value, s.is_called, q.seqincrement from "+
				quote(s.schema)+"."+quote(s.name)+" s, pg_sequence q where q.seqrelid = "+s.id)
		}
	}
	for some := range slices.Chunk(all, 50) {
		err := r.q.Ask(ctx, strings.Join(some, " union all "), nil, func(v [][]byte) error {
			is := "next "
			if string(v[3]) == "t" {
				is = "last "
			}
			r.add(sequenceValue, named(nil, nil, v[0], v[1]), is+string(v[2])+" by "+string(v[4]))
			return nil
		})
		if err != nil {
			return fmt.Errorf("read sequences: %w", err)
		}
	}
	return nil
}

// blobs tells whether a dump holds large objects.
func (r *profiling) blobs() bool { return !r.partial() && !r.scope.NoBlobs && !r.scope.SchemaOnly }

// blobs are the large objects: how many there are, and a hash of their pages. One that is written over holes has none in a copy, so that pages
// and ends of pages that are zero do not count, but the size does.
const blobs = `select coalesce(sum(x.h), 0) from (
	select hashtextextended(concat(l.loid, ' ', l.pageno, ' ', p.d) collate "C", 0) from pg_largeobject l,
		lateral (select btrim('\x01'::bytea || l.data, '\x00'::bytea) as d) p where p.d <> '\x01'::bytea
	union all select hashtextextended(concat(l.loid, ' ', max(l.pageno::int8 * 2048 + octet_length(l.data))) collate "C", 1)
		from pg_largeobject l group by l.loid
	union all select hashtextextended(concat(m.oid) collate "C", 2) from pg_largeobject_metadata m) x(h)`

// countedBlobs may be asked by anybody, their pages by superusers only.
const countedBlobs = `select count(*) from pg_largeobject_metadata`

const ownersOfBlobs = `select concat('large objects of ', pg_get_userbyid(l.lomowner)), concat(count(*), ', ',
	sum(hashtextextended(concat(l.oid) collate "C", 0))), pg_get_userbyid(l.lomowner) from pg_largeobject_metadata l group by l.lomowner`

func (r *profiling) largeObjects(ctx context.Context) error {
	found := database.ProfiledTable{Name: "large objects", Hash: "0"}
	err, fatal := r.q.try(ctx, func() error {
		err := r.q.Ask(ctx, countedBlobs, nil, func(v [][]byte) (err error) {
			found.Rows, err = strconv.ParseInt(string(v[0]), 10, 64)
			return err
		})
		if err != nil || found.Rows == 0 {
			return err
		}
		return r.q.Ask(ctx, blobs, nil, func(v [][]byte) error {
			found.Hash = string(v[0])
			return nil
		})
	})
	if fatal != nil {
		return fmt.Errorf("read large objects: %w", fatal)
	}
	if err != nil {
		found.Unread, found.Hash = r.q.Hide(err.Error()), ""
	}
	r.into.Tables = append(r.into.Tables, found)
	return r.q.Ask(ctx, ownersOfBlobs, nil, func(v [][]byte) error {
		if !r.left["owner"] {
			r.needed[string(v[2])] = true
		}
		r.add("owner", string(v[0]), string(v[1]))
		return nil
	})
}
