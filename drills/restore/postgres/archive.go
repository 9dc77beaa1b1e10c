package postgres

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore/postgres/pgdump"
)

// fits says before the load what of an archive cannot be restored here.
func (l *load) fits(ctx context.Context, a *pgdump.Archive) error {
	content, rest := false, ""
	for _, e := range a.Entries {
		switch {
		case e.OfDatabase(), e.Desc == "ENCODING", e.Desc == "STDSTRINGS", e.Desc == "SEARCHPATH":
		case e.Data(), e.Late():
			rest = cmp.Or(rest, e.Name())
		default:
			content = true
		}
	}
	if rest != "" && !content {
		return l.lacks(record.LackTables, "it holds %s and no table (pg_dump --data-only, --section)", rest)
	}
	return l.readable(ctx, a)
}

// edit settles what of an archive pg_restore is not to do, and makes what it needs for the rest.
func (l *load) edit(ctx context.Context, a *pgdump.Archive) error {
	for _, space := range a.Tablespaces {
		l.noteTablespace(space)
	}
	if err := l.server.makeExtensions(ctx); err != nil {
		return err
	}
	l.left.entries = map[int]bool{}
	only, err := l.chosen(a)
	if err != nil {
		return err
	}
	gone := map[int]bool{} // extensions
	tables, data := false, false
	for _, e := range a.Entries {
		tables, data = tables || e.Desc == "TABLE", data || e.Desc == "TABLE DATA"
		out := only != nil && !only[e.ID]
		if !out {
			if out, err = l.leavesOutEntry(ctx, e, gone); err != nil {
				return err
			}
		}
		if out {
			l.left.entries[e.ID] = true
		}
	}
	if tables && !data {
		l.noteNoRows()
	}
	l.entries = slices.DeleteFunc(slices.Clone(a.Entries), func(e pgdump.Entry) bool { return l.left.entries[e.ID] })
	return l.needSchemas(ctx, a)
}

// leavesOutEntry tells whether an entry is not to be restored. gone are the extensions that are not.
func (l *load) leavesOutEntry(ctx context.Context, e pgdump.Entry, gone map[int]bool) (bool, error) {
	switch e.Desc {
	case "SCHEMA":
		if e.Tag != "public" || !strings.HasPrefix(strings.TrimSpace(e.Defn), "CREATE SCHEMA") {
			return false, nil
		}
		if major(l.archive.Server) > 10 { // older ones make it in every dump
			l.notePublic()
		}
		return true, l.ownPublic(ctx, e.Owner)
	case "EXTENSION":
		gone[e.ID] = l.leavesOut(pgdump.Parse("CREATE EXTENSION " + pgx.Identifier{e.Tag}.Sanitize()))
		return gone[e.ID], nil
	case "COMMENT", "SECURITY LABEL":
		if e.OfDatabase() {
			return false, nil
		}
		statements := pgdump.Split(e.Defn)
		n := 0
		for _, s := range statements {
			if l.leavesOut(pgdump.Parse(s)) {
				n++
			}
		}
		if n > 0 && n < len(statements) {
			return false, l.lacks(record.LackLabels, "%s has labels of several providers, and leave_out names only some", e.Name())
		}
		return n > 0, nil
	case "EVENT TRIGGER", "FOREIGN DATA WRAPPER", "SUBSCRIPTION":
		if e.Owner == "" {
			return false, nil
		}
		return false, l.server.raise(ctx, e.Owner, strings.ToLower(e.Desc)+" "+e.Tag)
	case "TABLE DATA", "SEQUENCE SET":
		if name := e.Namespace + "." + e.Tag; slices.Contains(l.set.LeaveOut.Tables, name) {
			l.noteOnce("the data of %s were left out, as leave_out says", name)
			return true, nil
		}
		if slices.ContainsFunc(e.Needs, func(id int) bool { return gone[id] }) {
			l.noteOnce("the data of %s were left out with their extension", e.Namespace+"."+e.Tag)
			return true, nil
		}
	}
	return false, nil
}

// ownPublic gives the schema public its owner, where that is a role of this server.
func (l *load) ownPublic(ctx context.Context, owner string) error {
	if !l.server.known[owner] {
		return nil
	}
	conn, err := l.server.inside(ctx, l.encoding)
	if err != nil {
		return err
	}
	if _, err := texts(ctx, conn, "alter schema public owner to "+pgx.Identifier{owner}.Sanitize()); err != nil {
		return fmt.Errorf("give the schema public its owner: %w", err)
	}
	return nil
}

// needSchemas makes those that a dump of tables alone names and does not hold. Where there are extensions, they may
// make them.
func (l *load) needSchemas(ctx context.Context, a *pgdump.Archive) error {
	if len(a.Extensions()) > 0 {
		return nil
	}
	there := map[string]bool{"": true, "public": true, "pg_catalog": true, "information_schema": true}
	for _, e := range a.Entries {
		if e.Desc == "SCHEMA" {
			there[e.Tag] = true
		}
	}
	for _, e := range a.Entries {
		if there[e.Namespace] {
			continue
		}
		there[e.Namespace] = true
		if err := l.server.needSchema(ctx, l.encoding, e.Namespace); err != nil {
			return err
		}
	}
	return nil
}

// listName is the file that tells pg_restore what to restore, where that is not everything.
const listName = "restore.list"

// list puts that file into the machine; "" where everything is to be restored. drop removes it.
func (l *load) list(ctx context.Context) (file string, drop func(), err error) {
	drop = func() {}
	if len(l.left.entries) == 0 {
		return "", drop, nil
	}
	var content, packed bytes.Buffer
	for _, e := range l.entries {
		content.WriteString(strconv.Itoa(e.ID) + ";\n")
	}
	w := tar.NewWriter(&packed)
	err = w.WriteHeader(&tar.Header{Name: listName, Mode: 0o644, Size: int64(content.Len()), ModTime: time.Now()})
	if err == nil {
		_, err = w.Write(content.Bytes())
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = instance.Put(ctx, l.machine, stageFolder, &packed)
	}
	if err != nil {
		return "", drop, fmt.Errorf("put the list of what to restore on %s: %w", l.machine.Name(), err)
	}
	file = path.Join(stageFolder, listName)
	return file, func() { _ = l.runner().Tool(context.WithoutCancel(ctx), []string{"rm", "-f", file}) }, nil
}
