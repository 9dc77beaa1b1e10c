package translog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

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
