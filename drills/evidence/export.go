package evidence

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"lifeboat/internal/signing"
	"lifeboat/internal/translog"
)

// Names in a bundle. Drills and nights lie in it as in their home.
const (
	bundleName     = "bundle.json"
	checkpointName = "log/checkpoint"
	leavesName     = "log/leaves.ndjson"
	proofsName     = "log/proofs.json"
	nightName      = "night.ndjson"
)

// Bundle says what a bundle is to hold. Everything in it is held against the log.
type Bundle struct {
	Format int       `json:"format"`
	Origin string    `json:"origin"`           // the log's name
	From   time.Time `json:"from,omitzero"`    // with To: all that began from then on …
	To     time.Time `json:"to,omitzero"`      // … and before then
	Series []string  `json:"series,omitempty"` // only these; none: all
	Chosen []string  `json:"chosen,omitempty"` // instead of a period: drills that somebody chose
	First  int64     `json:"first"`            // of a period: from this record on the log is in it to its end, and that before it is of before From
	Open   []Open    `json:"open,omitempty"`   // drills that have a number and no end yet, says who made the bundle
}

// Open is a drill that has not ended, or whose end nobody has looked at yet.
type Open struct {
	Drill  string `json:"drill"`
	Series string `json:"series,omitempty"`
	Number int    `json:"number"`
}

// Whole tells whether a bundle is of a period, so that what is missing shows.
func (b Bundle) Whole() bool { return len(b.Chosen) == 0 }

// holds tells whether what a record is about lies in the bundle.
func (b Bundle) holds(l Leaf) bool {
	if !b.Whole() {
		return slices.Contains(b.Chosen, l.ID) || slices.Contains(b.Chosen, l.Drill)
	}
	return l.Kind != KindProgramme && !l.Started.Before(b.From) && l.Started.Before(b.To) && b.speaksOf(l)
}

// spoken adds to what a bundle of a period holds what was said of its drills after the period, and the programmes that were in force.
func (b Bundle) spoken(leaves []Leaf) func(Leaf) bool {
	of := map[string]bool{}
	for _, l := range leaves {
		if l.Kind == KindDrill && b.holds(l) {
			of[l.ID] = true
		}
	}
	programmes := b.inForce(leaves)
	return func(l Leaf) bool {
		return b.holds(l) || programmes[l.Index] || l.Kind == KindAddendum && of[l.Drill] && b.speaksOf(l)
	}
}

// speaksOf tells whether a record may be shown to whom the bundle is for.
func (b Bundle) speaksOf(l Leaf) bool {
	return len(b.Series) == 0 || slices.Contains(b.Series, l.Series)
}

// knows that something was ever logged of series and catalogues: a bundle of one that is spelled wrong holds nothing, and verifies.
func (l *Log) knows(series []string) error {
	for _, s := range series {
		var known []string
		for _, leaf := range l.Leaves {
			known = append(known, leaf.Series)
		}
		if slices.Sort(known); !slices.Contains(known, s) {
			return fmt.Errorf("there is no series or catalogue %q in the log: it has %s", s, cmp.Or(strings.Join(slices.Compact(known), ", "), "none"))
		}
	}
	return nil
}

// proofs that records are in the log, and that the log goes on from older checkpoints. Hashes are base64, as in tlog.
type proofs struct {
	Size        int64         `json:"size"`
	Inclusion   []inclusion   `json:"inclusion"`
	Consistency []consistency `json:"consistency"`
}

type inclusion struct {
	Index int64       `json:"index"`
	Path  []tlog.Hash `json:"path"`
}

type consistency struct {
	From int64       `json:"from"` // size of the older tree
	Path []tlog.Hash `json:"path"`
}

// ExportRequest says what is to be exported, and by whom it is signed.
type ExportRequest struct {
	Home   string
	Bundle        // From and To, or Chosen, and Open; the rest is filled in
	Since  []byte // an older checkpoint from which it is to be shown that the log goes on; those that this home gave out always are
	Signer signing.Signer
	Stamp  Stamper // nil: a time stamp that was got before, or none
}

// Export writes a bundle into a folder that must not be there. The same evidence and the same key give the same bytes.
func Export(r ExportRequest, to string) (*Bundle, error) {
	return r.write(&bundleWriter{root: to, home: r.Home})
}

