package night

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"lifeboat/drills/record"
	"lifeboat/internal/filelock"
)

// version of the format of a night's journal.
const version = 1

// file of a night in its folder.
const file = "night.ndjson"

// The kinds of lines.
const (
	kindNight  = "night"
	kindProof  = "proof"
	kindSealed = "sealed"
)

// line of a night's journal. Prev is the digest of the line before, so that none can be taken out or changed.
type line struct {
	Seq  int             `json:"seq"`
	Prev string          `json:"prev"`
	At   time.Time       `json:"at"`
	Kind string          `json:"kind"`
	Data json.RawMessage `json:"data,omitempty"`
}

// ErrRunning says that another process writes a night.
var ErrRunning = errors.New("it is still running")

// Journal is a night that is being written, by one process.
type Journal struct {
	mu   sync.Mutex
	f    *os.File
	seq  int
	size int64 // of its whole lines
	head string
}

// Dir of the nights of a home.
func Dir(home string) string { return filepath.Join(home, "nights") }

// Create begins a night in a home and fills in its id.
func Create(home string, h Header) (*Journal, *Night, error) {
	h.Version, h.Night = version, record.NewID(h.Started)
	dir := filepath.Join(Dir(home), h.Night)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make the night's folder: %w; is --home writable", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open the night's journal: %w", err), os.RemoveAll(dir))
	}
	j := &Journal{f: f}
	if err := errors.Join(filelock.Exclusive(f, 0), j.append(kindNight, h)); err != nil { // one without a beginning would be told as one that cannot be read
		return nil, nil, errors.Join(fmt.Errorf("begin the night: %w", err), f.Close(), os.RemoveAll(dir))
	}
	return j, &Night{Header: h}, nil
}

// Reopen goes on with a night that was never sealed. What a crash cut off is dropped: it says nothing.
func Reopen(home, id string) (*Journal, *Night, error) {
	path := filepath.Join(Dir(home), id, file)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("go on with night %s: %w", id, err)
	}
	if err := filelock.Exclusive(f, 0); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("go on with night %s: %w", id, ErrRunning), f.Close())
	}
	n, seq, whole, err := read(path)
	if err == nil && n.Sealed() {
		err = errors.New("it came to its end")
	}
	if err == nil {
		err = f.Truncate(whole)
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("go on with night %s: %w", id, err), f.Close())
	}
	n.Torn = 0
	return &Journal{f: f, seq: seq, size: whole, head: n.Head}, n, nil
}

// Add writes down what came of a check run.
func (j *Journal) Add(p Proof) error { return j.append(kindProof, p) }

// Seal ends the night.
func (j *Journal) Seal() error {
	return errors.Join(j.append(kindSealed, nil), j.Close())
}

// Close leaves the night as it is; it can be gone on with.
func (j *Journal) Close() error { return j.f.Close() }

func (j *Journal) append(kind string, data any) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	l := line{Seq: j.seq + 1, Prev: j.head, At: time.Now().Round(0), Kind: kind}
	if data != nil {
		raw, err := json.Marshal(data)
		if err != nil {
			return fmt.Errorf("write the night's journal: %w", err)
		}
		l.Data = raw
	}
	raw, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write the night's journal: %w", err)
	}
	n, err := j.f.WriteAt(append(raw, '\n'), j.size) // over what of a line came onto a full disk
	if err == nil {
		err = j.f.Sync()
	}
	if err != nil {
		return fmt.Errorf("write the night's journal: %w", errors.Join(err, j.f.Truncate(j.size)))
	}
	j.seq, j.size, j.head = l.Seq, j.size+int64(n), digest(raw)
	return nil
}

func digest(raw []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(raw)) }

// Read computes a night from its journal.
func Read(home, id string) (*Night, error) {
	n, _, _, err := read(filepath.Join(Dir(home), id, file))
	return n, err
}

