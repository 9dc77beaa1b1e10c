// Package translog keeps an append-only list of records, and proves of a record that it is in the list and of a list that it goes on from an
// older one: the Merkle tree of RFC 6962, by golang.org/x/mod/sumdb/tlog. The list is one file with one record a line, and nothing else is kept:
// the tree of ten thousand records is computed from it within a tenth of a second, and so cannot differ from it.
package translog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"lifeboat/internal/filelock"
)

// lockWait is how long another writer may hold the list.
const lockWait = 30 * time.Second

// longest record, bytes: the last one is read from the end of the file.
const longest = 64 << 10

// Append adds the record that next makes out of the last one (nil: the list is empty), as the only writer, and waits for the disk. A line
// that a crash cut off is taken back: nobody was told of it. nil from next adds nothing.
func Append(path string, next func(last []byte) ([]byte, error)) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer f.Close() //nolint:errcheck // what was written is synced
	if err := filelock.Exclusive(f, lockWait); err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	last, end, err := lastLine(f)
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	line, err := next(last)
	if err != nil || line == nil {
		return err
	}
	if len(line) == 0 || len(line) >= longest || bytes.IndexByte(line, '\n') >= 0 {
		return fmt.Errorf("append to the log: a record is one line of 1 to %d bytes", longest-1)
	}
	if err := f.Truncate(end); err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	if _, err := f.WriteAt(append(line, '\n'), end); err != nil {
		return fmt.Errorf("append to the log: %w", errors.Join(err, f.Truncate(end)))
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("append to the log: %w", err)
	}
	return nil
}

// lastLine gives the last whole line and the end of it.
func lastLine(f *os.File) (line []byte, end int64, err error) {
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	from := max(0, info.Size()-2*longest) // a cut-off line and a whole one
	tail := make([]byte, info.Size()-from)
	if _, err := f.ReadAt(tail, from); err != nil && err != io.EOF {
		return nil, 0, err
	}
	whole := bytes.LastIndexByte(tail, '\n')
	if whole < 0 {
		if from > 0 {
			return nil, 0, fmt.Errorf("its end is no record of at most %d bytes", longest)
		}
		return nil, 0, nil
	}
	return tail[bytes.LastIndexByte(tail[:whole], '\n')+1 : whole], from + int64(whole) + 1, nil
}

// Tree is the list and the hashes over it.
type Tree struct {
	Records [][]byte
	hashes  []tlog.Hash // as StoredHashes orders them
}

// New computes the tree of records.
func New(records [][]byte) (*Tree, error) {
	t := &Tree{Records: records}
	for i, r := range records {
		more, err := tlog.StoredHashes(int64(i), r, t)
		if err != nil {
			return nil, err
		}
		t.hashes = append(t.hashes, more...)
	}
	return t, nil
}

// Load reads the list of a file; a cut-off line at its end does not count, and no file is an empty list.
func Load(path string) (*Tree, error) {
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the log: %w", err)
	}
	var records [][]byte
	for {
		line, rest, whole := bytes.Cut(raw, []byte{'\n'})
		if !whole {
			return New(records)
		}
		records, raw = append(records, line), rest
	}
}

// ReadHashes implements tlog.HashReader.
func (t *Tree) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	all := make([]tlog.Hash, len(indexes))
	for i, n := range indexes {
		if n < 0 || n >= int64(len(t.hashes)) {
			return nil, fmt.Errorf("the tree has no hash %d", n)
		}
		all[i] = t.hashes[n]
	}
	return all, nil
}

// Size is the number of records.
func (t *Tree) Size() int64 { return int64(len(t.Records)) }

// Head of the tree of the first n records.
func (t *Tree) Head(n int64) (tlog.Tree, error) {
	if n < 0 || n > t.Size() {
		return tlog.Tree{}, fmt.Errorf("the log has %d records and not %d", t.Size(), n)
	}
	h, err := tlog.TreeHash(n, t)
	return tlog.Tree{N: n, Hash: h}, err
}

// Inclusion proves that record i is in the tree.
func (t *Tree) Inclusion(i int64) (tlog.RecordProof, error) { return tlog.ProveRecord(t.Size(), i, t) }

// Consistency proves that the tree goes on from its first n records.
func (t *Tree) Consistency(n int64) (tlog.TreeProof, error) {
	if n == 0 {
		return nil, nil // everything goes on from nothing
	}
	return tlog.ProveTree(t.Size(), n, t)
}

// Checkpoint is what is signed of a log (C2SP tlog-checkpoint): three lines, and nothing more of ours.
type Checkpoint struct {
	Origin string // names the log
	tlog.Tree
}

// Text of a checkpoint, which is what its signatures are over.
func (c Checkpoint) Text() string {
	return fmt.Sprintf("%s\n%d\n%s\n", c.Origin, c.N, base64.StdEncoding.EncodeToString(c.Hash[:]))
}

// Sign writes the signed note.
func (c Checkpoint) Sign(signers ...note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.Text()}, signers...)
}

// mostRecords that a checkpoint may speak of. tlog looks for powers of two above a size, and of one beyond 2^62 finds none, for ever.
const mostRecords = 1 << 48

// ParseCheckpoint reads the text of one. Lines after the third are extensions, which other logs write and ours does not: they are refused.
func ParseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] == "" {
		return Checkpoint{}, errors.New("a checkpoint has three lines: the log's name, its size, and the hash of its tree")
	}
	n, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || n < 0 || n > mostRecords || strconv.FormatInt(n, 10) != lines[1] {
		return Checkpoint{}, fmt.Errorf("the size %q of the checkpoint is no number of records", lines[1])
	}
	hash, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(hash) != tlog.HashSize {
		return Checkpoint{}, fmt.Errorf("the hash %q of the checkpoint is none", lines[2])
	}
	return Checkpoint{Origin: lines[0], Tree: tlog.Tree{N: n, Hash: tlog.Hash(hash)}}, nil
}

// PeekCheckpoint reads what a signed note, or a checkpoint that nobody signed, says, and verifies nothing.
func PeekCheckpoint(raw []byte) (Checkpoint, error) {
	text, _, _ := bytes.Cut(raw, []byte("\n\n"))
	return ParseCheckpoint(strings.TrimSuffix(string(text), "\n") + "\n")
}