// ExportArchive writes it as one .tar.gz, and no file besides: on a disk making its files is most of what a folder with the drills of a year takes.
func ExportArchive(r ExportRequest, to io.Writer) (*Bundle, error) {
	w := &bundleWriter{home: r.Home}
	b, err := r.write(w)
	if err != nil {
		return nil, err
	}
	return b, archive(to, r.Home, w.parts)
}

func (r ExportRequest) write(w *bundleWriter) (*Bundle, error) {
	l, err := OpenLog(r.Home)
	if err != nil {
		return nil, err
	}
	if err := l.knows(r.Series); err != nil {
		return nil, err
	}
	b := r.Bundle
	b.Format, b.Origin, b.First = format, l.Origin, l.first(r.Bundle)
	older, err := l.older(r.Home, r.Since)
	if err != nil {
		return nil, err
	}
	signed, err := l.Checkpoint(r.Home, r.Signer)
	if err != nil {
		return nil, err
	}
	request, response, err := Stamped(r.Home, signed, r.Stamp)
	if err != nil {
		return nil, err
	}
	if w.root != "" {
		if err := os.Mkdir(w.root, 0o700); err != nil {
			return nil, fmt.Errorf("make the bundle: %w", err)
		}
	}
	leaves, p, err := w.leaves(l, b, older)
	if err != nil {
		return nil, err
	}
	w.json(bundleName, b)
	w.file(checkpointName, signed)
	if response != nil {
		w.file(requestName, request)
		w.file(responseName, response)
	}
	w.file(leavesName, leaves)
	w.json(proofsName, p)
	holds := b.spoken(l.Leaves)
	w.copies(slices.DeleteFunc(slices.Clone(l.Leaves), func(leaf Leaf) bool { return !holds(leaf) }))
	return &b, w.err
}

// first is the record from which on a period may have begun: the one after the last that was logged before it, and may be shown.
func (l *Log) first(b Bundle) int64 {
	for _, leaf := range slices.Backward(l.Leaves) {
		if leaf.Logged.Before(b.From) && b.speaksOf(leaf) {
			return leaf.Index + 1
		}
	}
	return 0
}

// older are the sizes of the trees from which it is shown that the log goes on: first it is made sure that it does.
func (l *Log) older(home string, since []byte) (sizes []int64, err error) {
	given, err := os.ReadDir(filepath.Join(logDir(home), "checkpoints"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	hold := func(raw []byte) error {
		c, err := translog.PeekCheckpoint(raw)
		if err != nil {
			return err
		}
		head, err := l.Head(c.N)
		if err == nil && (head.Hash != c.Hash || l.Origin != c.Origin) {
			err = fmt.Errorf("its first %d records are others", c.N)
		}
		if err != nil {
			return fmt.Errorf("the log does not go on from the checkpoint of %d records of %s: %w; it was changed, and nothing is signed", c.N, c.Origin, err)
		}
		if c.N > 0 && c.N < l.Size() && !slices.Contains(sizes, c.N) {
			sizes = append(sizes, c.N)
		}
		return nil
	}
	for _, e := range given {
		raw, err := os.ReadFile(filepath.Join(logDir(home), "checkpoints", e.Name()))
		if err == nil {
			err = hold(raw)
		}
		if err != nil {
			return nil, err
		}
	}
	if since != nil {
		if err := hold(since); err != nil {
			return nil, err
		}
	}
	slices.Sort(sizes)
	return sizes, nil
}

// Checkpoint signs the log as it stands, and remembers what was given out; without a signer nobody can tell who says so.
func (l *Log) Checkpoint(home string, by signing.Signer) ([]byte, error) {
	head, err := l.Head(l.Size())
	if err != nil {
		return nil, err
	}
	c := translog.Checkpoint{Origin: l.Origin, Tree: head}
	if by == nil {
		return []byte(c.Text()), nil
	}
	if _, err := l.older(home, nil); err != nil {
		return nil, err
	}
	var n note.Signer
	if n, err = by.Note(l.Origin); err != nil {
		return nil, err
	}
	signed, err := c.Sign(n)
	if err != nil {
		return nil, fmt.Errorf("sign the checkpoint: %w", err)
	}
	dir := filepath.Join(logDir(home), "checkpoints")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return signed, writeWhole(filepath.Join(dir, strconv.FormatInt(c.N, 10)), signed)
}
