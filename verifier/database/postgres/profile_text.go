package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lifeboat/internal/lazy"
	"lifeboat/verifier/database"
)

// written are the kinds of things whose words the server makes of what it keeps.
var written = map[string]bool{"view": true, "materialized view": true, "rule": true, "default": true, "generated": true, "constraint": true,
	"index": true, "policy": true, "trigger": true, "domain": true, "publication": true, "statistics": true}

var token = lazy.Regexp(`E?'(?:[^']|'')*'|"(?:[^"]|"")*"|[\p{L}\p{N}_$]+|\s+|::|.`)

var worded = lazy.Regexp(`^["\p{L}_]`)

// deparsed evens out what a server writes in another way once it has read its own text: the cast of an array is that of its elements then.
// Line breaks are for the eye.
func deparsed(text string) string {
	all := token().FindAllString(text, -1)
	for i, t := range all {
		if strings.TrimSpace(t) == "" {
			all[i] = " "
		}
	}
	return strings.TrimSpace(strings.Join(elements(all), ""))
}

// elements puts casts of arrays on their elements.
func elements(all []string) []string {
	var out []string
	for i := 0; i < len(all); i++ {
		parts, cast, end := castArray(all[i:])
		if end == 0 {
			out = append(out, all[i])
			continue
		}
		out = append(out, "ARRAY[")
		for n, p := range parts {
			if n > 0 {
				out = append(out, ", ")
			}
			out = append(append(append(out, "("), elements(p)...), ")::"+cast)
		}
		out = append(out, "]")
		i += end - 1
	}
	return out
}

// castArray takes (ARRAY[a, b])::type[] apart. end is how many tokens that is; 0: something else stands there.
func castArray(all []string) (parts [][]string, cast string, end int) {
	if len(all) < 8 || all[0] != "(" || all[1] != "ARRAY" || all[2] != "[" {
		return nil, "", 0
	}
	depth, begin, i := 0, 3, 3
	for ; i < len(all) && depth >= 0; i++ {
		switch t := all[i]; {
		case t == "(" || t == "[":
			depth++
		case t == ")" || t == "]":
			depth--
		}
		if depth < 0 || depth == 0 && all[i] == "," {
			part := all[begin:i]
			if len(part) > 0 && part[0] == " " {
				part = part[1:]
			}
			parts, begin = append(parts, part), i+1
		}
	}
	if i+2 >= len(all) || all[i] != ")" || all[i+1] != "::" {
		return nil, "", 0
	}
	for k := i + 2; k+1 < len(all); k++ {
		switch t := all[k]; {
		case t == "[" && all[k+1] == "]":
			return parts, strings.Join(all[i+2:k], ""), k + 2
		case t == "(": // numeric(3,1)
			for k+1 < len(all) && all[k] != ")" {
				k++
			}
		case t != "." && t != " " && !worded().MatchString(t):
			return nil, "", 0
		}
	}
	return nil, "", 0
}

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
