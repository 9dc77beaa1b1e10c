// Package evidence seals what a drill leaves so that a stranger can check it without trusting us: a manifest of everything that belongs to
// it, bound to its journal as it was then; an append-only log in which every drill and night is a record, however it ended; signatures over
// the digests of the restore points; and bundles of all that, which are verified offline by nothing but themselves and a public key.
// docs/evidence.md defines the formats.
package evidence

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lifeboat/drills/objective"
	"lifeboat/drills/record"
	"lifeboat/internal/canonical"
)

// format of manifests, records of the log, and bundles.
const format = 1

// Names in a drill's folder. What is under evidence/ was written when the drill was sealed and is never written again, but for the envelope,
// to which signatures are added.
const (
	journalName  = "journal.ndjson"
	recordName   = "record.json"
	manifestName = "evidence/manifest.json"
	verdictName  = "evidence/verdict.json"
	leafName     = "evidence/leaf.json"
	envelopeName = "evidence/attestation.json"
	reportsDir   = "reports/"
	roleReport   = "report"
)

// Manifest says what belongs to a drill, and how its journal stood when it was sealed: what is written into it later, by the reaper, is not
// part of it. Times are in UTC.
type Manifest struct {
	Format     int              `json:"format"`
	Drill      string           `json:"drill"`
	Series     string           `json:"series,omitempty"`
	Number     int              `json:"number,omitempty"` // 0: the journal does not say
	Retest     []string         `json:"retest,omitempty"` // findings of its series that it was to try again
	Part       bool             `json:"part,omitempty"`   // of a backup a part alone was restored
	Started    time.Time        `json:"started"`
	Sealed     time.Time        `json:"sealed"`
	Tool       string           `json:"tool"`            // lifeboat's version
	Build      string           `json:"build,omitempty"` // which build of it: another one may judge otherwise
	Journal    Journal          `json:"journal"`
	Unreadable string           `json:"unreadable,omitempty"` // why the journal cannot be judged
	Status     record.RunStatus `json:"status"`
	Verdict    record.Status    `json:"verdict"`
	Subjects   []Subject        `json:"subjects"`
	Files      []File           `json:"files"` // in the order of their paths
}

// Journal is what of the journal's file was sealed: its first bytes.
type Journal struct {
	Bytes  int64  `json:"bytes"`
	Events int64  `json:"events"`
	Head   string `json:"head"` // SHA-256 of its last line, hexadecimal: the head of the chain
}

// Subject is a restore point that was put to the test.
type Subject struct {
	Backup string `json:"backup"`
	Point  string `json:"point"`
	Digest string `json:"digest"` // sha256:…
}