// Parse computes a night from what its journal holds.
func Parse(journal []byte) (*Night, error) {
	n, _, _, err := parse(journal)
	return n, err
}

// read gives the night, the number of its last line, and the bytes of its whole lines.
func read(path string) (n *Night, seq int, whole int64, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("read the night's journal: %w", err)
	}
	return parse(raw)
}

func parse(raw []byte) (n *Night, seq int, whole int64, err error) {
	n = &Night{}
	var proofs []Proof
	for len(raw) > 0 {
		text, rest, ended := bytes.Cut(raw, []byte("\n"))
		if !ended {
			n.Torn = len(text)
			break
		}
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return nil, 0, 0, fmt.Errorf("read the night's journal: line %d: %w", seq+1, err)
		}
		if l.Seq != seq+1 || l.Prev != n.Head || (l.Kind == kindNight) != (seq == 0) || n.Sealed() {
			return nil, 0, 0, fmt.Errorf("read the night's journal: line %d does not follow the one before it: it was changed", seq+1)
		}
		switch l.Kind {
		case kindNight:
			if err = json.Unmarshal(l.Data, &n.Header); err == nil && n.Version > version {
				err = fmt.Errorf("a newer lifeboat wrote it: format %d", n.Version)
			}
		case kindProof:
			var p Proof
			err = json.Unmarshal(l.Data, &p)
			proofs = append(proofs, p)
		case kindSealed:
			n.Ended = l.At
		default:
			err = fmt.Errorf("a newer lifeboat wrote %q", l.Kind)
		}
		if err != nil {
			return nil, 0, 0, fmt.Errorf("read the night's journal: line %d: %w", l.Seq, err)
		}
		seq, n.Head = l.Seq, digest(text)
		whole += int64(len(text)) + 1
		raw = rest
	}
	if seq == 0 {
		return nil, 0, 0, errors.New("read the night's journal: it holds nothing")
	}
	n.fill(proofs)
	return n, seq, whole, nil
}

// fill puts the proofs into the order of the plan; the latest of each counts. Where two of the plan cannot be told apart, as files whose
// names differ in what is no text, the worst of both is that of each.
func (n *Night) fill(proofs []Proof) {
	n.Proofs = make([]Proof, 0, len(n.Planned))
	alike := map[string]int{}
	for _, p := range n.Planned {
		alike[p.key()]++
	}
	for _, p := range n.Planned {
		got, found := Proof{Planned: p, Status: record.StatusNotRun}, 0
		for _, q := range proofs {
			if q.key() != p.key() {
				continue
			}
			if found++; found == 1 || alike[p.key()] == 1 || got.Status == record.StatusPassed || q.Status == record.StatusFailed {
				got = q
			}
		}
		if found == 0 && p.Rests != nil {
			got = *p.Rests
			got.Planned = p
		} else if found < alike[p.key()] && got.Status != record.StatusFailed {
			got = Proof{Planned: p, Status: record.StatusNotRun}
		}
		n.Proofs = append(n.Proofs, got)
	}
}

// List reads the nights of a catalogue in a home, by its name and its file, the oldest first. Those that cannot be read are told apart
// from the rest.
func List(home, catalogue, of string) (nights []*Night, unread error) {
	all, unread := All(home)
	return slices.DeleteFunc(all, func(n *Night) bool { return n.Catalogue != catalogue || n.File != of }), unread
}

// All reads the nights of every catalogue in a home, as List does.
func All(home string) (nights []*Night, unread error) {
	entries, err := os.ReadDir(Dir(home))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list the nights: %w", err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			continue // the page of a catalogue
		}
		n, err := Read(home, e.Name())
		if err != nil {
			unread = errors.Join(unread, fmt.Errorf("night %s: %w", e.Name(), err))
			continue
		}
		nights = append(nights, n)
	}
	slices.SortStableFunc(nights, func(a, b *Night) int { return a.Started.Compare(b.Started) })
	return nights, unread
}
