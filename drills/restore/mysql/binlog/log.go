package binlog

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"strings"
	"time"

	"lifeboat/drills/record"
	"lifeboat/drills/restore"
)

// log is one binary log, as it was read.
type log struct {
	name, path string // its own, and in the archive
	size       int64
	whole      uint32 // checksum of all of it
	version    string // of the server that wrote it
	server     uint32
	inUse      bool // it was being written when it was copied, or its server went away
	sums       bool
	begins     state
	ends       state // behind its last transaction that is whole
	next       string
	cut        int64 // where what is not whole at its end begins; 0: nothing is
	cutWhat    string
	newest     uint32 // time of any event

	at     *state // where the backup is; nil: nothing begins there
	before uint32 // time of the last transaction before that
	stop   int64  // the first transaction that is not replayed begins there; 0: all are
	stopAt uint32
	count  int64 // of transactions that are replayed
	last   uint32
}

// question is what logs are read for.
type question struct {
	from   *Position // nil: they are read alone
	target Target
}

// meets tells whether a transaction is the first that is not replayed. Logs count whole seconds: one of the target's own second may lie behind it.
func (q *question) meets(g gtid, at uint32) bool {
	if q.target.Before != "" {
		return g.String() == q.target.Before
	}
	return q.target.Time != nil && utc(at).Add(time.Second).After(*q.target.Time)
}

// transaction as it is read.
type transaction struct {
	gtid
	at    int64
	alone bool
	done  bool
}

// reading of one log.
type reading struct {
	*question
	*log
	r    *reader
	open transaction
}

// read reads a log to its end.
func (q *question) read(name, path string, in io.Reader) (*log, error) {
	whole := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	l := &log{name: name, path: path, begins: newState(), ends: newState()}
	r := &reading{question: q, log: l, r: newReader(path, io.TeeReader(in, whole))}
	if err := r.r.begin(); err != nil {
		return nil, err
	}
	r.open.done = true
	for {
		e, err := r.r.event()
		var cut *cutError
		switch {
		case errors.Is(err, io.EOF):
			l.size = r.r.at
			r.border(l.size)
			if !r.open.done {
				l.cut, l.cutWhat = r.open.at, fmt.Sprintf("inside transaction %s", r.open.gtid)
			}
			if l.version == "" {
				return nil, damage("binary log %s is cut off: it has %d bytes", path, l.size)
			}
			l.whole = whole.Sum32()
			return l, nil
		case errors.As(err, &cut):
			if l.size, l.cut = cut.at, cut.at; !r.open.done {
				l.cut = r.open.at
			}
			l.cutWhat = fmt.Sprintf("inside the event at %d", cut.at)
			if l.version == "" {
				return nil, damage("binary log %s is cut off: it ends in what describes its format", path)
			}
			return l, nil
		case err != nil:
			return nil, err
		}
		if err := r.take(e); err != nil {
			return nil, err
		}
	}
}

// border is called with each place where an event begins.
func (r *reading) border(at int64) {
	if r.open.done && r.from != nil && r.name == r.from.File && at == r.from.Offset {
		is := r.ends.clone()
		r.log.at = &is
	}
}

func (r *reading) take(e *event) error {
	if r.version == "" && e.kind != formatEvent {
		return damage("binary log %s does not describe its format: its beginning is missing", r.path)
	}
	r.border(e.at)
	r.newest = max(r.newest, e.time)
	switch e.kind {
	case formatEvent:
		return r.describes(e)
	case gtidListEvent:
		s, ok := e.list()
		if !ok {
			return r.short(e)
		}
		r.begins, r.ends = s, s.clone()
	case encryptionEvent:
		return sealed(r.path)
	case incidentEvent:
		return damage("its server wrote at %d of binary log %s that events are lost there", e.at, r.path)
	case mysqlGTIDEvent, mysqlNoGTIDEvent, mysqlPreviousList:
		return lackLogs("%s is a binary log of MySQL", r.path)
	case rotateEvent:
		r.next = e.leads()
	case stopEvent, checkpointEvent:
	case gtidEvent:
		return r.opens(e)
	default:
		return r.within(e)
	}
	return r.between(e)
}

func (r *reading) short(e *event) error {
	return damage("the event at %d of binary log %s is damaged: it is too short", e.at, r.path)
}

func (r *reading) describes(e *event) error {
	if r.version != "" {
		return r.between(e)
	}
	r.version, r.server, r.inUse, r.sums = e.version(), e.server, e.flags&inUseFlag != 0, r.r.sums
	if !strings.Contains(r.version, "MariaDB") {
		return lackLogs("%s is a binary log of MySQL %s", r.path, r.version)
	}
	return nil
}

// between is what does not stand inside of a transaction.
func (r *reading) between(e *event) error {
	if !r.open.done {
		return damage("transaction %s in binary log %s does not end: behind it begins something else, at %d", r.open.gtid, r.path, e.at)
	}
	return nil
}

func (r *reading) opens(e *event) error {
	if err := r.between(e); err != nil {
		return err
	}
	g, alone, ok := e.gtid()
	if !ok {
		return r.short(e)
	}
	r.open = transaction{gtid: g, at: e.at, alone: alone}
	return nil
}

// within is an event of a transaction.
func (r *reading) within(e *event) error {
	if r.open.done {
		return damage("the event at %d of binary log %s belongs to no transaction: what is before it is missing", e.at, r.path)
	}
	switch e.kind {
	case xidEvent, xaPrepareEvent:
		r.close(e)
	case queryEvent, queryPackedEvent, loadQueryEvent:
		if r.open.alone {
			r.close(e)
			return nil
		}
		_, text, err := e.statement()
		if err != nil {
			return damage("binary log %s: %v", r.path, err)
		}
		if ends(text) {
			r.close(e)
		}
	}
	return nil
}

// close is called with the event with which a transaction ends.
func (r *reading) close(e *event) {
	t := &r.open
	t.done = true
	r.ends.add(t.gtid)
	switch {
	case r.from != nil && r.name == r.from.File && t.at < r.from.Offset:
		r.before = e.time
	case r.stop != 0:
	case r.meets(t.gtid, e.time):
		r.stop, r.stopAt = t.at, e.time
	default:
		r.count++
		r.last = e.time
	}
}

func lackLogs(format string, args ...any) error {
	return &restore.LackError{Lack: record.LackLogs, What: fmt.Sprintf(format, args...)}
}
