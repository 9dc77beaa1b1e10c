package evidence

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lifeboat/drills/night"
	"lifeboat/drills/record"
	"lifeboat/internal/canonical"
	"lifeboat/internal/translog"
)

// The kinds of records in the log.
const (
	KindDrill     = "drill"
	KindNight     = "night"
	KindAddendum  = "addendum"
	KindProgramme = "programme"
)

var kinds = []string{KindDrill, KindNight, KindAddendum, KindProgramme}

// Leaf is a record of the log: a drill or a night as it was sealed, or what somebody said of a drill later. What it names can be withheld, and not changed.
type Leaf struct {
	Format   int              `json:"format"`
	Index    int64            `json:"index"` // in the log, from 0
	Kind     string           `json:"kind"`
	ID       string           `json:"id"`
	Series   string           `json:"series,omitempty"` // of a night its catalogue, of a programme its name
	Number   int              `json:"number,omitempty"` // of a drill or a finding, within its series
	Drill    string           `json:"drill,omitempty"`  // of an addendum: which it speaks of
	Retest   []string         `json:"retest,omitempty"` // of a drill: the findings of its series that it was to try again
	Part     bool             `json:"part,omitempty"`   // of a drill: of a backup a part alone was restored
	Started  time.Time        `json:"started"`          // of an addendum: when it was said
	Status   record.RunStatus `json:"status,omitempty"`
	Verdict  record.Status    `json:"verdict"`
	Head     string           `json:"head"`               // of the journal's chain, hexadecimal; of an addendum: the digest of what was signed
	Manifest string           `json:"manifest,omitempty"` // of a drill: sha256:… of its manifest; of an addendum: of its envelope
	Logged   time.Time        `json:"logged"`
}

func logDir(home string) string { return filepath.Join(home, "log") }

func logPath(home string) string { return filepath.Join(logDir(home), "entries.ndjson") }

// folder of what a record is about.
func (l Leaf) folder(home string) string {
	switch l.Kind {
	case KindNight:
		return filepath.Join(night.Dir(home), l.ID)
	case KindAddendum:
		return filepath.Join(addendaDir(home), l.ID)
	case KindProgramme:
		return filepath.Join(programmesDir(home), l.ID)
	}
	return filepath.Join(home, "drills", l.ID)
}

// Logged tells whether a drill or night is in its home's log, by its folder.
func Logged(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, leafName))
	return err == nil
}

// LogDrill seals the evidence of a drill that has ended and enters it into the log of its home, both once, whoever died in between.
func LogDrill(home, id string, s Sealing) error {
	dir := filepath.Join(home, "drills", id)
	if Logged(dir) {
		return nil
	}
	m, raw, err := seal(dir, s)
	if err != nil {
		return fmt.Errorf("seal the evidence of drill %s: %w", id, err)
	}
	return enter(home, Leaf{Kind: KindDrill, ID: id, Series: m.Series, Number: m.Number, Retest: m.Retest, Part: m.Part, Started: m.Started, Status: m.Status,
		Verdict: m.Verdict, Head: m.Journal.Head, Manifest: digest(raw), Logged: s.Now})
}

// LogNight enters a night that came to its end.
func LogNight(home, id string, s Sealing) error {
	if Logged(filepath.Join(night.Dir(home), id)) {
		return nil
	}
	n, err := night.Read(home, id)
	if err != nil {
		return err
	}
	return enter(home, Leaf{Kind: KindNight, ID: id, Series: n.Catalogue, Started: n.Started.UTC(), Verdict: n.Status(),
		Head: strings.TrimPrefix(n.Head, "sha256:"), Logged: s.Now})
}

// enter appends a record. The file beside what it is about says that it is in the log; who died before writing that file left it to the next
// one, who therefore looks whether the last record has it before adding another.
func enter(home string, l Leaf) error {
	if err := os.MkdirAll(logDir(home), 0o700); err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	var line []byte
	err := translog.Append(logPath(home), func(last []byte) (_ []byte, err error) {
		if len(last) > 0 {
			var before Leaf
			if err := canonical.Unmarshal(last, &before); err != nil {
				return nil, fmt.Errorf("read the last record of the log: %w", err)
			}
			if err := settle(home, before, last); err != nil {
				return nil, err
			}
			l.Index = before.Index + 1
			if before.Logged.After(l.Logged) { // the clock was set back
				l.Logged = before.Logged
			}
		}
		if Logged(l.folder(home)) {
			return nil, nil
		}
		l.Format, l.Logged = format, l.Logged.UTC().Round(0)
		line, err = canonical.Marshal(l)
		return line, err
	})
	if err != nil || line == nil {
		return err
	}
	return settle(home, l, line)
}

// settle writes down beside what a record is about that it is in the log. What is gone needs nothing.
func settle(home string, l Leaf, line []byte) error {
	dir := l.folder(home)
	if Logged(dir) {
		return nil
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err := os.MkdirAll(filepath.Join(dir, "evidence"), 0o700); err != nil {
		return fmt.Errorf("enter %s into the log: %w", l.ID, err)
	}
	return writeWhole(filepath.Join(dir, leafName), line)
}

// Log is the log of a home as it stands.
type Log struct {
	Origin string // its name
	Leaves []Leaf
	*translog.Tree
}

// OpenLog reads the log of a home.
func OpenLog(home string) (*Log, error) {
	origin, err := originOf(home)
	if err != nil {
		return nil, err
	}
	tree, err := translog.Load(logPath(home))
	if err != nil {
		return nil, err
	}
	l := &Log{Origin: origin, Tree: tree, Leaves: make([]Leaf, tree.Size())}
	for i, raw := range tree.Records {
		if err := canonical.Unmarshal(raw, &l.Leaves[i]); err != nil {
			return nil, fmt.Errorf("read record %d of the log: %w", i, err)
		}
		if l.Leaves[i].Index != int64(i) {
			return nil, fmt.Errorf("record %d of the log says that it is record %d: the log was changed", i, l.Leaves[i].Index)
		}
	}
	return l, nil
}

// originOf names the log of a home, the first time by a lot: two homes must not be taken for one.
func originOf(home string) (string, error) {
	name := filepath.Join(logDir(home), "origin")
	raw, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(logDir(home), 0o700); err != nil {
			return "", fmt.Errorf("name the log: %w", err)
		}
		lot := make([]byte, 8)
		_, _ = rand.Read(lot) // never fails
		raw = []byte("lifeboat/" + hex.EncodeToString(lot))
		err = writeWhole(name, raw)
	}
	if err != nil {
		return "", fmt.Errorf("name the log: %w", err)
	}
	return strings.TrimSpace(string(raw)), nil
}
