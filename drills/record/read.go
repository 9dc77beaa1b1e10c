package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"lifeboat/internal/filelock"
)

// Damage says where a journal stops being what was written.
type Damage struct {
	Line   int    // 1 is the first
	Reason string // in words
	Torn   bool   // only the end of the last line is missing, as a crash leaves it

	tail []byte // the torn line
	end  int64  // offset of its end
}

func (d *Damage) Error() string { return fmt.Sprintf("journal line %d: %s", d.Line, d.Reason) }

// Read reads a journal and checks that its events are numbered without a gap,
// that none of them goes back in time, and that each holds the hash of the
// line before it. It returns the events up to the first damage, and then a
// *Damage. A torn line that was closed by a torn event is not damage.
func Read(r io.Reader) ([]Event, error) {
	all, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	var events []Event
	var last Event
	left := all
	for n := 1; len(left) > 0; n++ {
		line, rest, whole := cutLine(left)
		if torn(line, rest, whole) {
			tail := bytes.TrimSuffix(line, []byte{'\n'})
			end := int64(len(all) - len(left) + len(tail))
			return events, &Damage{Line: n, Reason: "the line is cut off", Torn: true, tail: tail, end: end}
		}
		if closedTorn(line, rest) {
			left = rest
			continue
		}
		e, reason := parse(line, last)
		if reason != "" {
			return events, &Damage{Line: n, Reason: reason}
		}
		events, last, left = append(events, e), e, rest
	}
	return events, nil
}

// torn tells whether a crash cut this line off: it is the last one and has no
// end, or its end was added by somebody who did not come to writing more.
func torn(line, rest []byte, whole bool) bool {
	return !whole || (!json.Valid(line) && bytes.IndexByte(rest, '\n') < 0)
}

// cutLine returns the first line with its newline.
func cutLine(b []byte) (line, rest []byte, whole bool) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil, false
	}
	return b[:i+1], b[i+1:], true
}

// parse decodes a line and holds it against the event before it.
func parse(line []byte, last Event) (Event, string) {
	var e Event
	if err := json.Unmarshal(line, &e); err != nil {
		return e, "it is not an event: " + err.Error()
	}
	e.sum = digest(line)
	switch {
	case e.Seq != last.Seq+1:
		return e, fmt.Sprintf("event %d follows event %d", e.Seq, last.Seq)
	case e.Prev != last.sum:
		return e, fmt.Sprintf("event %d does not hold the hash of the line before it", e.Seq)
	case e.Elapsed < last.Elapsed:
		return e, fmt.Sprintf("event %d goes back in time", e.Seq)
	case e.Seq == 1 && e.Kind != KindOpened:
		return e, fmt.Sprintf("the first event is %s instead of %s", e.Kind, KindOpened)
	}
	return e, ""
}

// closedTorn tells whether a line is the cut-off rest that the next line, a torn event, speaks of.
func closedTorn(line, rest []byte) bool {
	next, _, whole := cutLine(rest)
	if !whole || !bytes.Contains(next, []byte(KindTorn)) {
		return false
	}
	var e Event
	var t Torn
	if json.Unmarshal(next, &e) != nil || e.Kind != KindTorn || json.Unmarshal(e.Data, &t) != nil {
		return false
	}
	cut := bytes.TrimSuffix(line, []byte{'\n'})
	return t.Bytes == len(cut) && t.Digest == digest(cut)
}

// reopenWait is how long Reopen waits for the writer before it to let go.
const reopenWait = 5 * time.Second

// Reopen goes on with the journal of a drill whose process has ended. It
// waits up to 5 s for the lock (ErrLocked), closes a torn last line with a
// torn event, and goes on counting time from the header's CLOCK_BOOTTIME;
// after a restart of the host by the wall clock. A journal whose chain is
// broken elsewhere is not touched: *Damage.
func Reopen(path, actor string) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("reopen the journal: %w", err)
	}
	j, err := reopen(f, actor)
	if err != nil {
		return nil, fmt.Errorf("reopen the journal: %w", errors.Join(err, f.Close()))
	}
	return j, nil
}

func reopen(f *os.File, actor string) (*Journal, error) {
	if err := filelock.Exclusive(f, reopenWait); err != nil {
		return nil, err
	}
	all, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	events, err := Read(strings.NewReader(string(all)))
	var damage *Damage
	if err != nil && (!errors.As(err, &damage) || !damage.Torn) {
		return nil, err
	}
	if len(events) == 0 {
		return nil, errors.New("it holds no event: the drill ended before it began")
	}
	var h Header
	if err := json.Unmarshal(events[0].Data, &h); err != nil {
		return nil, fmt.Errorf("read the header: %w", err)
	}
	last := events[len(events)-1]
	j := &Journal{file: f, actor: actor, seq: last.Seq, last: last.Elapsed, prev: last.sum, size: int64(len(all)),
		host: Clock{}.orOwn()}
	if err := j.countAfter(h, last); err != nil {
		return nil, err
	}
	if damage == nil {
		return j, nil
	}
	return j, j.closeTorn(damage)
}

// closeTorn ends a cut-off line where it was cut and says what it is. The
// chain goes from the last whole line to the torn event, which holds the
// digest of the bytes between. What an earlier attempt to do so left is taken back.
func (j *Journal) closeTorn(d *Damage) error {
	j.size = d.end
	if err := j.file.Truncate(j.size); err != nil {
		return err
	}
	if err := j.write([]byte{'\n'}); err != nil {
		return err
	}
	return j.Append(KindTorn, Subject{}, Torn{Bytes: len(d.tail), Digest: digest(d.tail)})
}

// countAfter counts on from where another process of this boot counted, or
// else from the last event by the wall clock. Boot time of another boot is not
// written: it cannot be held against what was.
func (j *Journal) countAfter(h Header, last Event) error {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return fmt.Errorf("read the boot id: %w", err)
	}
	if h.BoottimeNS != 0 && strings.TrimSpace(string(id)) == h.BootID {
		j.clock = func() time.Duration { return time.Duration(j.host.Boot() - h.BoottimeNS) }
		return nil
	}
	j.host.Boot = func() int64 { return 0 }
	j.clock = func() time.Duration { return last.Elapsed + max(0, j.host.Wall().Sub(last.Wall)) }
	return nil
}
