// Package binlog replays binary logs of MariaDB behind a backup: up to their end, to a time, or to just before a transaction. It reads of them
// what shows whether they go on from the backup and from each other without a gap; what stands in their events the server's own program makes
// statements of, in the machine.
package binlog

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"lifeboat/drills/restore/dump"
	"lifeboat/scenarios"
)

// Target is where the replay ends. At most one of them is given.
type Target struct {
	Time   *time.Time `yaml:"time"`   // the last transaction before it is the last: 2026-01-31T02:00:00Z; logs count whole seconds
	Before string     `yaml:"before"` // the GTID of a transaction, which is not replayed: 0-1-740
}

func (t Target) latest() bool { return t.Time == nil && t.Before == "" }

// Problems of the keys binlog and recover of a scenario.
func (t Target) Problems(s scenarios.Settings, binlog string) []scenarios.Problem {
	switch {
	case t.latest():
		return nil
	case binlog == "":
		return []scenarios.Problem{s.Problem("recover", "name the backup that holds the binary logs: binlog:", "recover has nothing to replay")}
	case t.Time != nil && t.Before != "":
		return []scenarios.Problem{s.Problem("recover", "give one of time and before", "recovery ends at one place")}
	}
	if _, ok := parseGTID(t.Before); t.Before != "" && !ok {
		return []scenarios.Problem{s.Problem("recover", "such as before: 0-1-740", "%q is no GTID of a transaction", t.Before)}
	}
	return nil
}

// Position is the place in the logs that a backup is as of.
type Position struct {
	File   string
	Offset int64
	GTID   string // of the last transaction of each domain; "": it is not said
}

func (p Position) String() string { return fmt.Sprintf("%s:%d", p.File, p.Offset) }

// gtid names a transaction.
type gtid struct {
	domain, server uint32
	number         uint64
}

func (g gtid) String() string { return fmt.Sprintf("%d-%d-%d", g.domain, g.server, g.number) }

func parseGTID(text string) (g gtid, ok bool) {
	parts := strings.Split(text, "-")
	if len(parts) != 3 {
		return g, false
	}
	domain, e1 := strconv.ParseUint(parts[0], 10, 32)
	server, e2 := strconv.ParseUint(parts[1], 10, 32)
	number, e3 := strconv.ParseUint(parts[2], 10, 64)
	return gtid{uint32(domain), uint32(server), number}, e1 == nil && e2 == nil && e3 == nil
}

// stream of transactions: those of one server in one domain are numbered.
type stream struct{ domain, server uint32 }

// state is which transactions lie before a place: the last of each stream, and of each domain.
type state struct {
	streams map[stream]uint64
	last    map[uint32]gtid
}

func newState() state { return state{map[stream]uint64{}, map[uint32]gtid{}} }

func (s state) add(g gtid) {
	s.streams[stream{g.domain, g.server}], s.last[g.domain] = g.number, g
}

func (s state) clone() state {
	n := newState() // of a log that says nothing of what was before it there is nothing to copy, and something to come
	maps.Copy(n.streams, s.streams)
	maps.Copy(n.last, s.last)
	return n
}

// differs gives a GTID of a backup's that is another one here; "": none is. Domains that are not known here say nothing.
func (s state) differs(said string) (has, here string) {
	for _, text := range strings.FieldsFunc(said, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
		if g, ok := parseGTID(text); ok {
			if is, known := s.last[g.domain]; known && is != g {
				return g.String(), is.String()
			}
		}
	}
	return "", ""
}

func damage(format string, args ...any) error {
	return &dump.Damage{Reason: fmt.Sprintf(format, args...)}
}

func utc(seconds uint32) time.Time { return time.Unix(int64(seconds), 0).UTC() }
