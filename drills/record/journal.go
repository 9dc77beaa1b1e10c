package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"lifeboat/internal/filelock"
)

// Journal writes the events of one drill: one line of JSON an event, each
// with the hash of the line before it, one writer at a time. It is safe for
// concurrent use.
type Journal struct {
	// After is called after each event was written, while no other event can
	// be: it must not append. Set it before the journal is shared.
	After func(Event)

	mu    sync.Mutex
	seen  func(Event)
	file  *os.File
	clock func() time.Duration // elapsed; need not be monotonic across processes
	host  Clock
	actor string
	seq   int64
	last  time.Duration
	prev  string
	size  int64 // bytes of whole lines
	fatal error // the file is in a state in which nothing may be appended
}

// synced are the kinds after which the disk is waited for: the edges of
// phases, and what is written before (or as proof of) an act that cannot be
// taken back.
var synced = map[Kind]bool{
	KindOpened: true, KindPhase: true, KindUpgrade: true, KindFault: true, KindIncident: true,
	KindDecided: true, KindRollback: true, KindAborted: true, KindTorn: true, KindSealed: true,
}

// Create opens a new journal, takes its lock and writes h as its first event.
// base is the drill's base: it carries the monotonic clock from which all
// events are timed; host is what they are timed by besides. fs.ErrExist: there is a journal already.
func Create(path string, h Header, base time.Time, host Clock) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create the journal: %w", err)
	}
	j := &Journal{After: afterEvent(), file: f, actor: ActorLifeboat, host: host.orOwn(),
		clock: func() time.Duration { return time.Since(base) }}
	if err := filelock.Exclusive(f, 0); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := j.Append(KindOpened, Subject{}, h); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if err := syncFolder(filepath.Dir(path)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// Append writes an event of lifeboat (of the reaper, on a journal that it
// reopened). After an error the event is lost and everything before it is kept;
// where only flushing failed, the event stands there and may not survive a crash.
func (j *Journal) Append(kind Kind, subject Subject, data any) error {
	return j.AppendAs(j.actor, kind, subject, data)
}

// AppendAs writes an event of a named person.
func (j *Journal) AppendAs(actor string, kind Kind, subject Subject, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("encode event %s: %w", kind, err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fatal != nil {
		return j.fatal
	}
	elapsed, wall, boot := j.read()
	j.last = max(j.last, elapsed)
	e := Event{Seq: j.seq + 1, Elapsed: j.last, Wall: wall, BootNS: boot, Actor: actor, Kind: kind,
		Subject: subject, Data: raw, Prev: j.prev}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode event %d (%s): %w", e.Seq, kind, err)
	}
	line = append(line, '\n')
	if err := j.write(line); err != nil {
		return fmt.Errorf("write event %d (%s): %w; the event is lost, those before it are kept", e.Seq, kind, err)
	}
	e.sum = digest(line)
	j.seq, j.prev = e.Seq, e.sum
	if j.seen != nil {
		j.seen(e)
	}
	if synced[kind] {
		if err := j.file.Sync(); err != nil {
			return fmt.Errorf("flush event %d (%s) to the disk: %w", e.Seq, kind, err)
		}
	}
	if j.After != nil {
		j.After(e)
	}
	return nil
}

// write appends whole lines only: what a full disk cut off is taken back, so
// that the next event finds an unbroken chain.
func (j *Journal) write(line []byte) error {
	n, err := j.file.WriteAt(line, j.size)
	if err == nil {
		j.size += int64(n)
		return nil
	}
	if e := j.file.Truncate(j.size); e != nil {
		j.fatal = fmt.Errorf("the journal ends with a broken line: %w", errors.Join(err, e))
		return j.fatal
	}
	return err
}

// Sync waits until every event is on the disk.
func (j *Journal) Sync() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.file.Sync(); err != nil {
		return fmt.Errorf("flush the journal to the disk: %w", err)
	}
	return nil
}

// Elapsed is the time since the drill's base.
func (j *Journal) Elapsed() time.Duration { return j.clock() }

// Path of the journal's file.
func (j *Journal) Path() string { return j.file.Name() }

// Close flushes the journal and gives up its lock.
func (j *Journal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fatal == nil {
		j.fatal = os.ErrClosed
	}
	return errors.Join(j.file.Sync(), j.file.Close())
}

// Events reads back what was written so far, through the same checks as Read.
func (j *Journal) Events() ([]Event, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return Read(io.NewSectionReader(j.file, 0, j.size))
}

// Tell hands every event to seen, in the journal's order: those that stand in it already, and each that will be written
// while no other can be. seen must not append, nor block.
func (j *Journal) Tell(seen func(Event)) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	events, err := Read(io.NewSectionReader(j.file, 0, j.size))
	for _, e := range events {
		seen(e)
	}
	j.seen = seen
	return err
}

// digest is the link of the chain: over the line's bytes as written, its newline included.
func digest(line []byte) string {
	sum := sha256.Sum256(line)
	return hex.EncodeToString(sum[:])
}

// ErrLocked says that another process writes the file.
var ErrLocked = filelock.ErrLocked

// syncFolder makes a new file's name survive a crash.
func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("open %s: %w", dir, err)
	}
	return errors.Join(d.Sync(), d.Close())
}
