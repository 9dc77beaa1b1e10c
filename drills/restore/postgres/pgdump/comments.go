package pgdump

import (
	"regexp"
	"strings"
	"unicode"
)

var heading = regexp.MustCompile(`^-- (?:Data for )?Name: (.*); Type: (.*); Schema: (.*); Owner: (.*?)(?:; Tablespace: .*)?$`)

// clusterDump is the first line of a dump of pg_dumpall, and with a word more its last.
const clusterDump = "-- PostgreSQL database cluster dump"

const (
	startedOn  = "-- Started on "
	dumpedFrom = "-- Dumped from database version "
	dumpedBy   = "-- Dumped by pg_dump version "
)

// noteComment looks at a whole comment line at the top.
func (p *Plain) noteComment(line string) error {
	line = strings.TrimRight(line, "\r\n")
	switch {
	case line == "-- PostgreSQL database dump":
		if p.within {
			return damage("it is incomplete: another dump begins before the closing line of the one before it")
		}
		p.Header, p.cleaning, p.complete, p.within = true, true, false, true
		p.ended++
		if p.OnDump != nil {
			return p.OnDump()
		}
	case line == clusterDump:
		if p.within || p.cluster {
			return damage("it is incomplete: another dump begins before the closing line of the one before it")
		}
		p.Cluster, p.cluster, p.cleaning, p.complete = true, true, true, false
	case line == clusterDump+" complete":
		p.complete, p.cluster = !p.within, false
	case line == "-- PostgreSQL database dump complete":
		p.complete, p.within = !p.cluster, false // more databases may follow
	case strings.HasPrefix(line, startedOn):
		p.start(strings.TrimPrefix(line, startedOn))
	case strings.HasPrefix(line, dumpedBy) && len(p.Entries) == 0:
		p.tool = strings.TrimPrefix(line, dumpedBy)
	case p.Server == "" && strings.HasPrefix(line, dumpedFrom):
		p.Server = strings.TrimPrefix(line, dumpedFrom)
	}
	m := heading.FindStringSubmatch(line)
	if m == nil {
		return nil
	}
	if len(p.Entries) >= maxNames {
		return damage("it names more than %d objects", maxNames)
	}
	// Every name is kept until the load is compared: they are copied, or each would hold its whole line.
	e := Entry{Tag: strings.Clone(m[1]), Desc: strings.Clone(m[2]), Owner: strings.Clone(m[4]),
		Database: p.database}
	if m[3] != "-" {
		e.Namespace = strings.Clone(m[3])
	}
	p.cleaning = false
	if p.unsafe != nil && strings.ContainsFunc(line, func(r rune) bool { return r > unicode.MaxASCII }) {
		return nil // masked
	}
	if err := known(e.Desc, p.tool); err != nil {
		return err
	}
	p.Entries = append(p.Entries, e)
	if p.OnObject != nil {
		return p.OnObject(e)
	}
	return nil
}
