package basebackup

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"lifeboat/drills/instance"
	"lifeboat/drills/record"
	"lifeboat/drills/restore"
	"lifeboat/drills/restore/basebackup/pgdata"
	"lifeboat/drills/restore/dump"
	"lifeboat/internal/lazy"
)

// reached is what a server said of its recovery.
type reached struct {
	consistent bool
	done       pgdata.LSN // where the last record began that was replayed; 0: none was
	last       time.Time  // of the last transaction that was replayed; zero: none was
	stopped    string     // at what the target was met, in the server's words; "": it was not
	stoppedAt  time.Time  // the time of that
	absent     map[string]bool
	archived   bool // recovery from an archive came to its end
}

var (
	consistentLine = lazy.Regexp(`consistent recovery state reached at ([0-9A-F]+/[0-9A-F]+)`)
	doneLine       = lazy.Regexp(`redo done at ([0-9A-F]+/[0-9A-F]+)`)
	lastLine       = lazy.Regexp(`last completed transaction was at log time (.+)`)
	stopLine       = lazy.Regexp(`recovery stopping (before|after|at) (.+)`)
	timeWord       = lazy.Regexp(`time (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)?[+-]\d\d(?::\d\d)*)`)
	absentLine     = lazy.Regexp(`^lifeboat: no (\S+)`)
)

// heard reads it from what the server printed.
func heard(text string) *reached {
	r := &reached{absent: map[string]bool{}}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if m := absentLine().FindStringSubmatch(line); m != nil {
			r.absent[m[1]] = true
		}
		_, said, ok := strings.Cut(line, "LOG:  ")
		if !ok {
			continue
		}
		switch {
		case consistentLine().MatchString(said):
			r.consistent = true
		case strings.HasPrefix(said, "archive recovery complete"):
			r.archived = true
		}
		if m := doneLine().FindStringSubmatch(said); m != nil {
			r.done, _ = pgdata.ParseLSN(m[1])
		}
		if m := lastLine().FindStringSubmatch(said); m != nil {
			r.last = utc(m[1])
		}
		if m := stopLine().FindStringSubmatch(said); m != nil {
			r.stopped = m[1] + " " + m[2]
			if t := timeWord().FindStringSubmatch(m[2]); t != nil {
				r.stoppedAt = utc(t[1])
			}
		}
	}
	return r
}

const (
	// refusalLimit is how long a server may refuse sessions for another reason than that it is recovering: it may be about to take them.
	refusalLimit = 10 * time.Second
	// restarts of all its processes are enough to know that a server will not come up: each time it meets the same again.
	restarts = 3
)

// askedAside are the lines that a server prints for each of our own questions while it recovers.
var askedAside = lazy.Regexp(`(?m)^.*FATAL:  the database system is .*\n(?:.*(?:DETAIL|HINT):  .*\n)?`)

// refusalOf is what a server that is there says to a session that it does not take; nil: it is recovering, or nobody could ask.
func refusalOf(err error) *pgconn.PgError {
	const cannotConnectNow = "57P03"
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code != cannotConnectNow {
		return pg
	}
	return nil
}

// refuses says whose fault it is that a server takes no session.
func (b *backup) refuses(m instance.Machine, pg *pgconn.PgError) error {
	const undefinedFile = "58P01"
	if strings.HasPrefix(pg.Code, "XX") || pg.Code == undefinedFile { // its catalogue is damaged, or is not there
		return damage("its server comes up, and no session can be begun: %s (SQLSTATE %s)", pg.Message, pg.Code)
	}
	return fmt.Errorf("the server of %s takes no session: %w", m.Name(), pg)
}

// recovered waits until the server has come out of recovery, and judges what it reached.
func (b *backup) recovered(ctx context.Context, m instance.Machine, at place, from int) (*reached, error) {
	said := func() (string, error) {
		text, err := instance.Console(ctx, m)
		return text[min(from, len(text)):], err
	}
	began, heardAt, length := time.Now(), time.Now(), 0
	var refused time.Time
	for {
		up, err := b.asks(ctx, m, at)
		if up {
			break
		}
		switch refusal := refusalOf(err); {
		case refusal == nil:
			refused = time.Time{}
		case refused.IsZero():
			refused = time.Now()
		case time.Since(refused) > refusalLimit:
			return nil, b.refuses(m, refusal)
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("wait for %s to recover: %w", m.Name(), context.Cause(ctx))
		}
		if errors.As(err, new(*restore.LackError)) {
			return nil, err
		}
		text, e := said()
		if e != nil {
			return nil, e
		}
		if state, e := m.State(ctx); e == nil && !state.Running {
			if text, e = said(); e != nil {
				return nil, e
			}
			return nil, b.died(m, state, text)
		}
		if strings.Count(text, "all server processes terminated; reinitializing") >= restarts {
			return nil, b.looping(m, text)
		}
		if n := len(askedAside().ReplaceAllString(text, "")); n != length {
			heardAt, length = time.Now(), n
		}
		if time.Since(heardAt) > b.set.Stall.Std() {
			return nil, fmt.Errorf("recovery on %s stands still: for %s its server said nothing (the last attempt to ask it: %w; raise "+
				"restore.stall if it takes long)", m.Name(), b.set.Stall, err)
		}
		if err := dump.Rest(ctx, began); err != nil {
			return nil, fmt.Errorf("wait for %s to recover: %w", m.Name(), err)
		}
	}
	text, err := said()
	if err != nil {
		return nil, err
	}
	r := heard(text)
	return r, b.enough(r)
}

