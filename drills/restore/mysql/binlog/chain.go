package binlog

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
)

// consistent judges an archive by itself.
func (a *archive) consistent() error {
	names := a.sorted()
	if len(names) == 0 {
		return damage("it holds no binary logs: no file in it is called as one, such as binlog.000001")
	}
	for i, name := range names {
		if i+1 == len(names) || stem(names[i+1]) != stem(name) {
			if err := a.logs[name].ended(nil); err != nil {
				return err
			}
			continue
		}
		if next := following(name); names[i+1] != next {
			return damage("binary log %s is missing, and %d later ones lie there", next, len(names)-i-1)
		}
		if err := a.logs[name].leadsOn(a.logs[names[i+1]]); err != nil {
			return err
		}
	}
	return nil
}

func stem(name string) string {
	s, _, _ := numbered(name)
	return s
}

// ended judges the end of a log, behind which another one begins, or none that is there.
func (l *log) ended(next *log) error {
	switch {
	case l.cut == 0:
		return nil
	case !l.inUse, next != nil && gapBetween(l, next) != nil:
		return damage("binary log %s is cut off: it ends %s", l.path, l.cutWhat)
	}
	return nil
}

// leadsOn tells whether another log goes on where this one ends.
func (l *log) leadsOn(next *log) error {
	if err := l.ended(next); err != nil {
		return err
	}
	if to := path.Base(l.next); l.next != "" && to != next.name {
		return damage("binary log %s leads on to %s, and not to %s: one of them lies under the name of another, or is of another server", l.path, to,
			next.path)
	}
	return gapBetween(l, next)
}

