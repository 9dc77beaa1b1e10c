package data

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/scenarios"
	"lifeboat/verifier"
	"lifeboat/verifier/database"
)

// contentKeys of the scenario, beside those of the connection.
type contentKeys struct {
	database.Connection
	Database string             `yaml:"database"` // default: every database of the server that is no template
	Timeout  scenarios.Duration `yaml:"timeout"`  // of all of it; default 10m, and 3m more for each GiB of databases
}

// content reads all that a server holds: tables without which nothing was backed up, every row, what amcheck says of tables
// and btrees, text in its encoding, sequences that go on behind their columns.
type content struct {
	verifier.Asked
	dialect database.Dialect
	keys    contentKeys
}

type beheld struct {
	Databases []database.Content `json:"databases"`
	Missing   string             `json:"missing,omitempty"` // the database that was to be read and is not there
	// Alone: no other check holds it against what its source was.
	Alone bool `json:"alone,omitempty"`
}

func newContent(spec scenarios.CheckSpec) (verifier.Check, []scenarios.Problem) {
	c, s := &content{}, spec.Settings
	problems := s.Decode(&c.keys)
	d, bad := ofServer(spec, c.keys.Dialect, c.keys.Complete)
	c.dialect, problems = d, append(problems, bad...)
	c.Asked = verifier.AskedOf(spec.Name, c.keys.Instance)
	return c, problems
}

// Limit implements verifier.Bounded: without one of its own it grows with what is found.
func (c *content) Limit() time.Duration { return c.keys.Timeout.Std() }

const (
	contentTime    = 10 * time.Minute
	contentTimeGiB = 3 * time.Minute
)

// timeFor is how long the reading of databases may take.
func timeFor(held []database.Held) time.Duration {
	limit := contentTime
	for _, h := range held {
		limit += time.Duration(float64(contentTimeGiB) * float64(h.Bytes) / (1 << 30))
	}
	return limit
}

// Observe implements verifier.Check.
func (c *content) Observe(ctx context.Context, t verifier.Target) (verifier.Facts, error) {
	server, err := c.keys.Server(t.Dial)
	if err != nil {
		return nil, err
	}
	server.Database, server.Timeout = c.keys.Database, time.Minute
	began := time.Now()
	held, err := c.dialect.Held(ctx, server)
	if err = unasked(ctx, c.On(), err); err != nil {
		return nil, err
	}
	limit := cmp.Or(c.keys.Timeout.Std(), timeFor(held))
	seen := beheld{}
	if r, ok := t.(verifier.References); ok {
		seen.Alone = !r.Held(c.On())
	}
	if len(held) == 0 {
		seen.Missing = c.keys.Database
	}
	for _, h := range held {
		server.Database, server.Timeout = h.Name, max(time.Until(began.Add(limit)), time.Millisecond)
		one, err := c.dialect.Content(ctx, server)
		if ctx.Err() != nil {
			return nil, unasked(ctx, c.On(), ctx.Err())
		}
		if err != nil {
			one.Unread = append(one.Unread, database.Wrong{Where: h.Name, Says: err.Error()})
		}
		seen.Databases = append(seen.Databases, one)
	}
	return verifier.Encode("content", seen)
}

// unasked is an error that leaves nothing to be judged.
func unasked(ctx context.Context, on string, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("ask %s: %w", on, context.Cause(ctx))
	case err != nil:
		return fmt.Errorf("ask %s: %w", on, err)
	}
	return nil
}

// Judge implements verifier.Check.
func (c *content) Judge(before, after verifier.Facts) verifier.Answer {
	return verifier.JudgeAs("content", before, after, c.judge)
}

func (c *content) judge(_ *beheld, now beheld) verifier.Answer {
	a := c.answer(now)
	for _, d := range now.Databases {
		a.Beside = append(a.Beside, beside(d)...)
	}
	if now.Alone {
		a.Beside = append(a.Beside, database.Unlooked(database.WithoutProfile, false))
	}
	return a
}

// maintenance is the database that every server has for whoever connects to it. Where others are there it may hold nothing.
const maintenance = "postgres"

