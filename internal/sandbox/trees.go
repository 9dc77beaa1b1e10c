package sandbox

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"runtime"
	"time"

	"lifeboat/internal/tree"
)

// Unpacked is the line that CommandUnpack prints first: what was made, or why not. Where nothing is wrong, what is there then follows it, as
// CommandList prints it.
type Unpacked struct {
	Made    tree.Made `json:"made"`
	Damage  string    `json:"damage,omitempty"`  // of the tar
	Odd     string    `json:"odd,omitempty"`     // the tar may be good, and is not read here
	Partial bool      `json:"partial,omitempty"` // of what is odd
	Error   string    `json:"error,omitempty"`   // of the folder
}

// unpack fills a folder with the tree of a tar, and reads it back.
func unpack(folder string, in io.Reader, out io.Writer) error {
	made, err := tree.Unpack(folder, in)
	said := Unpacked{Made: made}
	var damage *tree.Damage
	var odd *tree.Odd
	switch {
	case errors.As(err, &damage):
		said.Damage = damage.Reason
	case errors.As(err, &odd):
		said.Odd, said.Partial = odd.Reason, odd.Partial
	case err != nil:
		said.Error = err.Error()
	}
	if e := json.NewEncoder(out).Encode(said); e != nil || err != nil {
		return e
	}
	return list(folder, out)
}

// mostReaders read files side by side: hashing is what takes the time, and each has a piece of memory.
const mostReaders = 4

// list prints what is in a folder, as a manifest: of one that is not there, nothing.
func list(folder string, out io.Writer) error {
	w, err := tree.NewWriter(out, time.Time{})
	if _, missing := os.Lstat(folder); err == nil && !errors.Is(missing, fs.ErrNotExist) {
		err = tree.Walk(folder, min(runtime.GOMAXPROCS(0), mostReaders), w.Add)
	}
	if err == nil {
		err = w.Close()
	}
	return err
}
