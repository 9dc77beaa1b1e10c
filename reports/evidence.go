package reports

import (
	"cmp"
	"fmt"

	"lifeboat/drills/record"
)

// evidence says by what the record is bound, and by which programs it was made.
func (a author) evidence() section {
	h, j := a.r.Header, a.r.Journal
	unknown := a.say("evidence.unknown")
	or := func(s string) string {
		if s == "" {
			return unknown
		}
		return s
	}
	pairs := []pair{
		{
			a.say("evidence.journal"),
			cell{
				Text:  or(j.Digest),
				Code:  true,
				Small: a.say("evidence.events", "count", fmt.Sprint(j.Events), "torn", orEmpty(j.Torn)),
			},
		},
	}
	if a.o.RecordDigest != "" {
		pairs = append(pairs, pair{a.say("evidence.record"), code(a.o.RecordDigest)})
	}
	pairs = append(
		pairs,
		pair{a.say("evidence.scenario"), code(or(h.ScenarioDigest))},
		pair{
			a.say("evidence.tool"),
			textOf(a.say("evidence.version", "tool", or(h.Tool), "format", fmt.Sprint(h.Version)), a.program(h.Program)),
		},
	)
	if h.AsksK6() {
		version := ""
		if h.K6 != nil {
			version = h.K6.Version
		}
		pairs = append(pairs, pair{a.say("evidence.k6"), textOf(a.say("evidence.k6_version", "version", or(version)), a.program(h.K6))})
	}
	pairs = append(
		pairs,
		pair{
			a.say("evidence.clock"),
			textOf(
				a.c.Named(a.l, "clock_state", or(h.ClockState)),
				a.say("evidence.zone", "zone", h.Started.Format("-07:00")),
			),
		},
		pair{a.say("evidence.status"), text(a.c.Named(a.l, "run", string(a.r.Status)))},
		pair{a.say("evidence.boot"), code(or(h.BootID))},
		pair{a.say("evidence.recompute"), code("lifeboat report " + or(h.Drill))},
	)
	s := a.section("evidence", block{Pairs: pairs})
	if len(a.r.Raw) > 0 {
		t := &table{Class: "raw", Columns: a.columns("-n-", "file", "size", "digest")}
		for _, f := range a.r.Raw {
			t.Rows = append(t.Rows, []cell{text(f.Path), text(a.l.Size(f.Size)), code(f.Digest)})
		}
		s.Blocks = append(s.Blocks, block{Table: t})
	}
	return s
}

// program says which build of a program it was, and what of that nobody knows.
func (a author) program(p *record.Program) string {
	if p == nil {
		p = &record.Program{}
	}
	unknown, modified := a.say("evidence.unknown"), ""
	if p.Modified {
		modified = a.say("evidence.modified")
	}
	return a.say("evidence.program", "commit", cmp.Or(p.Commit, unknown), "modified", modified, "digest", cmp.Or(p.Digest, unknown))
}
