package tree

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Version of the lines: one that is newer is not read.
const Version = 1

// mostLine bounds a line, bytes: a path, a target and the values of extended attributes.
const mostLine = 4 << 20

// Manifest is a tree written down.
type Manifest struct {
	Taken   time.Time // when it was begun to be read; zero: it does not say
	Entries []Entry
}

// head is the first line of a manifest, and tail the last one, so that a manifest that is cut is seen.
type head struct {
	Lifeboat string    `json:"lifeboat"` // tree
	Version  int       `json:"version"`
	Taken    time.Time `json:"taken,omitzero"`
}

type tail struct {
	End     bool  `json:"end"`
	Entries int64 `json:"entries"`
}

// line is an entry as it is written. Text of any bytes is quoted as Go quotes it, within JSON's own quotes.
type line struct {
	Path   string            `json:"path"`
	Type   Type              `json:"type"`
	Mode   string            `json:"mode,omitempty"` // octal
	UID    int               `json:"uid"`
	GID    int               `json:"gid"`
	Size   int64             `json:"size,omitempty"`
	Time   time.Time         `json:"time,omitzero"`
	SHA256 string            `json:"sha256,omitempty"`
	Target string            `json:"target,omitempty"`
	Same   string            `json:"same,omitempty"`
	Xattrs map[string][]byte `json:"xattrs,omitempty"` // base64
	Sparse bool              `json:"sparse,omitempty"`
}

// Writer writes a tree, a line for each path.
type Writer struct {
	to *bufio.Writer
	n  int64
}

// NewWriter writes the first line.
func NewWriter(w io.Writer, taken time.Time) (*Writer, error) {
	t := &Writer{to: bufio.NewWriter(w)}
	return t, t.json(head{Lifeboat: "tree", Version: Version, Taken: taken})
}

func (w *Writer) json(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	_, err = w.to.Write(append(b, '\n'))
	return err
}

// Add writes an entry.
func (w *Writer) Add(e Entry) error {
	w.n++
	l := line{Path: quote(e.Path), Type: e.Type, Mode: strconv.FormatUint(uint64(e.Mode), 8), UID: e.UID, GID: e.GID, Size: e.Size, Time: e.Time,
		SHA256: e.Digest, Target: quote(e.Target), Same: quote(e.Same), Sparse: e.Sparse}
	for name, value := range e.Xattrs {
		if l.Xattrs == nil {
			l.Xattrs = map[string][]byte{}
		}
		l.Xattrs[quote(name)] = []byte(value)
	}
	return w.json(l)
}

// Close writes the last line.
func (w *Writer) Close() error {
	if err := w.json(tail{End: true, Entries: w.n}); err != nil {
		return err
	}
	return w.to.Flush()
}

func quote(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

func unquote(s string) (string, error) { return strconv.Unquote(`"` + s + `"`) }

// IsManifest tells whether a text begins as a manifest does.
func IsManifest(text []byte) bool { return bytes.HasPrefix(text, []byte(`{"lifeboat":"tree"`)) }

// ReadManifest reads a tree to its last line. An error says in which line it is none.
func ReadManifest(r io.Reader) (m Manifest, err error) {
	in := bufio.NewScanner(r)
	in.Buffer(make([]byte, 0, 64<<10), mostLine)
	next := func() bool { return in.Scan() }
	var h head
	if !next() || json.Unmarshal(in.Bytes(), &h) != nil || h.Lifeboat != "tree" {
		return m, errors.Join(errors.New("it is no manifest of a tree"), in.Err())
	}
	if h.Version != Version {
		return m, fmt.Errorf("it is of version %d, and %d is read here", h.Version, Version)
	}
	m.Taken = h.Taken
	for n := 2; next(); n++ {
		if bytes.HasPrefix(in.Bytes(), []byte(`{"end":`)) {
			var t tail
			if err := json.Unmarshal(in.Bytes(), &t); err != nil || !t.End || t.Entries != int64(len(m.Entries)) {
				return m, fmt.Errorf("line %d: it ends after %d paths, and says %d", n, len(m.Entries), t.Entries)
			}
			if next() {
				return m, fmt.Errorf("line %d: something follows its end", n+1)
			}
			return m, in.Err()
		}
		e, err := readLine(in.Bytes())
		if err != nil {
			return m, fmt.Errorf("line %d: %w", n, err)
		}
		m.Entries = append(m.Entries, e)
	}
	return m, errors.Join(fmt.Errorf("it is cut off after %d paths", len(m.Entries)), in.Err())
}

func readLine(text []byte) (e Entry, err error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	var l line
	if err := d.Decode(&l); err != nil {
		return e, err
	}
	mode, err := strconv.ParseUint(l.Mode, 8, 32)
	e = Entry{Type: l.Type, Mode: uint32(mode), UID: l.UID, GID: l.GID, Size: l.Size, Time: l.Time, Digest: l.SHA256, Sparse: l.Sparse}
	for _, t := range []struct {
		to   *string
		from string
	}{{&e.Path, l.Path}, {&e.Target, l.Target}, {&e.Same, l.Same}} {
		var bad error
		*t.to, bad = unquote(t.from)
		err = errors.Join(err, bad)
	}
	for name, value := range l.Xattrs {
		plain, bad := unquote(name)
		err = errors.Join(err, bad)
		if e.Xattrs == nil {
			e.Xattrs = map[string]string{}
		}
		e.Xattrs[plain] = string(value)
	}
	if err == nil && e.Path == "" {
		err = errors.New("a path is missing")
	}
	return e, err
}