func (c *content) answer(now beheld) verifier.Answer {
	if now.Missing != "" {
		return verifier.Failed("there is no database %s on %s", now.Missing, c.On())
	}
	var tables, rows, bytes, bare int64
	for _, d := range now.Databases {
		if len(d.Wrong) > 0 {
			return bad(d.Database, d.Wrong[0])
		}
		if tables, rows, bytes = tables+d.Tables, rows+d.Rows, bytes+d.Bytes; d.Tables == 0 {
			bare++
		}
	}
	for _, d := range now.Databases {
		if len(d.Unread) > 0 {
			return verifier.Crashed("database %s was not read whole: %s: %s", d.Database, d.Unread[0].Where, d.Unread[0].Says)
		}
	}
	for _, d := range now.Databases {
		if d.Tables < 1 && (d.Database != maintenance || len(now.Databases) == 1) {
			n := map[string]int64{}
			for _, f := range d.Others {
				n[f.What] = f.Count
			}
			return verifier.Failed("database %s holds no table of its own, but %d views, %d foreign tables, %d partitioned tables without "+
				"a partition of their own and %d tables of extensions", d.Database, n["v"]+n["m"], n["f"], n["p"], n["extension"])
		}
	}
	switch {
	case len(now.Databases) == 0 || tables < 0 || rows < 0:
		return verifier.Crashed("no database was read on %s", c.On())
	case rows == 0:
		return verifier.Failed("%d tables hold not one row", tables)
	}
	return verifier.Passed("%d tables in %d databases read whole: %d rows, %s", tables, int64(len(now.Databases))-bare, rows, mib(bytes))
}

func mib(bytes int64) string { return strconv.FormatInt((bytes+1<<20-1)>>20, 10) + " MiB" }

func bad(db string, w database.Wrong) verifier.Answer {
	switch w.Fault {
	case database.Misencoded:
		return verifier.Failed("database %s: %s holds what is no text of its encoding: %s", db, w.Where, w.Says)
	case database.DamagedHeap:
		return verifier.Failed("database %s: amcheck finds table %s damaged: %s", db, w.Where, w.Says)
	case database.DamagedTree:
		return verifier.Failed("database %s: amcheck finds index %s damaged: %s", db, w.Where, w.Says)
	case database.DamagedTable:
		return verifier.Failed("database %s: the server finds table %s damaged: %s", db, w.Where, w.Says)
	case database.Emptied:
		return verifier.Failed("database %s: pages of table %s are empty that held rows: %s", db, w.Where, w.Says)
	case database.Behind:
		return verifier.Failed("database %s: sequence %s stands at %d, and column %s, which draws from it, at %d", db, w.Where, w.At,
			w.Column, w.Most)
	}
	return verifier.Failed("database %s: %s cannot be read: %s", db, w.Where, w.Says)
}

// seenAs are the messages of what may be so at the source.
var seenAs = map[string]string{"not_valid": "content.not_valid", "triggers_off": "content.triggers_off",
	"index_invalid": "content.index_invalid", "view_unfilled": "content.view_unfilled", "no_key": "content.no_key",
	"no_grant": "content.no_grant", "view_invalid": "content.view_invalid", "orphans": "content.orphans",
	"runs_by_itself": "content.runs_by_itself", "text_twice": "content.text_twice"}

// beside is what is worth reading of a database and decides nothing: what may be so at the source, what amcheck did not look
// at, and what is wrong or unread beyond the first.
func beside(d database.Content) []record.Observation {
	var all []record.Observation
	add := func(id string, args map[string]string) {
		args["database"] = d.Database
		all = append(all, record.Observation{ID: id, Args: args})
	}
	for _, list := range [][]database.Wrong{d.Wrong, d.Unread} {
		for i, w := range list {
			switch {
			case i == 0 && (len(d.Wrong) == 0 || w.Fault != ""): // the answer says it
			case w.Fault == database.Behind:
				add("content.behind", map[string]string{"sequence": w.Where, "at": strconv.FormatInt(w.At, 10), "column": w.Column,
					"most": strconv.FormatInt(w.Most, 10)})
			default:
				add("content.also", map[string]string{"where": w.Where, "says": w.Says})
			}
		}
	}
	for _, f := range d.Seen {
		names := strings.Join(f.Names, ", ")
		if int64(len(f.Names)) < f.Count {
			names += " …"
		}
		add(seenAs[f.What], map[string]string{"count": strconv.FormatInt(f.Count, 10), "names": names})
	}
	for _, why := range d.Unlooked {
		add("content.unlooked", map[string]string{"why": why})
	}
	return all
}
