package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lifeboat/internal/filelock"
)

// FileName of a ledger in its drill's folder.
const FileName = "ledger.ndjson"

// lockWait is how long Open waits for a writer that is about to end.
const lockWait = 5 * time.Second

// line of the file: the first holds the scope; then an entry where something
// is intended, or a mark where its state changed.
type line struct {
	Scope *Scope `json:"scope,omitempty"`
	Entry *Entry `json:"entry,omitempty"`
	Mark  *mark  `json:"mark,omitempty"`
}

type mark struct {
	ID    int    `json:"id"`
	State State  `json:"state"`
	Error string `json:"error,omitempty"`
}

// File is the ledger of one drill on disk. It is safe for concurrent use.
type File struct {
	mu   sync.Mutex
	file *os.File
	next int
	size int64 // bytes of whole lines
}

// Open opens the ledger in a drill's folder, or begins it, as its only writer
// (filelock.ErrLocked after 5 s). A line that a crash cut off is taken back:
// what it announced was not begun, because Intend had not returned.
func Open(dir string, scope Scope) (*File, error) {
	f, err := os.OpenFile(filepath.Join(dir, FileName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	l, err := open(f, scope)
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", errors.Join(err, f.Close()))
	}
	return l, nil
}

func open(f *os.File, scope Scope) (*File, error) {
	if err := filelock.Exclusive(f, lockWait); err != nil {
		return nil, err
	}
	all, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	c, err := read(all)
	if err != nil {
		return nil, err
	}
	l := &File{file: f, next: 1, size: c.size}
	if n := len(c.entries); n > 0 {
		l.next = c.entries[n-1].ID + 1
	}
	if err := f.Truncate(l.size); err != nil {
		return nil, err
	}
	if c.scope != nil {
		return l, nil
	}
	d, err := os.Open(filepath.Dir(f.Name()))
	if err != nil {
		return nil, err
	}
	return l, errors.Join(l.keep(line{Scope: &scope}), d.Sync(), d.Close())
}

// Intend writes an entry down and waits for the disk. Only then may the thing
// be created or broken.
func (l *File) Intend(e Entry) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e.ID, e.State, e.Error = l.next, Intended, ""
	if err := l.keep(line{Entry: &e}); err != nil {
		return 0, fmt.Errorf("write %s %s into the ledger: %w", e.What, e.Name, err)
	}
	l.next++
	return e.ID, nil
}

// Mark writes down what became of an entry; failure is the reason of Failed, else nil. It does not wait for the disk: who
// finds an entry without its mark undoes it once more, and finds nothing.
func (l *File) Mark(id int, state State, failure error) error {
	m := mark{ID: id, State: state}
	if failure != nil {
		m.Error = failure.Error()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if id < 1 || id >= l.next {
		return fmt.Errorf("mark entry %d in the ledger as %s: there is no such entry", id, state)
	}
	if err := l.append(line{Mark: &m}); err != nil {
		return fmt.Errorf("mark entry %d in the ledger as %s: %w", id, state, err)
	}
	return nil
}

// keep is append, and waits for the disk.
func (l *File) keep(x line) error {
	before := l.size
	if err := l.append(x); err != nil {
		return err
	}
	if err := l.file.Sync(); err != nil {
		l.size = before
		return errors.Join(err, l.file.Truncate(l.size))
	}
	return nil
}

// append writes a whole line, or leaves the file as it was.
func (l *File) append(x line) error {
	b, err := json.Marshal(x)
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if _, err := l.file.WriteAt(b, l.size); err != nil {
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.size += int64(len(b))
	return nil
}

// Close gives up the lock.
func (l *File) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}

// Load reads the entries of the ledger in a drill's folder, each in its last
// state, in the order in which they were written. A cut-off last line is left
// out. fs.ErrNotExist: the drill has no ledger, so nothing was created.
func Load(dir string) ([]Entry, error) {
	c, err := load(dir)
	return c.entries, err
}

// LoadScope reads for whom the ledger in a drill's folder speaks.
func LoadScope(dir string) (Scope, error) {
	c, err := load(dir)
	if err != nil {
		return Scope{}, err
	}
	if c.scope == nil {
		return Scope{}, fmt.Errorf("read the ledger in %s: it ended before it began", dir)
	}
	return *c.scope, nil
}

func load(dir string) (content, error) {
	b, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		return content{}, fmt.Errorf("read the ledger: %w", err)
	}
	c, err := read(b)
	if err != nil {
		return c, fmt.Errorf("read the ledger in %s: %w", dir, err)
	}
	return c, nil
}

// content of a ledger's file.
type content struct {
	scope   *Scope
	entries []Entry
	size    int64 // of the whole lines
}

// read parses whole lines. A line in the middle that cannot be read is an
// error: what it announced could not be undone.
func read(b []byte) (content, error) {
	var c content
	for n := 1; ; n++ {
		i := bytes.IndexByte(b[c.size:], '\n')
		if i < 0 {
			return c, nil
		}
		raw := b[c.size : c.size+int64(i)]
		var x line
		if err := json.Unmarshal(raw, &x); err != nil {
			return c, fmt.Errorf("line %d: %w", n, err)
		}
		if err := c.add(x); err != nil {
			return c, fmt.Errorf("line %d: %w", n, err)
		}
		c.size += int64(i) + 1
	}
}

func (c *content) add(x line) error {
	switch {
	case x.Scope != nil && c.scope == nil:
		c.scope = x.Scope
	case c.scope == nil:
		return errors.New("it does not begin with its scope")
	case x.Entry != nil:
		if n := len(c.entries); n > 0 && x.Entry.ID <= c.entries[n-1].ID {
			return fmt.Errorf("entry %d follows entry %d", x.Entry.ID, c.entries[n-1].ID)
		}
		c.entries = append(c.entries, *x.Entry)
	case x.Mark != nil:
		i := slices.IndexFunc(c.entries, func(e Entry) bool { return e.ID == x.Mark.ID })
		if i < 0 {
			return fmt.Errorf("there is no entry %d", x.Mark.ID)
		}
		c.entries[i].State, c.entries[i].Error = x.Mark.State, x.Mark.Error
	}
	return nil
}
