package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"lifeboat/internal/filelock"
)

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