// enough tells whether recovery came as far as it had to.
func (b *backup) enough(r *reached) error {
	if !b.replays() {
		return nil
	}
	size := b.ground.control.Segment
	switch {
	case !r.archived:
		return errors.New("the server did not say that recovery from its WAL was completed")
	case b.ground.label != nil && !r.consistent:
		return errors.New("the server did not say that it reached a consistent state")
	case !b.set.Recover.latest() && r.stopped == "":
		return b.short(r)
	case b.set.Recover.latest() && b.chain.archived:
		next := pgdata.Segment{Timeline: b.chain.timeline, Number: b.chain.last.Number + 1}.Name(size)
		if !r.absent[next] {
			return damage("recovery ended at %s, before the end of the WAL that lies there (up to %s): what follows cannot be read", r.done,
				b.chain.last.Name(size))
		}
	case b.set.Recover.latest() && r.done != 0 && uint64(r.done)/uint64(size) < b.chain.last.Number:
		return damage("recovery ended at %s, before the last segment of WAL that lies there (%s): what follows cannot be read", r.done,
			b.chain.last.Name(size))
	}
	return nil
}

// short says that the WAL ended before the target was met. Unless WAL is known to be missing that is no word on the backup: a server that was quiet
// commits nothing behind a time, and a name or a transaction may be one that the scenario has wrong.
func (b *backup) short(r *reached) error {
	until := "no transaction was replayed"
	if !r.last.IsZero() {
		until = "the last transaction in it was at " + r.last.Format(time.RFC3339)
	}
	if b.chain != nil && b.chain.gap != "" {
		return damage("its WAL ends before the place where recovery should end: segment %s is missing, and %d later ones lie there; %s",
			b.chain.gap, b.chain.beyond, until)
	}
	switch t := b.set.Recover; {
	case t.Time != nil:
		return &restore.LackError{Lack: record.LackTarget, What: fmt.Sprintf("nothing in its WAL was committed at %s or later, so that nobody knows whether it "+
			"leads there: %s (where its server was quiet, leave out recover.time: all that is there is replayed)", t.Time.UTC().Format(time.RFC3339), until)}
	case t.Name != "":
		return &restore.LackError{Lack: record.LackTarget, What: fmt.Sprintf("no restore point %q is in its WAL: %s", t.Name, until)}
	default:
		return &restore.LackError{Lack: record.LackTarget, What: fmt.Sprintf("transaction %s is not in its WAL: %s", t.Before, until)}
	}
}

// consistentTo is the time that the restored system is known to be of.
func (b *backup) consistentTo(r *reached) (time.Time, string) {
	began, by := utc(b.label().Started), "its backup_label: the WAL holds no later transaction"
	if b.ground.clean {
		began, by = b.ground.control.Written, "its control file: its server was shut down then"
	}
	for _, h := range b.contents.archived.backups { // the history says when the backup ended, too
		if h.Start == b.label().Start {
			if at := utc(h.Stopped); at.After(began) {
				began = at
			}
		}
	}
	if r.stopped != "" {
		if t := b.set.Recover.Time; t != nil {
			return t.UTC(), "the time to which its WAL was replayed"
		}
		if !r.stoppedAt.IsZero() {
			return r.stoppedAt, "the place in the WAL at which recovery ended"
		}
	}
	if r.last.After(began) {
		return r.last, "the last transaction that was replayed"
	}
	if began.IsZero() {
		return began, ""
	}
	return began, by
}

// looping says why a server starts all of its processes again and again.
func (b *backup) looping(m instance.Machine, text string) error {
	said, err := b.blamed(text)
	if err != nil {
		return err
	}
	return fmt.Errorf("the server of %s starts its processes again and again, which may be the fault of the backup, the image or the host: %s", m.Name(), said)
}

// died says why a server ended while it recovered.
func (b *backup) died(m instance.Machine, state instance.State, text string) error {
	said, err := b.blamed(text)
	if err != nil {
		return err
	}
	return fmt.Errorf("the server of %s %s while it recovered, which may be the fault of the backup, the image or the host: %s", m.Name(),
		state.Ended(), said)
}

const (
	unknownSetting = "unrecognized configuration parameter"
	unknownValue   = "invalid value for parameter"
)

// blamed is what a server said as it ended, and the error that its words stand for; nil: they stand for none.
func (b *backup) blamed(text string) (said string, err error) {
	var lines []string
	refused := false // lifeboat's own sessions, until the server takes them
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		for _, word := range []string{"FATAL:  ", "PANIC:  ", "DETAIL:  ", "HINT:  "} {
			_, said, ok := strings.Cut(line, word)
			if ok && word[0] != 'D' && word[0] != 'H' {
				refused = strings.HasPrefix(said, "the database system is ")
			}
			if ok && !refused {
				lines = append(lines, strings.TrimSpace(said))
			}
		}
		// A server that does not take its settings says which behind another word, and then only that it ends.
		if _, said, ok := strings.Cut(line, "LOG:  "); ok && (strings.HasPrefix(said, unknownSetting) || strings.HasPrefix(said, unknownValue)) {
			lines = append(lines, said)
		}
	}
	said = cmp.Or(strings.Join(lines[:min(4, len(lines))], " / "), strings.Join(strings.Split(instance.LastLines(text, 3), "\n"), " / "))
	for _, w := range words {
		if strings.Contains(said, w.said) {
			return said, w.err(b, said, heard(text))
		}
	}
	return said, nil
}