// gapBetween says what keeps a log from going on where another one ends: it says itself which transactions lie before it.
func gapBetween(l, next *log) error {
	if l.server != next.server && !maps.Equal(l.ends.streams, next.begins.streams) {
		return damage("binary log %s is of another server than %s: the one has server_id %d, and the other %d", next.path, l.path, next.server, l.server)
	}
	all := slices.Collect(maps.Keys(next.begins.streams))
	slices.SortFunc(all, func(a, b stream) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, s := range all {
		is, want := next.begins.streams[s], l.ends.streams[s]
		if is > want {
			return damage("transactions are missing between binary log %s and %s: the one ends with %s, and the other goes on behind %s", l.path,
				next.path, gtid{s.domain, s.server, want}, gtid{s.domain, s.server, is})
		}
		if is < want {
			return damage("binary log %s overlaps %s: it goes on behind %s, and that one ends with %s: it is of another history", next.path, l.path,
				gtid{s.domain, s.server, is}, gtid{s.domain, s.server, want})
		}
	}
	for s, number := range l.ends.streams { // a domain may have been taken off the list (FLUSH BINARY LOGS DELETE_DOMAIN_ID), but not all
		if len(all) == 0 {
			return damage("binary log %s does not go on from %s: it knows nothing of %s, with which that one ends: it is of another history", next.path,
				l.path, gtid{s.domain, s.server, number})
		}
	}
	return nil
}

// Chain is what of an archive is replayed: log behind log from where the backup is.
type Chain struct {
	from   Position
	target Target
	logs   []*log
	gap    string // the first log that is missing, where later ones lie there
	beyond int
	Notes  []Note
}

// Note is something to say of the logs: a form and what stands in it.
type Note struct {
	Form string
	Args []any
}

func (c *Chain) note(form string, args ...any) { c.Notes = append(c.Notes, Note{form, args}) }

// follow finds the logs that are replayed, and names what keeps them from being.
func (a *archive) follow(from Position, target Target) (*Chain, error) {
	c := &Chain{from: from, target: target}
	if err := a.first(from, target); err != nil {
		return nil, err
	}
	for name := from.File; ; name = following(name) {
		l := a.logs[name]
		c.logs = append(c.logs, l)
		next := a.logs[following(name)]
		switch {
		case l.stop != 0:
			return c, c.tell()
		case next == nil:
			for _, other := range a.sorted() {
				if _, n, _ := numbered(other); n > number(name) {
					c.beyond++
				}
			}
			if c.beyond > 0 {
				c.gap = following(name)
			}
			if err := l.ended(nil); err != nil {
				return nil, err
			}
			return c, c.enough()
		}
		if err := l.leadsOn(next); err != nil {
			return nil, err
		}
	}
}

func number(name string) int {
	_, n, _ := numbered(name)
	return n
}

// first judges the log that the backup is in.
func (a *archive) first(from Position, target Target) error {
	l := a.logs[from.File]
	switch {
	case l == nil:
		return damage("binary log %s is missing, in which the backup is (at %d)%s", from.File, from.Offset, a.there())
	case l.at == nil && from.Offset > l.size && l.cut != 0:
		return damage("binary log %s is cut off: it ends %s, and the backup is at %d in it", l.path, l.cutWhat, from.Offset)
	case l.at == nil && from.Offset > l.size:
		return damage("binary log %s is cut off, or of another server: it has %d bytes, and the backup is at %d in it", l.path, l.size, from.Offset)
	case l.at == nil:
		return damage("no transaction of binary log %s begins at %d, where the backup is: it is of another server, or another log under that name", l.path,
			from.Offset)
	}
	if has, here := l.at.differs(from.GTID); has != "" {
		return damage("binary log %s is of another server, or another log under that name: the backup is behind transaction %s, and at %d of that log the "+
			"last one is %s", l.path, has, from.Offset, here)
	}
	early := ""
	if t := target.Time; t != nil && l.before != 0 && !utc(l.before).Before(*t) {
		early = fmt.Sprintf("it holds a transaction of %s, and recovery should go back to %s", utc(l.before).Format(time.RFC3339), t.UTC().Format(time.RFC3339))
	} else if g, ok := parseGTID(target.Before); ok && l.at.streams[stream{g.domain, g.server}] >= g.number {
		early = fmt.Sprintf("it holds transaction %s, before which recovery should end", target.Before)
	}
	if early != "" {
		return &restore.LackError{Lack: record.LackEarly, What: early}
	}
	return nil
}

// there says which logs lie in an archive instead.
func (a *archive) there() string {
	names := a.sorted()
	if len(names) == 0 {
		return ": no later log of that name lies there"
	}
	return fmt.Sprintf(": the first that lies there is %s", names[0])
}

// enough tells whether logs that were followed to their end lead as far as they must.
func (c *Chain) enough() error {
	l := c.logs[len(c.logs)-1]
	reached := c.target.Time != nil && !utc(l.newest).Before(*c.target.Time)
	if c.target.latest() || reached {
		if c.gap != "" && !reached {
			return damage("binary log %s is missing, and %d later ones lie there: the replay ends before it", c.gap, c.beyond)
		}
		return c.tell()
	}
	until := "no transaction is in them behind the backup"
	if at, ok := c.last(); ok {
		until = fmt.Sprintf("the last transaction in them is of %s", at.Format(time.RFC3339))
	}
	switch {
	case c.gap != "":
		return damage("its binary logs end before the place where recovery should end: %s is missing, and %d later ones lie there; %s", c.gap, c.beyond, until)
	case c.target.Time != nil:
		return &restore.LackError{Lack: record.LackTarget, What: fmt.Sprintf("nothing in its binary logs is of %s or later, so that nobody knows whether they lead "+
			"there: %s (where its server was quiet, leave out recover.time: all that is there is replayed)", c.target.Time.UTC().Format(time.RFC3339), until)}
	}
	return &restore.LackError{Lack: record.LackTarget, What: fmt.Sprintf("transaction %s is not in its binary logs: %s", c.target.Before, until)}
}

// last is the time of the last transaction that is replayed.
func (c *Chain) last() (at time.Time, ok bool) {
	for _, l := range slices.Backward(c.logs) {
		if l.count > 0 {
			return utc(l.last), true
		}
	}
	return at, false
}

// Transactions are how many are replayed.
func (c *Chain) Transactions() (n int64) {
	for _, l := range c.logs {
		n += l.count
	}
	return n
}

// Reached is the time that a backup is of, once they are replayed, and what that is.
func (c *Chain) Reached() (at time.Time, by string) {
	l := c.logs[len(c.logs)-1]
	if c.target.Time != nil {
		return c.target.Time.UTC(), "the time to which its binary logs were replayed"
	}
	if l.stop != 0 {
		return utc(l.stopAt), "the place in its binary logs at which recovery ended"
	}
	if at, ok := c.last(); ok {
		return at, "the last transaction that was replayed"
	}
	if c.logs[0].before != 0 {
		return utc(c.logs[0].before), "the last transaction before it in its binary logs, which hold no later one"
	}
	return at, ""
}

// tell says what the logs do not let anybody see.
func (c *Chain) tell() error {
	l := c.logs[len(c.logs)-1]
	if l.stop == 0 && l.cut != 0 {
		c.note("binary log %s was being written when it was copied: what it ends with (%s) was not replayed", l.path, l.cutWhat)
	}
	if l.stop == 0 && l.next != "" {
		c.note("%s leads on to %s, which is not there: what that log holds is not restored", l.path, path.Base(l.next))
	}
	if i := slices.IndexFunc(c.logs, func(l *log) bool { return !l.sums }); i >= 0 {
		c.note("binary log %s has no checksums (binlog_checksum=NONE): a value that was changed in it may not show", c.logs[i].path)
	}
	return nil
}
