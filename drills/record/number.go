package record

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/internal/filelock"
)

// NewID makes the id of a drill: ids sort by time, and are fit for names of
// containers, folders and labels.
func NewID(t time.Time) string {
	t = t.UTC()
	return strings.ToLower(fmt.Sprintf("%s%03d-%s", t.Format("20060102-150405"), t.Nanosecond()/int(time.Millisecond),
		rand.Text()[:6]))
}

// numberWait is how long another drill may hold a series' lock.
const numberWait = 10 * time.Second

// counter is what is kept of a series.
type counter struct {
	Series  string `json:"series"`
	Last    int    `json:"last"`
	Pending string `json:"pending,omitempty"` // the journal that Last was given to, until it was seen
}

// WithNumber takes the next number of a series and hands it to use, which
// creates the drill's journal with it. The number is given back when use
// returns an error, and when the process dies before there is a journal. Other
// drills of the series wait meanwhile.
func WithNumber(home, series, journal string, use func(number int) error) error {
	series = cmp.Or(series, "default")
	dir := filepath.Join(home, "series")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("take a number of series %s: %w", series, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, url.QueryEscape(series)+".json"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("take a number of series %s: %w", series, err)
	}
	defer f.Close() //nolint:errcheck // what was written is synced
	if err := filelock.Exclusive(f, numberWait); err != nil {
		return fmt.Errorf("take a number of series %s: %w", series, err)
	}
	if err := count(f, series, journal, use); err != nil {
		return fmt.Errorf("take a number of series %s: %w", series, err)
	}
	return nil
}

func count(f *os.File, series, journal string, use func(int) error) error {
	c, err := load(f, series)
	if err != nil {
		return err
	}
	before := c
	c.Last, c.Pending = c.Last+1, journal
	if err := save(f, c); err != nil {
		return err
	}
	if err := use(c.Last); err != nil {
		return errors.Join(err, save(f, before))
	}
	c.Pending = ""
	return save(f, c)
}

// load reads the counter. A number that was given to a journal which never
// came into being is free again; its process is dead, for the lock was free.
func load(f *os.File, series string) (counter, error) {
	c := counter{Series: series}
	b, err := io.ReadAll(f)
	if err != nil {
		return c, err
	}
	if len(b) == 0 {
		return c, nil
	}
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("read %s: %w; restore the file: it holds the last number", f.Name(), err)
	}
	if c.Pending != "" && !begun(c.Pending) {
		c.Last--
	}
	c.Pending = ""
	return c, nil
}

// begun tells whether a journal has its first line. A journal that cannot be
// looked at counts as begun: a gap is better than a number used twice.
func begun(path string) bool {
	b, err := os.ReadFile(path)
	if err != nil {
		return !errors.Is(err, os.ErrNotExist)
	}
	return bytes.IndexByte(b, '\n') >= 0
}

// save overwrites the counter in place, so that the lock stays on the same
// file. The content is padded to one length: a crash leaves the old or the new one.
func save(f *os.File, c counter) error {
	b, err := json.Marshal(c)
	if err != nil {
		return err
	}
	const block = 512 // a sector: written whole or not at all
	b = append(b, bytes.Repeat([]byte{' '}, max(0, block-1-len(b)))...)
	if _, err := f.WriteAt(append(b, '\n'), 0); err != nil {
		return err
	}
	if err := f.Truncate(int64(len(b) + 1)); err != nil {
		return err
	}
	return f.Sync()
}
