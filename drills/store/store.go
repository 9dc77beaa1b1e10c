// Package store is the contract of the places where backups are kept. A store
// lists restore points and streams them; it never interprets their content.
package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"lifeboat/drills/record"
)

// Point is one backup at one time.
type Point struct {
	ID           string        // name within the store
	Taken        time.Time     // when it was written, as the store tells; never used as a consistency time
	Size         int64         // bytes as stored
	Digest       record.Digest // promised beside it or by the scenario; see Stream.Digest
	Doubt        string        // why what lists of digests beside it say of it, or do not say, cannot be used; empty: none
	ConsistentTo time.Time     // declared by a manifest beside the backup; zero: not declared
	ConsistentBy string        // the source of ConsistentTo
	Unusable     Unusable      // why it cannot be restored as it lies; "": it can
	Wrong        error         // what is wrong with its manifest, which somebody must mend before it can be picked; nil: nothing
	Dir          bool          // a folder of files (a directory dump): Fetch streams it as a tar
}

// Store lists and streams restore points. Safe for concurrent use; never writes.
type Store interface {
	// List returns the points, oldest first. *Problem when the store itself is unreadable.
	List(ctx context.Context) ([]Point, error)
	// Fetch streams a point. The reader verifies the promised digest and returns *Mismatch
	// instead of io.EOF when it does not hold.
	Fetch(ctx context.Context, p Point) (Stream, error)
}

// Stream is the bytes of a point, verified on the way.
type Stream interface {
	io.ReadCloser
	// Digest of all the bytes, as sha256:…; empty before io.EOF, which a broken promise of whatever algorithm never
	// lets come. Of a folder it is the digest of the lines
	// that `LC_ALL=C sha256sum` prints for its files in the order of their names, not of the tar around them.
	Digest() string
	// Bytes read so far; safe to call from another goroutine.
	Bytes() int64
}

// Random reads a point where it lies, at any offset, without fetching all of it.
// Safe for concurrent use. No digest is verified: what is read here and there has none.
// ReadAt returns fs.ErrClosed after Close, the context's error once that of OpenAt has ended, and a
// *Problem when the point became another one while it was read.
type Random interface {
	io.ReaderAt
	io.Closer
	Size() int64    // bytes, fixed for as long as it is open
	Path() string   // of the file on this host, absolute; "" when it is elsewhere
	Fetched() int64 // bytes that were read from where it lies, so far
	// Same returns a *Problem once the point is known to be another one than the one that was opened. Until Close
	// it also tells what whoever opens Path would get. It reads nothing of the point.
	Same() error
}

// RandomStore is a store that can do that.
type RandomStore interface {
	// OpenAt opens a point until it is closed or ctx ends. What a store has to keep lies in scratch, a folder
	// of the drill, as files without a name: they go with the process. Errors wrap ErrNoPoint when the point is
	// not there any more; a folder cannot be opened; *Problem when the store can stream only.
	OpenAt(ctx context.Context, p Point, scratch string) (Random, error)
}

// Remote is a store that is reached over a network.
type Remote interface {
	// Hosts are the servers, and the proxy before them, by name or address, without ports; what is not known is left out.
	Hosts() []string
}

// Dating is a store that can say by itself to which moment each of its restore points is consistent.
type Dating interface {
	// Dates tells whether its settings ask for that.
	Dates() bool
}

// Checker is a store that a tool of its own can check as a whole.
type Checker interface {
	// Check has the tool look where the settings ask for it, and returns nil where they do not. An error says nothing of the store's content.
	Check(ctx context.Context) (*Checked, error)
}

// Checked is what a tool says of all that a store holds. It is the tool's word: lifeboat has not seen it.
type Checked struct {
	Tool  string // and its version: restic 0.14.0
	How   string // structure or data, as the scenario asks
	Wrong string // the first thing that it names; "": nothing
}

// ErrNoPoint is wrapped by Pick when nothing matches.
var ErrNoPoint = errors.New("no restore point")

// Problem says that the store itself cannot be used as it is. It says nothing about a backup.
type Problem struct {
	Store  string // as the scenario names it
	Reason string
	Hint   string
}

func (e *Problem) Error() string {
	if e.Hint == "" {
		return fmt.Sprintf("read store %s: %s", e.Store, e.Reason)
	}
	return fmt.Sprintf("read store %s: %s (%s)", e.Store, e.Reason, e.Hint)
}

// Mismatch: the backup is not what its manifest promised, or not whole. A finding: the backup is bad.
type Mismatch struct {
	Point, Want, Got string // Want and Got as ALGORITHM:HEX
	What             string // is wrong, in words, where no digest shows it; "": one does
}

func (e *Mismatch) Error() string {
	if e.What != "" {
		return fmt.Sprintf("verify %s: %s", e.Point, e.What)
	}
	return fmt.Sprintf("verify %s: digest is %s, its manifest promises %s", e.Point, e.Got, e.Want)
}