// File of a drill. Of the journal, digest and size are those of what was sealed.
type File struct {
	Path   string `json:"path"` // slashes, relative to the drill's folder
	Role   string `json:"role"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// roles by the beginning of a path; what begins with none of them is no evidence (the ledger, the inbox, the reaper's log).
var roles = []struct{ prefix, role string }{
	{journalName, "journal"}, {recordName, "record"}, {verdictName, "verdict"}, {"scenario.json", "scenario"}, {"scenario/", "scenario"},
	{"raw/pulse", "pulse"}, {"raw/facts/", "facts"}, {"raw/", "raw"}, {reportsDir, roleReport},
}

func roleOf(name string) string {
	for _, r := range roles {
		if name == r.prefix || strings.HasSuffix(r.prefix, "/") && strings.HasPrefix(name, r.prefix) ||
			r.prefix == "raw/pulse" && strings.HasPrefix(name, r.prefix) {
			if r.role == "raw" && strings.Contains(path.Base(name), "console") {
				return "console"
			}
			return r.role
		}
	}
	return ""
}

// Sealing says who seals a drill, and when.
type Sealing struct {
	Tool, Build string
	Now         time.Time
}

// seal makes the manifest of a drill that has ended, and the verdict beside it, unless they are there.
func seal(dir string, s Sealing) (m *Manifest, raw []byte, err error) {
	if raw, err = os.ReadFile(filepath.Join(dir, manifestName)); err == nil {
		m = &Manifest{}
		return m, raw, canonical.Unmarshal(raw, m)
	}
	journal, err := os.ReadFile(filepath.Join(dir, journalName))
	if err != nil {
		return nil, nil, err
	}
	j := judge(journal)
	m = &Manifest{Format: format, Drill: filepath.Base(dir), Sealed: s.Now.UTC().Round(0), Tool: s.Tool, Build: s.Build, Journal: j.journal,
		Subjects: []Subject{}, Status: record.RunCrashed, Verdict: record.StatusInconclusive, Started: j.header.Started.UTC(),
		Series: j.header.Series, Number: j.header.Number, Retest: j.header.Retest}
	verdict := []byte("{}")
	if j.err != nil {
		m.Unreadable = j.err.Error()
	} else {
		m.Status, m.Verdict, m.Subjects, m.Part = j.record.Status, j.verdict.Status, subjects(j.record), j.record.InPart()
		if verdict, err = canonical.Marshal(j.verdict); err != nil {
			return nil, nil, err
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "evidence"), 0o700); err != nil {
		return nil, nil, err
	}
	if err := writeWhole(filepath.Join(dir, verdictName), verdict); err != nil {
		return nil, nil, err
	}
	if m.Files, err = filesOf(dir, j.journal.Bytes); err != nil {
		return nil, nil, err
	}
	if raw, err = canonical.Marshal(m); err != nil {
		return nil, nil, err
	}
	return m, raw, writeWhole(filepath.Join(dir, manifestName), raw)
}

// filesOf digests what of a drill's folder is evidence.
func filesOf(dir string, sealed int64) (files []File, err error) {
	err = filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		f := File{Path: filepath.ToSlash(rel)}
		if f.Role = roleOf(f.Path); f.Role == "" {
			return nil
		}
		most := int64(-1)
		if f.Path == journalName {
			most = sealed
		}
		in, err := os.Open(p)
		if err != nil {
			return err
		}
		f.SHA256, f.Size, err = digestOf(in, most)
		files = append(files, f)
		return errors.Join(err, in.Close())
	})
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return files, err
}

// digestOf reads at most that many bytes; negative: all.
func digestOf(r io.Reader, most int64) (hexadecimal string, n int64, err error) {
	if most >= 0 {
		r = io.LimitReader(r, most)
	}
	h := sha256.New()
	n, err = io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

func digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

// judged is what a journal says.
type judged struct {
	journal Journal
	header  record.Header // of a journal that cannot be read: as far as its first line can
	record  *record.Record
	verdict record.Verdict
	err     error // why it cannot be judged
}

// judge reads a journal up to its last whole line and judges it, as lifeboat report does.
func judge(raw []byte) (j judged) {
	whole := raw[:bytes.LastIndexByte(raw, '\n')+1]
	j.journal = Journal{Bytes: int64(len(whole))}
	if len(whole) > 0 { // whatever else is wrong with it
		line := whole[bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1:]
		j.journal.Head = strings.TrimPrefix(digest(line), "sha256:")
	}
	events, err := record.Read(bytes.NewReader(whole))
	var damage *record.Damage
	if errors.As(err, &damage) && damage.Torn {
		err = nil
	}
	if j.journal.Events = int64(len(events)); len(events) > 0 {
		if data, e := record.Decode(events[0]); e == nil {
			j.header, _ = data.(record.Header)
		}
	}
	if err == nil {
		j.record, err = record.Build(events)
	}
	if j.err = err; err == nil {
		j.verdict = objective.Judge(j.record)
	}
	return j
}

// subjects are the restore points of a drill whose digest is known, each once.
func subjects(r *record.Record) []Subject {
	all := []Subject{}
	for _, p := range r.RestorePoints {
		d, ok := record.ParseDigest(p.Digest)
		if s := (Subject{p.Backup, p.Point, p.Digest}); ok && d.Algorithm == record.SHA256 && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	return all
}

// writeWhole writes a file whole or not at all, and waits for the disk.
func writeWhole(name string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // where it is not gone with its new name
	_, err = f.Write(content)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(f.Name(), name)
}
